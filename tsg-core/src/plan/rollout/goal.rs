//! What the group is on its way to: which revision its members should be of.
//!
//! Owns the choice between the wanted revision and the one that is gone back to. Must never count
//! members.

use super::super::input::PlanInput;
use super::super::memory::{RolloutMemory, RolloutState};
use crate::model::policy::UpdateMode;
use crate::model::revision::RevisionFacts;

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
        let (revision, filler) = match memory.course.filter(|course| course.target == wanted) {
            Some(course) => match course.state {
                RolloutState::Reverting | RolloutState::Reverted => (course.from, course.from),
                RolloutState::Canary | RolloutState::AwaitingPromotion if course.from != 0 => (wanted, course.from),
                _ => (wanted, wanted),
            },
            None => (wanted, wanted),
        };
        let moves = match input.policy.update.mode {
            UpdateMode::Rolling => Moves::Everybody,
            UpdateMode::OnCreate => Moves::NewOnes,
        };
        Self { revision, filler, facts: facts(input, revision), moves }
    }

    /// Whether nothing new is to be made of a revision any more, even what was planned already.
    pub(in super::super) fn has_outlived(&self, revision: u32) -> bool {
        self.moves == Moves::Everybody && revision != self.revision && revision != self.filler
    }
}

/// What is known of a revision.
pub(in super::super) fn facts(input: &PlanInput<'_>, revision: u32) -> Option<RevisionFacts> {
    let found = input.revisions.binary_search_by_key(&revision, |facts| facts.number).ok()?;
    input.revisions.get(found).copied()
}
