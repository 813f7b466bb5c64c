//! What follows for a group from a compute node that fell silent.
//!
//! Owns the group's own grace, and the settling of a node that came back. Must never decide
//! whether a node is lost; that comes with the input.

use core::time::Duration;

use super::super::input::{Detail, Member, NO_NODE, NodeState, PlanInput};
use super::super::order;
use crate::model::policy::{Identity, NodeLossPolicy, NodeLossReplace, Reconcile};
use crate::model::time::Timestamp;

/// How long a node that came back settles before its instances are judged: as long as CNS takes
/// to believe in it.
pub(in super::super) const SETTLE: Duration = Duration::from_secs(120);

/// How long a node is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Until then, at least; it may lie in the past while others still doubt that it is lost.
    Awaited { until: Timestamp },
    /// No longer.
    Over { since: Timestamp },
}

/// How long the node of a stranded member is waited for.
pub(super) fn outcome(state: NodeState, input: &PlanInput<'_>) -> Outcome {
    let grace = input.policy.node_loss_grace().as_duration();
    match state {
        NodeState::Lost { since } if since.after(grace) <= input.now => Outcome::Over { since },
        NodeState::Lost { since } | NodeState::Suspect { since } => Outcome::Awaited { until: since.after(grace) },
        NodeState::Returned { at } | NodeState::Draining { since: at } => Outcome::Awaited { until: at.after(SETTLE) },
    }
}

/// Whether members on a lost node are replaced without a person's word.
pub(super) fn is_replaced(policy: &NodeLossPolicy, identity: Identity) -> bool {
    match policy.replace {
        NodeLossReplace::Yes => identity == Identity::Unordered,
        NodeLossReplace::No => false,
        NodeLossReplace::Force => true,
    }
}

/// Until when a member whose successor has taken its place is kept for the case that its node
/// comes back; `None` when it is not.
pub(super) fn kept_until(node: u32, input: &PlanInput<'_>) -> Option<Timestamp> {
    let policy = &input.policy.cn_loss;
    let until = match input.conditions.node(node)? {
        NodeState::Lost { .. } if policy.reconcile == Reconcile::KeepReplacement => return None,
        NodeState::Lost { since } => since.after(policy.hold_identity.as_duration()),
        // It may be back in a moment, and nobody has given it up.
        NodeState::Suspect { .. } => Timestamp::from_millis(i64::MAX),
        NodeState::Returned { at } => at.after(SETTLE),
        NodeState::Draining { .. } => return None,
    };
    (until > input.now).then_some(until)
}

/// The compute nodes that the last two of a place were given up on.
pub(super) fn avoided(member: &Member, detail: Option<&Detail>, input: &PlanInput<'_>) -> [Option<u32>; 2] {
    let of = |member: &Member| Some(member.compute_node).filter(|node| *node != NO_NODE);
    let before = detail.and_then(|detail| detail.replaces);
    let before = before.and_then(|operation| order::position(input.members, operation).ok());
    [of(member), before.and_then(|place| input.members.get(place)).and_then(of)]
}
