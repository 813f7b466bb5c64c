//! Lists that come before their time, because somebody said that machines changed.
//!
//! Owns how often that may be. Must never conclude anything from what was said: a hint is worth one
//! more look, and the look is worth what every other one is.

use core::time::Duration;

use tsg_core::model::id::InstanceId;
use tsg_core::observe::arrivals::LedgerLookup as _;
use tsg_core::observe::join::find_instance;
use tsg_core::plan::input::ViewTrust;

use super::Session;
use crate::hints::Hint;

/// Between the start of a list and that of one that comes early. Compute nodes tell what changed on
/// them every two seconds (CloudAPI's manual shows one restart that comes in three such lots): a look
/// between two lots would see half a change, and the next one the other half.
const GAP: Duration = Duration::from_secs(2);

/// Whether a list is wanted before its time.
#[derive(Debug, Default)]
pub(super) struct Early {
    is_wanted: bool,
    /// Whether the list that is being read was begun with a hint before it.
    is_being_read: bool,
    /// So that lists that come early take no larger share of the requests than the others may.
    not_before: Duration,
}

impl Early {
    /// A list that would have begun then begins now: whatever was hinted at is older.
    pub(super) fn note_begun(&mut self, now: Duration, is_early: bool, share: Duration) {
        if is_early {
            self.not_before = now + share;
        }
        self.is_being_read = std::mem::take(&mut self.is_wanted);
    }

    /// The list that was being read came to nothing.
    pub(super) fn note_failed(&mut self) {
        self.is_wanted |= std::mem::take(&mut self.is_being_read);
    }
}

impl Session {
    /// Takes in what was hinted at since the last turn. Machines of others change as they like.
    pub(super) fn take_in_hints(&mut self) {
        self.early.is_wanted |= match self.handle.take_hints() {
            Hint::Nothing => false,
            Hint::Machines(machines) => machines.into_iter().any(|machine| self.is_member(machine)),
            Hint::Anything => true,
        };
    }

    fn is_member(&self, machine: InstanceId) -> bool {
        let seen = find_instance(&self.sight.snapshot, machine);
        let operation = seen.and_then(|seen| self.books.operation(seen.claim?.operation));
        operation.is_some_and(|operation| operation.instance == Some(machine) && !operation.phase.is_closed())
    }

    /// When a list may begin before its time, if one is wanted.
    ///
    /// Not while creates wait: most hints are of what they bring about, and every request is theirs.
    /// Not while the view is distrusted: lists that agree are worth less the closer they are to one
    /// another.
    pub(super) fn early_due_at(&self, began: Duration) -> Option<Duration> {
        let may_look = self.todo.creates.is_empty() && self.view().trust == ViewTrust::Trusted;
        (self.early.is_wanted && may_look).then(|| self.early.not_before.max(began + GAP))
    }
}
