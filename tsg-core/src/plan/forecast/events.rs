//! What is going to happen, by time.
//!
//! Owns the order: by time, and at one time by what was foreseen first. Must never lose an event.

use alloc::collections::BTreeMap;

use crate::model::id::OperationId;
use crate::model::time::Timestamp;

/// What the cloud does next about one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Its planned create leaves.
    Sent,
    /// The create is answered with a machine, which is being provisioned.
    Answered,
    /// The machine runs.
    Runs,
    /// Its provisioning has failed.
    Fails,
    /// Its checks pass.
    Passes,
    /// Discovery answers with it.
    Listed,
    /// It is stopped.
    Stopped,
    /// Its guest says that it has drained.
    Drained,
    /// It is proved gone.
    Gone,
}

/// What is going to happen, by time.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    events: BTreeMap<(Timestamp, u64), (OperationId, Event)>,
    foreseen: u64,
}

impl Agenda {
    pub(super) fn put(&mut self, at: Timestamp, operation: OperationId, event: Event) {
        self.events.insert((at, self.foreseen), (operation, event));
        self.foreseen += 1;
    }

    /// When something happens next.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next of what has happened by now.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<(OperationId, Event)> {
        self.next_at().filter(|at| *at <= now)?;
        self.events.pop_first().map(|(_, event)| event)
    }
}
