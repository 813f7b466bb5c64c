//! Where members stand. Owns the classes and counts of them; must never decide anything.

use serde::{Deserialize, Serialize};

/// Where every member stands: exactly one class each, first match wins, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Class {
    /// Being deleted.
    Leaving,
    /// Planned, not sent.
    Intended,
    /// Sent, no answer yet.
    Requested,
    /// Nobody knows whether it was made.
    InDoubt,
    /// Being drained or shut down before it is deleted.
    Retiring,
    /// Stopped and kept for a person to look at, outside of the capacity.
    Kept,
    /// Its provisioning failed.
    Failed,
    /// Not in the last complete list, nothing proved.
    Missing,
    /// Out of contact, or in a state this version does not know.
    OutOfContact,
    /// On a compute node that fell silent.
    Stranded,
    /// Provisioning for longer than is legitimate.
    Overdue,
    /// Provisioning.
    Starting,
    /// Stopped or stopping.
    Stopped,
    /// Running but unhealthy.
    Unhealthy,
    /// Running and well, but discovery does not answer with it yet, or not again.
    Unlisted,
    /// Running.
    Serving,
}

impl Class {
    /// How many classes there are.
    pub const COUNT: usize = 16;

    /// All of them, in order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Leaving,
        Self::Intended,
        Self::Requested,
        Self::InDoubt,
        Self::Retiring,
        Self::Kept,
        Self::Failed,
        Self::Missing,
        Self::OutOfContact,
        Self::Stranded,
        Self::Overdue,
        Self::Starting,
        Self::Stopped,
        Self::Unhealthy,
        Self::Unlisted,
        Self::Serving,
    ];
}

/// How many members each class has.
///
/// ```
/// use tsg_core::plan::output::{Class, ClassCounts};
///
/// let mut counts = ClassCounts::default();
/// counts.0[Class::Serving as usize] = 3;
/// counts.0[Class::Starting as usize] = 1;
/// assert_eq!((counts.of(Class::Serving), counts.total()), (3, 4));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClassCounts(pub [u32; Class::COUNT]);

impl ClassCounts {
    /// How many members a class has.
    pub const fn of(&self, class: Class) -> u32 {
        self.0[class as usize]
    }

    /// Counts others in.
    pub fn add(&mut self, others: &Self) {
        for (count, other) in self.0.iter_mut().zip(others.0) {
            *count = count.saturating_add(other);
        }
    }

    /// All members.
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
