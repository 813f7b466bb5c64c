//! What will happen when: the queue of future events and the advance of virtual time.
//! Events of the same moment happen in the order in which they were planned.

use std::collections::BTreeMap;

use super::World;
use super::allocation::TicketId;
use super::faults::FaultId;
use super::ids::{JobId, MachineId, ServerId};
use super::time::SimTime;

/// Something that will happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A create gets its turn at the allocator.
    Placement(TicketId),
    /// The running job of a machine reaches its next stage.
    JobStage(MachineId, JobId),
    /// A fault's window opens.
    FaultOpens(FaultId),
    /// A fault's window closes.
    FaultCloses(FaultId),
    /// A compute node has booted.
    ServerBoots(ServerId),
}

/// The queue of future events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Events {
    queue: BTreeMap<(SimTime, u64), Event>,
    last_sequence: u64,
}

impl Events {
    pub(crate) fn plan(&mut self, at: SimTime, event: Event) {
        self.last_sequence += 1;
        self.queue.insert((at, self.last_sequence), event);
    }

    fn next_at(&self) -> Option<SimTime> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    fn pop_until(&mut self, now: SimTime) -> Option<(SimTime, Event)> {
        let entry = self.queue.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), event) = entry.remove_entry();
        Some((at, event))
    }
}

impl World {
    /// When something will happen next without any request.
    #[must_use]
    pub fn next_event(&self) -> Option<SimTime> {
        self.events.next_at()
    }

    /// Lets everything happen that is due until `now` (included), each at its own moment.
    /// Time never goes back: an earlier `now` does nothing.
    pub fn advance_to(&mut self, now: SimTime) {
        while let Some((at, event)) = self.events.pop_until(now) {
            self.now = self.now.max(at);
            self.happen(event);
        }
        self.now = self.now.max(now);
        self.directory.publish_until(self.now);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Placement(ticket) => self.place(ticket),
            Event::JobStage(machine, job) => self.reach_stage(machine, job),
            Event::FaultOpens(id) => self.open_fault(id),
            Event::FaultCloses(id) => self.close_fault(id),
            Event::ServerBoots(id) => self.regain_server(id),
        }
    }
}
