//! Changes in place, a batch at a time.
//!
//! Owns their pace. They take nobody out of service, so that neither surge nor availability
//! bounds them; but new tags, metadata or firewall rules can be wrong as well. So a batch is ten
//! times as wide as what may be replaced at once, or a tenth of the group if that is more, and
//! the next one waits until the last has been healthy for the minimum time. Must never touch a
//! member that has to be taken out of service.

use core::time::Duration;

use super::super::Situation;
use super::super::draft::{Choice, Draft, Step};
use super::super::input::PlanInput;
use super::super::memory::Course;
use super::super::output::{Class, PlanError};
use super::queue::Queue;
use super::step::{Gone, reason};
use crate::model::revision::Disruption;
use crate::model::time::Timestamp;

/// How much wider a batch is than what may be replaced at once.
const FACTOR: u32 = 10;
/// The shortest time between batches: what it takes until one can be seen.
const LOOK: Duration = Duration::from_secs(1);

/// When the next batch may follow.
pub(super) fn next_at(input: &PlanInput<'_>, course: &Course) -> Option<Timestamp> {
    let healthy = input.policy.update.min_healthy_time.as_duration();
    course.batch_at.map(|at| at.after(healthy.max(LOOK)))
}

/// Changes one batch, if it is due.
pub(super) fn change(
    input: &PlanInput<'_>,
    situation: &Situation,
    queue: &Queue,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let Some(course) = situation.steering.memory.course else { return Ok(()) };
    if next_at(input, &course).is_some_and(|at| at > input.now) {
        return Ok(());
    }
    for index in queue.in_place(width(situation, draft)) {
        let (member, standing) = (&input.members[index as usize], situation.roster.standings[index as usize]);
        let step = Step::Update { revision: situation.goal.revision, disruption: Disruption::InPlace };
        draft.act(member, Choice { index, class: standing.class, step }, reason(input, situation, member)?)?;
        draft.batch_at = Some(input.now);
    }
    Ok(())
}

/// How many are changed at once, and how many of the goal there may be.
fn width(situation: &Situation, draft: &Draft) -> u32 {
    let Situation { steering, balance, roster, .. } = situation;
    let at_once = steering.surge.max(steering.unavailable).max(1).saturating_mul(FACTOR);
    let to_cap = steering.cap.saturating_sub(roster.current.useful - Gone::of(situation, draft).current);
    at_once.max(balance.wanted.div_ceil(FACTOR)).min(to_cap)
}

/// Whether a member can be changed in place now: it is there and answers.
pub(super) const fn can_be_updated(class: Class) -> bool {
    matches!(class, Class::Serving | Class::Unlisted | Class::Unhealthy | Class::Stopped)
}
