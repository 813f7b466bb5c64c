//! When to look again. Owns that it is always later than now.

use crate::model::time::Timestamp;

/// The earliest of the moments at which something changes by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wakeup {
    now: Timestamp,
    next: Option<Timestamp>,
}

impl Wakeup {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { now, next: None }
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Notes a moment; one that has passed changes nothing any more.
    pub(super) fn at(&mut self, moment: Timestamp) {
        if moment > self.now {
            self.next = Some(self.next.map_or(moment, |next| next.min(moment)));
        }
    }

    pub(super) const fn next(&self) -> Option<Timestamp> {
        self.next
    }
}
