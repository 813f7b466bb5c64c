//! What is left to do in a rollout, and what came to nothing.
//!
//! Owns the one pass over the members that the state machine works from. Must never decide.

use super::super::classify::detail_of;
use super::super::input::{Detail, Member, PlanInput};
use super::super::memory::{Course, RolloutState};
use super::super::output::Class;
use super::super::roster::{Roster, Standing, asked_at, earliest, fails_at};
use super::queue::Worth;
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
    /// Of those, ones that the rollout may have sent there.
    pub moving: u32,
    /// Of those left, useful ones that can be changed while they serve.
    pub in_place: u32,
    /// Of those, useful ones that have to be resized, restarted or replaced.
    pub movable: u32,
    /// Of those, broken ones: it costs nothing to take them out of service.
    pub broken: u32,
    /// Of those left, ones that have been given up.
    pub given_up: u32,
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
        let detail = detail_of(member, input).ok().flatten();
        if matches!(standing.class, Class::Leaving | Class::Retiring) {
            let is_stuck = matches!(Way::meant(member, standing, detail, input), Way::Capped(_));
            self.leaving += 1;
            self.moving += u32::from(!is_stuck);
        }
        let way = Way::of(member, standing, detail, input);
        self.left += u32::from(is_coming || way != Way::Nothing);
        match way {
            Way::Nothing => {}
            Way::InPlace => self.in_place += u32::from(standing.is_useful()),
            Way::Disruptive if standing.is_useful() => {
                self.movable += 1;
                self.broken += u32::from(Worth::of(standing) == Worth::Broken);
            }
            Way::Disruptive => self.given_up += 1,
            Way::Untouchable => {}
            Way::Capped(needed) => self.capped = self.capped.max(Some(needed)),
        }
    }

    fn add_current(&mut self, member: &Member, standing: Standing, input: &PlanInput<'_>, course: &Course) {
        let is_pending = matches!(standing.class, Class::Starting | Class::Unhealthy);
        if !is_pending && !standing.is_failed() {
            return;
        }
        let detail = detail_of(member, input).ok().flatten();
        if has_failed(member, standing, detail, (input, course)) {
            self.failed += 1;
        } else if is_new(member, detail, course) {
            earliest(&mut self.next_failure, Some(due_at(member, detail, input, course)).filter(|at| *at > input.now));
        }
    }
}

/// Whether a member of the goal is the rollout's doing.
fn is_new(member: &Member, detail: Option<&Detail>, course: &Course) -> bool {
    match course.state {
        // What was there before is not the revert's doing.
        RolloutState::Reverting => asked_at(member, detail) >= course.since,
        _ => member.revision == course.target,
    }
}

/// Whether a member of the goal came to nothing, and that is the rollout's doing. One that was
/// unwell already when it was changed gets the time that a new one has.
pub(super) fn has_failed(
    member: &Member,
    standing: Standing,
    detail: Option<&Detail>,
    (input, course): (&PlanInput<'_>, &Course),
) -> bool {
    let is_pending = matches!(standing.class, Class::Starting | Class::Unhealthy);
    let was_made = asked_at(member, detail) >= course.began_at;
    let is_due = was_made || !is_pending || due_at(member, detail, input, course) <= input.now;
    standing.is_failed() && is_new(member, detail, course) && is_due
}

/// When a member of the goal has failed if it is not healthy before: counted from when it was
/// made, or changed.
fn due_at(member: &Member, detail: Option<&Detail>, input: &PlanInput<'_>, course: &Course) -> Timestamp {
    let made_at = asked_at(member, detail);
    if made_at >= course.began_at {
        return fails_at(member, detail, input);
    }
    let restarted_at = detail.and_then(|detail| detail.restarts.last_at());
    let changed_at = course.began_at.max(course.batch_at.unwrap_or(made_at)).max(restarted_at.unwrap_or(made_at));
    changed_at.after(input.policy.update.healthy_deadline.as_duration())
}
