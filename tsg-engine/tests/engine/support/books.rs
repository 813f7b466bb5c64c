//! What may be written into an operation's record: every write is compared with the one before
//! it, with an equal phase too.

use std::time::Duration;

use tsg_core::model::audit::{AuditEvent, RequestKind};
use tsg_core::model::group::{Group, Lifecycle};
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::operation::{Attempt, AttemptOutcome, Cause, Operation, Phase};
use tsg_core::model::policy::{Identity, ReplaceOrder, UpdateMode};
use tsg_core::plan::input::RetirementStage;

use super::journal::Author;
use super::oracle::{Verdict, broken};

/// 23: it is made from a revision that its group remembers.
pub fn is_of_group(operation: &Operation, group: &Group) -> bool {
    let made_from = (operation.revision, operation.template);
    let remembered = group.revisions.entries().iter().map(|entry| (entry.number, entry.template));
    made_from == (group.revision, group.template) || remembered.clone().any(|known| known == made_from)
}

/// 1, 2: how many instances the group's policy ever allows on top of its capacity.
pub fn surge(group: &Group) -> u32 {
    let policy = &group.policy;
    if group.lifecycle == Lifecycle::Deleting || policy.identity == Identity::Ordinal {
        return 0;
    }
    let rollout = match policy.update.mode {
        UpdateMode::OnCreate => 0,
        UpdateMode::Rolling => {
            policy.update.max_surge.of_rounded_up(group.capacity) + policy.update.canary.of_rounded_up(group.capacity)
        }
    };
    let repair = match policy.replace.order {
        ReplaceOrder::StartFirst => policy.replace.in_flight.of_rounded_down(group.capacity).max(1),
        ReplaceOrder::StopFirst => 0,
    };
    rollout + repair
}

/// Whether it is kept for a person to look at, outside of the capacity.
pub fn is_kept(operation: &Operation) -> bool {
    operation.phase != Phase::Deleting
        && operation.retirement.is_some_and(|retirement| retirement.stage == RetirementStage::Kept)
}

/// Whether a user's wish is behind a delete: the capacity, the group's end, its revision, or how
/// long machines are kept.
pub fn is_asked(cause: Cause) -> bool {
    [Cause::ScaleIn, Cause::TearDown, Cause::Rollout, Cause::Expiry].contains(&cause)
}

/// 21: the way from the phase before to the phase after is in the audit of the same commit, edge
/// by edge, and each is an edge of the protocol. Returns the edges.
pub fn walk(before: &Operation, after: &Operation, audit: &[AuditEvent]) -> Result<Vec<(Phase, Phase)>, String> {
    let mut phase = before.phase;
    let mut edges = Vec::new();
    for event in audit {
        let next = match event {
            AuditEvent::Entered { operation, from, to, .. } if *operation == after.id => {
                if *from != phase {
                    return Err(format!("the audit of {} leaves {from:?}, it stands in {phase:?}", after.id));
                }
                *to
            }
            AuditEvent::WillSend { operation, request: RequestKind::Create, .. } if *operation == after.id => {
                Phase::Sent
            }
            _ => continue,
        };
        if !phase.can_become(next) {
            return Err(format!("{} went from {phase:?} to {next:?}", after.id));
        }
        edges.push((phase, next));
        phase = next;
    }
    match phase == after.phase {
        true => Ok(edges),
        false => Err(format!("{} is {:?}, its audit says {phase:?}", after.id, after.phase)),
    }
}

/// What never changes about an operation does not, and what only grows only grows.
pub fn judge_growth(before: &Operation, after: &Operation) -> Verdict {
    let what_is_fixed = |known: &Operation| {
        let place = (known.id, known.group, known.sequence, known.planned_at);
        (place, known.name.clone(), known.cause, known.replaces, known.lineage, known.ordinal)
    };
    if what_is_fixed(before) != what_is_fixed(after) {
        return broken(23, format!("{} was planned anew", after.id));
    }
    let made_from = |known: &Operation| (known.revision, known.template);
    let has_errand = after.errand.as_ref().is_some_and(|errand| errand.kind.from().contains(&before.template));
    if made_from(before) != made_from(after) && !has_errand {
        return broken(23, format!("{} went from {:?} to {:?}", after.id, made_from(before), made_from(after)));
    }
    if before.instance.is_some() && before.instance != after.instance {
        return broken(4, format!("{} went from {:?} to {:?}", after.id, before.instance, after.instance));
    }
    if let Some(own) = after.instance.filter(|own| before.residue.contains(own)) {
        return broken(11, format!("{} takes {own} back, and a delete may be on its way to it", after.id));
    }
    let (old, new) = (&before.attempts, &after.attempts);
    let is_same = |(old, new): (&Attempt, &Attempt)| {
        (old.sent_at, old.signed_at, old.payload) == (new.sent_at, new.signed_at, new.payload)
    };
    if new.len() < old.len() || new.len() > old.len() + 1 || !old.iter().zip(new).all(is_same) {
        return broken(3, format!("the attempts of {} went from {old:?} to {new:?}", after.id));
    }
    let is_fine = |(old, new): (&Attempt, &Attempt)| can_follow(old.outcome, new.outcome);
    match old.iter().zip(new).all(is_fine) {
        true => Ok(()),
        false => broken(3, format!("the outcomes of {} went from {old:?} to {new:?}", after.id)),
    }
}

