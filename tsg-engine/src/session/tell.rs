//! What is told of what happens. Owns when; must never be asked by the engine.

use tsg_core::model::id::{GroupId, OperationId};
use tsg_core::model::operation::Cause;
use tsg_core::plan::input::NodeCondition;
use tsg_core::plan::output::{Action, PlannedAction, Reason};

use super::Session;
use crate::board::GroupView;
use crate::event::compare::compare;
use crate::event::{Event, Occurrence, Place, Repair, Subject};
use crate::todo::Job;

/// A repair that a plan begins.
pub(super) struct Begun {
    member: OperationId,
    by: Repair,
    reason: Reason,
}

impl Session {
    /// Tells what is new about a group since it was shown last.
    pub(super) fn tell_news(&self, before: Option<&GroupView>, after: &GroupView) {
        if self.witness.is_some() {
            let place = Place::of(&after.group);
            compare(before, after).into_iter().for_each(|what| self.tell(Some(place.clone()), what));
        }
    }

    /// The repairs that a plan begins. A start that waits already was begun before.
    pub(super) fn repairs_begun(&self, actions: &[PlannedAction]) -> Vec<Begun> {
        if self.witness.is_none() {
            return Vec::new();
        }
        let begun = actions.iter().filter(|planned| planned.reason.cause() == Cause::Repair).filter_map(|planned| {
            let (by, member) = match (planned.action, planned.reason) {
                (Action::Create { .. }, Reason::Succeeds { predecessor, .. }) => (Repair::Replace, predecessor),
                (Action::Start { operation, .. }, _) if self.todo.changes.has(Job::Start(operation)) => return None,
                (Action::Start { operation, .. }, _) => (Repair::Start, operation),
                (Action::Restart { operation, .. }, _) => (Repair::Restart, operation),
                // A removal that was begun goes on.
                (_, Reason::Drained { .. } | Reason::ShutDown { .. }) => return None,
                (Action::Delete { operation, .. } | Action::Drain { operation, .. }, _) => (Repair::Remove, operation),
                _ => return None,
            };
            Some(Begun { member, by, reason: planned.reason })
        });
        begun.collect()
    }

    /// Tells of repairs, once it was told what they are for.
    pub(super) fn tell_repairs(&self, group: GroupId, repairs: Vec<Begun>) {
        for Begun { member, by, reason } in repairs {
            self.tell_of(group, member, |of| Occurrence::Repaired { of, by, reason });
        }
    }

    /// Tells of compute nodes that stand otherwise than they did.
    pub(super) fn tell_nodes(&self, before: &[NodeCondition], after: &[NodeCondition]) {
        let state_of = |all: &[NodeCondition], node: u32| {
            all.iter().find(|condition| condition.node == node).map(|condition| condition.state)
        };
        let mut nodes: Vec<u32> = before.iter().chain(after).map(|condition| condition.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        for number in nodes {
            let (was, is) = (state_of(before, number), state_of(after, number));
            let is_same = was.as_ref().map(core::mem::discriminant) == is.as_ref().map(core::mem::discriminant);
            if let Some(node) = self.sight.lasting.node(number).filter(|_| !is_same) {
                self.tell(None, Occurrence::Node { node, state: is });
            }
        }
    }

    /// Tells something of a member of a group.
    pub(super) fn tell_of(&self, group: GroupId, id: OperationId, what: impl FnOnce(Subject) -> Occurrence) {
        let ledger = self.books.group(group);
        if let Some((ledger, operation)) = ledger.and_then(|ledger| Some((ledger, ledger.operation(id)?))) {
            self.tell(Some(Place::of(ledger.group())), what(Subject::from(operation)));
        }
    }

    fn tell(&self, group: Option<Place>, what: Occurrence) {
        if let Some(witness) = &self.witness {
            witness.note(Event { at: self.now(), group, what });
        }
    }
}
