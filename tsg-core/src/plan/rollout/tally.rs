//! What is left to do in a rollout, and what came to nothing.
//!
//! Owns the one pass over the members that the state machine works from. Must never decide.

use super::super::classify::detail_of;
use super::super::input::{Detail, Member, PlanInput};
use super::super::memory::{Course, RolloutState};
use super::super::output::Class;
use super::super::roster::{Roster, Standing, asked_at, earliest, fails_at};
use super::way::Way;
use crate::model::revision::Disruption;
use crate::model::time::Timestamp;

/// What is left to do in a rollout.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// Members that are there, or will be, and are not as they should be.
    pub left: u32,
    /// Members that are not as they should be, and on their way out.
    pub leaving: u32,
    /// Of those left, useful ones that can be changed while they serve.
    pub in_place: u32,
    /// Of those, useful ones that have to be resized, restarted or replaced.
    pub movable: u32,
    /// Of those, ones that have been given up.
    pub given_up: u32,
    /// Of those, ones that a person or the cloud's protection keeps as they are.
    pub untouchable: u32,
    /// The most disruptive change that is needed and not allowed.
    pub capped: Option<Disruption>,
    /// New members that came to nothing and are still there.
    pub failed: u32,
    /// When the next new member that is not healthy yet has failed.
    pub next_failure: Option<Timestamp>,
}

impl Tally {
    /// Goes through the members, unless a count has shown already that there is nothing to see.
    pub(super) fn of(input: &PlanInput<'_>, roster: &Roster, course: &Course) -> Self {
        let mut tally = Self::default();
        if course.state.is_over() && roster.current.failed == 0 && roster.old_revision == 0 && roster.other.useful == 0
        {
            return tally;
        }
        for (member, standing) in input.members.iter().zip(&roster.standings) {
            if standing.is_current() {
                tally.add_current(member, *standing, input, course);
            } else {
                tally.add_other(member, *standing, input);
            }
        }
        tally
    }

    fn add_other(&mut self, member: &Member, standing: Standing, input: &PlanInput<'_>) {
        // What is on its way cannot be changed before it is there.
        let is_coming = standing.class == Class::Requested;
        self.leaving += u32::from(matches!(standing.class, Class::Leaving | Class::Retiring));
        let detail = detail_of(member, input).ok().flatten();
        let way = Way::of(member, standing, detail, input);
        self.left += u32::from(is_coming || way != Way::Nothing);
        match way {
            Way::Nothing => {}
            Way::InPlace => self.in_place += u32::from(standing.is_useful()),
            Way::Disruptive if standing.is_useful() => self.movable += 1,
            Way::Disruptive => self.given_up += 1,
            Way::Untouchable => self.untouchable += 1,
            Way::Capped(needed) => self.capped = self.capped.max(Some(needed)),
        }
    }

    fn add_current(&mut self, member: &Member, standing: Standing, input: &PlanInput<'_>, course: &Course) {
        let is_pending = matches!(standing.class, Class::Starting | Class::Unhealthy);
        if !is_pending && !standing.is_failed() {
            return;
        }
        let detail = detail_of(member, input).ok().flatten();
        let is_new = is_new(member, detail, course);
        if is_new && standing.is_failed() {
            self.failed += 1;
        } else if is_new {
            earliest(&mut self.next_failure, Some(fails_at(member, detail, input)).filter(|at| *at > input.now));
        }
    }
}

/// Whether a member of the goal was made by the rollout.
pub(super) fn is_new(member: &Member, detail: Option<&Detail>, course: &Course) -> bool {
    match course.state {
        // What was there before is not the revert's doing.
        RolloutState::Reverting => asked_at(member, detail) >= course.since,
        _ => member.revision == course.target,
    }
}
