//! The clock that a rollout has to come forward by.
//!
//! Owns progress and the time that does not count: nobody may be blamed for what a freeze, a
//! pause, a closed window or a cloud without room holds up. Must never end a rollout.

use super::super::input::PlanInput;
use super::super::memory::{Course, RolloutState};
use super::outlook::Outlook;
use super::room;
use crate::model::time::Timestamp;

/// The course with its clock as it should be, if that is not as it was.
pub(super) fn kept(outlook: &Outlook<'_>) -> Option<Course> {
    let course = outlook.course;
    if !runs(&course) {
        return None;
    }
    let now = outlook.input.now;
    match (course.excused_since, is_excused(outlook)) {
        (None, true) => Some(Course { excused_since: Some(now), ..course }),
        (Some(since), false) => {
            let progress_at = course.progress_at.after(now.since(since)).min(now);
            Some(Course { excused_since: None, progress_at, ..course })
        }
        _ if has_come_forward(outlook) => {
            Some(Course { best: outlook.roster.current.proven, progress_at: now, ..course })
        }
        _ => None,
    }
}

/// When the rollout has failed unless it comes forward before.
pub(super) fn due(outlook: &Outlook<'_>) -> Option<Timestamp> {
    let (course, deadline) = (&outlook.course, outlook.input.policy.update.progress_deadline);
    let is_running = runs(course) && course.excused_since.is_none() && !deadline.is_zero();
    is_running.then(|| course.progress_at.after(deadline.as_duration()))
}

/// Whether time counts in this state. A group's first rollout has nothing to fail to.
const fn runs(course: &Course) -> bool {
    !course.is_first && matches!(course.state, RolloutState::Canary | RolloutState::Rolling | RolloutState::Reverting)
}

fn has_come_forward(outlook: &Outlook<'_>) -> bool {
    can_be_judged(outlook.input)
        && outlook.watched_until().is_none()
        && outlook.roster.current.proven > outlook.course.best
}

fn is_excused(outlook: &Outlook<'_>) -> bool {
    !can_be_judged(outlook.input)
        || outlook.is_stopped()
        || outlook.is_starved()
        || outlook.is_stuck()
        || room::deadlock(outlook).is_some()
}

/// Whether what is seen may be acted on.
fn can_be_judged(input: &PlanInput<'_>) -> bool {
    super::super::may_act(input)
}
