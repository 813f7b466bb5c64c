//! What the group is on its way to: which revision its members should be of.
//!
//! Owns the choice between the wanted revision and the one that is gone back to. Must never count
//! members.

use super::super::input::PlanInput;
use super::super::memory::{Course, RolloutMemory, RolloutState};
use crate::model::policy::UpdateMode;
use crate::model::revision::{Disruption, RevisionFacts};

/// What the group is on its way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Goal {
    /// The revision that members should be of.
    pub revision: u32,
    /// What new members that only fill up the capacity are made from.
    pub filler: u32,
    /// What is known of the revision; `None` when nothing is.
    pub facts: Option<RevisionFacts>,
    /// Whether members of other revisions are changed at all.
    pub moves: Moves,
}

/// Whether members of other revisions are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Moves {
    /// They are.
    Everybody,
    /// Only new members are of the goal, as TSG v1 had it.
    NewOnes,
}

impl Goal {
    /// The goal that follows from what is remembered.
    pub(in super::super) fn of(input: &PlanInput<'_>, memory: &RolloutMemory) -> Self {
        let wanted = input.intent.revision;
        let course = memory.course.filter(|course| course.target == wanted);
        let (revision, filler, moves) = match (input.policy.update.mode, course) {
            (UpdateMode::OnCreate, _) => (wanted, wanted, Moves::NewOnes),
            (UpdateMode::Rolling, None) => (wanted, wanted, Moves::Everybody),
            (UpdateMode::Rolling, Some(course)) => {
                let (revision, filler) = of_course(&course);
                (revision, filler, Moves::Everybody)
            }
        };
        Self { revision, filler, facts: facts(input, revision), moves }
    }

    /// Whether nothing new is to be made of a revision any more, even what was planned already.
    pub(in super::super) fn has_outlived(&self, revision: u32) -> bool {
        self.moves == Moves::Everybody && revision != self.revision && revision != self.filler
    }

    /// Whether what fills up the capacity is something else than the goal.
    pub(super) fn is_filled_by_others(&self, input: &PlanInput<'_>) -> bool {
        differ(input, self.filler, self.revision)
    }
}

/// Which revision the members of a course should be of, and what fills up the capacity.
fn of_course(course: &Course) -> (u32, u32) {
    let kept = if course.keeps == 0 { course.target } else { course.keeps };
    match course.state {
        RolloutState::Reverting | RolloutState::Reverted if course.from != 0 => (course.from, course.from),
        RolloutState::Canary | RolloutState::AwaitingPromotion => (course.target, kept),
        RolloutState::FailedHold => (kept, kept),
        _ => (course.target, course.target),
    }
}

/// Whether two revisions make different instances. What nothing is known of differs from
/// everything but itself.
pub(super) fn differ(input: &PlanInput<'_>, one: u32, other: u32) -> bool {
    let same = |one: RevisionFacts, other: RevisionFacts| one.disruption_to(&other) == Disruption::None;
    one != other && !facts(input, one).zip(facts(input, other)).is_some_and(|(one, other)| same(one, other))
}

/// What is known of a revision.
pub(in super::super) fn facts(input: &PlanInput<'_>, revision: u32) -> Option<RevisionFacts> {
    let found = input.revisions.binary_search_by_key(&revision, |facts| facts.number).ok()?;
    input.revisions.get(found).copied()
}
