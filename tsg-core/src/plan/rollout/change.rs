//! What it takes to make a member one of the goal.
//!
//! Owns the choice of the least disruptive way. Must never look at another member.

use super::super::input::{Detail, Mark, Member, PlanInput};
use super::goal::{Goal, facts};
use crate::model::revision::Disruption;

/// What it takes to make a member one of the goal, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(in super::super) enum Change {
    /// Nothing.
    None,
    /// New tags, metadata or firewall, while it runs.
    InPlace,
    /// A restart, because a person asked for it.
    Restart,
    /// Another size, which restarts it as well.
    Resize,
    /// A new machine.
    Replace,
}

impl Change {
    /// What it does to an instance.
    pub(super) const fn disruption(self) -> Disruption {
        match self {
            Self::None => Disruption::None,
            Self::InPlace | Self::Restart => Disruption::InPlace,
            Self::Resize => Disruption::Resize,
            Self::Replace => Disruption::Replace,
        }
    }
}

/// What it takes to make a member one of the goal.
pub(in super::super) fn change_of(
    member: &Member,
    detail: Option<&Detail>,
    goal: &Goal,
    input: &PlanInput<'_>,
) -> Change {
    let of_revision = of_revision(member, goal, input);
    let has = |mark| detail.is_some_and(|detail| detail.marks.has(mark));
    if has(Mark::Reprovision) {
        return Change::Replace;
    }
    if !has(Mark::Restart) {
        return of_revision;
    }
    // Who asks for a restart does not ask for more than the policy allows.
    let is_capped = of_revision.disruption() > input.policy.update.max_disruption;
    if is_capped { Change::Restart } else { of_revision.max(Change::Restart) }
}

fn of_revision(member: &Member, goal: &Goal, input: &PlanInput<'_>) -> Change {
    if member.revision == goal.revision {
        return Change::None;
    }
    let (Some(from), Some(to)) = (facts(input, member.revision), goal.facts) else {
        return Change::Replace;
    };
    match from.digest.disruption_to(&to.digest) {
        Disruption::None => Change::None,
        Disruption::InPlace => Change::InPlace,
        Disruption::Resize if from.is_resizable && to.is_resizable => Change::Resize,
        Disruption::Resize | Disruption::Replace => Change::Replace,
    }
}
