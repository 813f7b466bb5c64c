//! How one member can be brought to the goal, if at all.
//!
//! Owns what the cap on disruption, protection and a member's state leave of a change. Must never
//! look at another member.

use super::super::input::{Detail, Mark, Member, PlanInput};
use super::super::output::Class;
use super::super::roster::Standing;
use super::change::Change;
use crate::model::revision::Disruption;

/// How one member can be brought to the goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It needs nothing, or it is gone, on its way out, or not there yet.
    Nothing,
    /// While it serves.
    InPlace,
    /// Not while it serves: it has to be resized, restarted or replaced.
    Disruptive,
    /// A person or the cloud's protection forbids it.
    Untouchable,
    /// It needs more than the policy allows.
    Capped(Disruption),
}

impl Way {
    /// The way of one member.
    pub(super) fn of(member: &Member, standing: Standing, detail: Option<&Detail>, input: &PlanInput<'_>) -> Self {
        if is_there(standing) { Self::meant(member, standing, detail, input) } else { Self::Nothing }
    }

    /// The way of one member if it were there.
    pub(super) fn meant(member: &Member, standing: Standing, detail: Option<&Detail>, input: &PlanInput<'_>) -> Self {
        if standing.is_current() {
            return Self::Nothing;
        }
        let (needed, allowed) = (standing.change.disruption(), input.policy.update.max_disruption);
        let has = |mark| detail.is_some_and(|detail: &Detail| detail.marks.has(mark));
        if needed > allowed && !has(Mark::Reprovision) && !has(Mark::Restart) {
            return Self::Capped(needed);
        }
        if has(Mark::Held) || (member.is_protected() && (standing.change == Change::Replace || !standing.is_useful())) {
            return Self::Untouchable;
        }
        if standing.change == Change::InPlace && standing.is_useful() { Self::InPlace } else { Self::Disruptive }
    }
}

/// Whether there is a machine that is to stay.
const fn is_there(standing: Standing) -> bool {
    let is_there = !matches!(
        standing.class,
        Class::Leaving | Class::Intended | Class::Requested | Class::InDoubt | Class::Retiring | Class::Kept
    );
    is_there && !standing.is_displaced()
}