/// Doubt ends once; silence can still be broken by an answer that comes late.
fn can_follow(before: Option<AttemptOutcome>, after: Option<AttemptOutcome>) -> bool {
    before == after || matches!(before, None | Some(AttemptOutcome::Quiet)) && after.is_some()
}

/// 3: the next attempt begins when the one before is known to be over.
pub fn judge_next_attempt(before: &Operation, after: &Operation) -> Verdict {
    if after.attempts.len() == before.attempts.len() {
        return Ok(());
    }
    let is_over = before.last_attempt().is_none_or(|attempt| {
        let over = [AttemptOutcome::Quiet, AttemptOutcome::Refused, AttemptOutcome::Unsent];
        attempt.outcome.is_some_and(|outcome| over.contains(&outcome))
    });
    match is_over {
        true => Ok(()),
        false => broken(3, format!("{} is sent again with its last attempt open", after.id)),
    }
}

/// 13: refused means that every attempt is known to have made nothing; lost, that none is in
/// doubt.
pub fn judge_closing(after: &Operation) -> Verdict {
    let outcomes: Vec<_> = after.attempts.iter().map(|attempt| attempt.outcome).collect();
    let is_sound = match after.phase {
        Phase::Refused => {
            outcomes.iter().all(|outcome| matches!(outcome, Some(AttemptOutcome::Refused | AttemptOutcome::Unsent)))
        }
        Phase::Lost => outcomes.iter().all(Option::is_some),
        _ => true,
    };
    match is_sound {
        true => Ok(()),
        false => broken(13, format!("{} is {:?} with {outcomes:?}", after.id, after.phase)),
    }
}

/// Outcomes that this write brings: index and outcome.
pub fn news(before: &Operation, after: &Operation) -> Vec<(usize, AttemptOutcome)> {
    let old = |index: usize| before.attempts.get(index).and_then(|attempt| attempt.outcome);
    let outcomes = after.attempts.iter().enumerate();
    outcomes
        .filter_map(|(index, new)| new.outcome.filter(|new| old(index) != Some(*new)).map(|new| (index, new)))
        .collect()
}

/// Machines that this write makes the operation's own, as its instance or as residue.
pub fn taken(before: &Operation, after: &Operation) -> Vec<InstanceId> {
    let is_known = |id: &InstanceId| before.instance == Some(*id) || before.residue.contains(id);
    after.instance.iter().chain(&after.residue).filter(|id| !is_known(id)).copied().collect()
}

/// Deletes and starts that nobody asked for, as they were announced.
#[derive(Default)]
pub struct Unasked {
    deletes: Vec<(Duration, GroupId, Author)>,
}

/// Two commits of one engine can be closer than its decisions by as much as a commit takes.
const COMMIT: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

impl Unasked {
    /// 10: unasked deletes of a group keep their distance, those of an engine their ceiling.
    pub fn delete(
        &mut self,
        at: Duration,
        of: (OperationId, GroupId),
        by: Author,
        (gap, per_minute): (Duration, u32),
    ) -> Verdict {
        let (operation, group) = of;
        let last = self.deletes.iter().rev().find(|(_, other, author)| *other == group && *author == by);
        if let Some((last, ..)) = last.filter(|(last, ..)| at + COMMIT < *last + gap) {
            return broken(10, format!("an unasked delete of {operation} {:?} after another of its group", at - *last));
        }
        self.deletes.push((at, group, by));
        let recent = self.deletes.iter().filter(|(then, _, author)| *author == by && at < *then + MINUTE).count();
        match recent > per_minute as usize {
            true => broken(10, format!("{recent} unasked deletes in a minute")),
            false => Ok(()),
        }
    }
}
