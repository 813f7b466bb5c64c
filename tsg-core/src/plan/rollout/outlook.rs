//! Everything that the state machine of a rollout looks at.
//!
//! Owns the questions that several of its parts ask. Must never change anything.

use super::super::input::PlanInput;
use super::super::memory::{Course, RolloutState, Setback};
use super::super::roster::Roster;
use super::goal::Goal;
use super::tally::Tally;
use super::{batch, room};
use crate::model::policy::{Bounds, Identity, window};
use crate::model::time::Timestamp;
use crate::protocol::create::Refusal;

/// Everything that the state machine of a rollout looks at.
pub(super) struct Outlook<'a> {
    pub input: &'a PlanInput<'a>,
    pub goal: &'a Goal,
    pub roster: &'a Roster,
    pub course: Course,
    pub tally: Tally,
    /// The room that it has.
    pub bounds: Bounds,
    /// How many instances are wanted.
    pub wanted: u32,
    /// Whether its revision has never been shown to be stable.
    pub is_unstable: bool,
}

impl<'a> Outlook<'a> {
    pub(super) fn of(
        input: &'a PlanInput<'a>,
        goal: &'a Goal,
        roster: &'a Roster,
        course: Course,
        stable: u32,
    ) -> Self {
        let tally = Tally::of(input, roster, &course);
        let (bounds, wanted) = (room::bounds(input, &course), input.intent.capacity);
        Self { input, goal, roster, course, tally, bounds, wanted, is_unstable: stable != course.target }
    }

    /// Whether a person has paused it.
    pub(super) const fn is_paused(&self) -> bool {
        self.input.intent.orders.is_paused
    }

    /// Whether a maintenance window keeps it waiting. Going back does not wait: what it undoes
    /// harms now.
    pub(super) fn is_outside_of_windows(&self) -> bool {
        !matches!(self.course.state, RolloutState::Reverting)
            && !window::is_open(&self.input.policy.windows, self.input.now)
    }

    /// Whether nothing may be changed just now, whatever its state is.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_paused() || self.is_outside_of_windows()
    }

    /// Whether everything that is left to change has to stay as it is.
    pub(super) const fn is_stuck(&self) -> bool {
        let Tally { moving, in_place, movable, given_up, .. } = self.tally;
        !self.is_alone() && moving == 0 && in_place == 0 && movable == 0 && given_up == 0
    }

    /// Until when a batch that was changed in place is watched. Its members serve on, so that
    /// nothing else shows yet whether they are well.
    pub(super) fn watched_until(&self) -> Option<Timestamp> {
        batch::next_at(self.input, &self.course).filter(|at| *at > self.input.now)
    }

    /// Whether no others are there any more.
    pub(super) const fn is_alone(&self) -> bool {
        self.tally.left == 0 && self.tally.leaving == 0
    }

    /// Whether it is over and nobody is left to change.
    pub(super) const fn is_idle(&self) -> bool {
        self.course.state.is_over() && self.tally.left == 0 && !self.is_unshown()
    }

    /// Whether it is done, but in a group that had no instances yet to show it.
    const fn is_unshown(&self) -> bool {
        matches!(self.course.state, RolloutState::Successful) && self.is_unstable && self.wanted > 0
    }

    /// Whether as many members of the goal as wanted have proved themselves, and no others are
    /// left.
    pub(super) fn is_complete(&self) -> bool {
        self.is_alone() && self.watched_until().is_none() && self.roster.current.proven >= self.wanted
    }

    /// Why the cloud takes no creates just now, if it does not.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self.input.memory.create_backoff.filter(|backoff| backoff.until > self.input.now)?.cause {
            Setback::Refused(refusal) => Some(refusal),
            Setback::ProvisioningFailed => None,
        }
    }

    /// Whether creates wait for something that is not the new revision's fault.
    pub(super) fn is_starved(&self) -> bool {
        use Refusal as R;
        let is_blameless =
            |refusal| matches!(refusal, R::Quota | R::Capacity | R::Maintenance | R::Throttled | R::Unreachable);
        self.refusal().is_some_and(is_blameless)
    }

    /// How many canaries there are to be. An empty group has nothing to compare them with, and an
    /// ordinal one has no ordinal for what comes on top.
    pub(super) fn canaries(&self) -> u32 {
        let policy = self.input.policy;
        let has_place = self.wanted > 0 && policy.identity == Identity::Unordered;
        if has_place { policy.update.canary.of_rounded_up(self.wanted) } else { 0 }
    }
}
