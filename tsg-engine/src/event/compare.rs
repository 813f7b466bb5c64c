//! What happened between two looks at a group.
//!
//! Owns which differences are worth telling. Must never tell how a group was found when the server
//! was started: only what is wrong with it.

use core::mem::discriminant;

use tsg_core::health::check::CheckSpec;
use tsg_core::health::discovery::Alarm;
use tsg_core::plan::input::Verdict;
use tsg_core::plan::output::{Block, Report};

use super::{FailedCheck, Held, Occurrence, Subject};
use crate::board::{GroupView, MemberView};

/// Everything, the instances first.
pub(crate) fn compare(before: Option<&GroupView>, after: &GroupView) -> Vec<Occurrence> {
    let mut told = judged(before, after);
    told.extend(alarm(before.and_then(alarm_of), alarm_of(after)));
    told.extend(holds(before, after));
    told.extend(rollout(before, after));
    told
}

fn judged(before: Option<&GroupView>, after: &GroupView) -> Vec<Occurrence> {
    let checks = after.group.health.as_ref().map(|health| health.checks.as_slice()).unwrap_or_default();
    let mut earlier = before.map(|view| view.members.as_slice()).unwrap_or_default().iter().peekable();
    let mut told = Vec::new();
    for member in &after.members {
        while earlier.next_if(|earlier| earlier.sequence < member.sequence).is_some() {}
        let known = earlier.next_if(|earlier| earlier.operation == member.operation);
        told.extend(verdict(known, member, checks));
    }
    told
}

fn verdict(known: Option<&MemberView>, member: &MemberView, checks: &[CheckSpec]) -> Option<Occurrence> {
    let judgement = member.health?;
    let from = known.and_then(|known| known.health).map(|health| health.verdict);
    let is_news = match from {
        Some(from) => from != judgement.verdict,
        None => judgement.verdict.is_failing() || judgement.verdict == Verdict::Degraded,
    };
    let failed = judgement.cause.and_then(|cause| {
        let check = checks.get(usize::from(cause.check))?;
        Some(FailedCheck { name: check.name.clone(), failure: cause.failure })
    });
    is_news.then(|| Occurrence::Judged { of: Subject::from(member), from, to: judgement.verdict, check: failed })
}

fn alarm_of(view: &GroupView) -> Option<Alarm> {
    view.discovery?.alarm
}

fn alarm(before: Option<Alarm>, after: Option<Alarm>) -> Vec<Occurrence> {
    if before.map(|alarm| discriminant(&alarm)) == after.map(|alarm| discriminant(&alarm)) {
        return Vec::new();
    }
    let over = before.map(Occurrence::AlarmOver);
    over.into_iter().chain(after.map(Occurrence::AlarmRaised)).collect()
}

/// What holds a group. A look without a report does not tell.
fn held(view: &GroupView) -> Option<Vec<Held>> {
    let report: &Report = view.report.as_ref()?;
    let own = report.blocks.iter().filter_map(|block| match *block {
        Block::TooManyUnhealthy { unhealthy, limit, .. } => Some(Held::TooManyUnhealthy { unhealthy, limit }),
        Block::RepairsSuspended(suspension) => Some(Held::Suspended(suspension)),
        _ => None,
    });
    Some(own.chain(view.hold.map(Held::Beyond)).collect())
}

fn holds(before: Option<&GroupView>, after: &GroupView) -> Vec<Occurrence> {
    let Some(after) = held(after) else { return Vec::new() };
    let before = before.and_then(held).unwrap_or_default();
    let beyond = |these: &[Held], those: &[Held]| -> Vec<Held> {
        these.iter().filter(|one| !those.iter().any(|other| one.is_like(other))).copied().collect()
    };
    let ended = beyond(&before, &after).into_iter().map(Occurrence::HoldEnded);
    ended.chain(beyond(&after, &before).into_iter().map(Occurrence::HoldBegan)).collect()
}

/// A group's first rollout is how it came to be, which nobody has to be told.
fn rollout(before: Option<&GroupView>, after: &GroupView) -> Option<Occurrence> {
    let course = |view: &GroupView| view.report.as_ref()?.rollout.map(|rollout| rollout.course);
    let (was, is) = (before.and_then(course), course(after)?);
    let is_old = match was {
        Some(was) => (was.target, was.state) == (is.target, is.state),
        None => before.is_none() && is.state.is_over(),
    };
    let is_silent = is_old || (is.is_first && is.failure.is_none());
    (!is_silent).then_some(Occurrence::Rollout { target: is.target, state: is.state, failure: is.failure })
}
