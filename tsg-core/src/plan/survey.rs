//! Counts the classes of a group in one pass.
//!
//! Owns the fast path: a member that simply serves costs a handful of instructions. Must never
//! allocate.

use super::classify::{classify, overdue_at};
use super::input::{Member, PlanInput, Sighting, Verdict};
use super::output::{Class, ClassCounts, MEMBERS_MAX, PlanError};
use super::repair::{StartStep, start_step};
use crate::model::instance::InstanceState;
use crate::model::operation::Phase;
use crate::model::time::Timestamp;

/// What one pass over the members tells.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Survey {
    /// Where the members stand.
    pub counts: ClassCounts,
    /// How many are of another revision than the wanted one.
    pub old_revision: u32,
    /// Stopped ones that were started as often as is worth trying.
    pub exhausted: u32,
    /// Stopped ones that are not there yet.
    pub stopping: u32,
    /// Stopped ones that can be started now.
    pub startable: u32,
    /// When the next stopped one may be started.
    pub next_start: Option<Timestamp>,
    /// When the next machine counts as stuck.
    pub next_overdue: Option<Timestamp>,
}

impl Survey {
    /// Members that are given up and deleted whatever the capacity is.
    pub(super) fn doomed(&self) -> u32 {
        self.counts.of(Class::Failed) + self.counts.of(Class::Overdue) + self.exhausted
    }
}

/// Surveys members that are in order of their operations; `None` when they are not.
pub(super) fn of_ordered(input: &PlanInput<'_>) -> Result<Option<Survey>, PlanError> {
    if input.members.len() > MEMBERS_MAX {
        return Err(PlanError::TooMany { given: input.members.len() });
    }
    let Some((first, rest)) = input.members.split_first() else {
        return Ok(Some(Survey::default()));
    };
    let mut survey = Survey::default();
    survey.add(first, input)?;
    let mut serving = 0;
    let mut previous = first.operation.bits();
    for member in rest {
        let operation = member.operation.bits();
        if operation <= previous {
            return Ok(None);
        }
        previous = operation;
        if serves_plainly(member, input.intent.revision) {
            serving += 1;
        } else {
            survey.add(member, input)?;
        }
    }
    survey.counts.0[Class::Serving as usize] += serving;
    Ok(Some(survey))
}

/// Whether a member is of the common kind: ready, running, not unwell, of the wanted revision.
fn serves_plainly(member: &Member, revision: u32) -> bool {
    member.phase == Phase::Ready
        && member.sighting == Sighting::Present(InstanceState::Running)
        && member.revision == revision
        && !matches!(member.verdict, Verdict::Unhealthy | Verdict::Starting)
        && member.instance().is_some()
}

impl Survey {
    fn add(&mut self, member: &Member, input: &PlanInput<'_>) -> Result<(), PlanError> {
        let class = classify(member, input.now, input.timing)?;
        self.counts.0[class as usize] += 1;
        self.old_revision += u32::from(member.revision != input.intent.revision);
        match class {
            Class::Starting if is_on_probation(member) => {
                earliest(&mut self.next_overdue, overdue_at(member, input.timing));
            }
            Class::Stopped => match start_step(member, input) {
                StartStep::Stopping => self.stopping += 1,
                StartStep::Exhausted => self.exhausted += 1,
                StartStep::Later(at) => earliest(&mut self.next_start, at),
                StartStep::Now => self.startable += 1,
            },
            _ => {}
        }
        Ok(())
    }
}

/// Whether the passing of time alone will make a starting member overdue.
fn is_on_probation(member: &Member) -> bool {
    member.phase == Phase::Bound && member.sighting == Sighting::Present(InstanceState::Provisioning)
}

fn earliest(slot: &mut Option<Timestamp>, at: Timestamp) {
    *slot = Some(slot.map_or(at, |known| known.min(at)));
}
