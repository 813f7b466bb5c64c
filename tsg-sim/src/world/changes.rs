//! The log of record writes behind the change feed. It is bounded: a reader that falls behind
//! misses changes, as with the real feed, which promises nothing.

use std::collections::VecDeque;

use super::World;
use super::ids::{AccountId, MachineId};
use super::machine::MachineState;
use super::time::SimTime;

/// How many changes are kept.
const KEPT: usize = 20_000;

/// One write of a machine's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Owner of the machine.
    pub account: AccountId,
    /// The machine.
    pub machine: MachineId,
    /// When.
    pub at: SimTime,
    /// What changed, in the feed's words; empty for parts the feed does not name.
    pub subresources: &'static [&'static str],
    /// The internal state after the write.
    pub raw_state: &'static str,
}

/// The latest changes, numbered from 0.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChangeLog {
    first: u64,
    changes: VecDeque<Change>,
}

impl ChangeLog {
    fn push(&mut self, change: Change) {
        self.changes.push_back(change);
        if self.changes.len() > KEPT {
            self.changes.pop_front();
            self.first += 1;
        }
    }

    fn end(&self) -> u64 {
        self.first + u64::try_from(self.changes.len()).unwrap_or(0)
    }
}

impl World {
    /// Notes a write of a machine's record.
    pub(super) fn touch(&mut self, id: MachineId, subresources: &'static [&'static str]) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&id) else { return };
        machine.updated = now;
        let raw_state = raw_state(machine.state);
        let account = machine.account;
        self.changes.push(Change { account, machine: id, at: now, subresources, raw_state });
        self.note_listing(id);
    }

    /// The changes after a cursor, and the cursor to go on from. Start with [`World::change_cursor`].
    pub fn changes_after(&self, cursor: u64) -> (impl Iterator<Item = &Change>, u64) {
        let skip = usize::try_from(cursor.saturating_sub(self.changes.first)).unwrap_or(usize::MAX);
        (self.changes.changes.iter().skip(skip), self.changes.end())
    }

    /// The cursor after all changes so far.
    #[must_use]
    pub fn change_cursor(&self) -> u64 {
        self.changes.end()
    }
}

const fn raw_state(state: MachineState) -> &'static str {
    match state {
        MachineState::Offline => "unreachable",
        MachineState::Deleted => "destroyed",
        other => other.as_str(),
    }
}
