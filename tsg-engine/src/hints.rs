//! Hints that machines may have changed.
//!
//! Owns how many of them wait for the engine. Must never know what changed: whoever says so may be
//! late, wrong or silent, and the cloud itself is asked.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tsg_core::model::id::InstanceId;

/// Beyond so many machines it is no use to tell which ones.
const KEPT_MAX: usize = 1000;

/// What was hinted at since the engine looked last.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Nothing.
    #[default]
    Nothing,
    /// These machines.
    Machines(BTreeSet<InstanceId>),
    /// Any machine.
    Anything,
}

impl Hint {
    fn add(&mut self, machine: InstanceId) {
        match self {
            Self::Nothing => *self = Self::Machines(BTreeSet::from([machine])),
            Self::Machines(machines) => {
                machines.insert(machine);
                if machines.len() > KEPT_MAX {
                    *self = Self::Anything;
                }
            }
            Self::Anything => {}
        }
    }
}

/// The hints that wait.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    waiting: Mutex<Hint>,
}

impl Hints {
    pub(crate) fn note(&self, machine: InstanceId) {
        self.lock().add(machine);
    }

    pub(crate) fn note_anything(&self) {
        *self.lock() = Hint::Anything;
    }

    pub(crate) fn take(&self) -> Hint {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Hint> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn however_many_there_are_they_take_little_room_and_none_is_lost() {
        let hints = Hints::default();
        let machine = |number| InstanceId::new(Uuid::from_u128(number));
        (0..5000).for_each(|_| hints.note(machine(1)));
        assert_eq!(hints.take(), Hint::Machines([machine(1)].into()));
        assert_eq!(hints.take(), Hint::Nothing);
        (0..=KEPT_MAX as u128).for_each(|number| hints.note(machine(number)));
        hints.note(machine(1));
        assert_eq!(hints.take(), Hint::Anything);
        hints.note_anything();
        hints.note(machine(1));
        assert_eq!(hints.take(), Hint::Anything);
    }
}
