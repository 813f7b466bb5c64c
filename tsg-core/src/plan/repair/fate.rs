//! What repair makes of one member: left alone, restarted, given up.
//!
//! Owns the escalation from restart to replacement, for one member at a time. Must never look at
//! another member: how many are repaired at once is decided elsewhere.

use super::super::input::{Detail, Mark, Member, PlanInput, Sighting};
use super::super::output::{Class, Reason};
use crate::model::instance::InstanceState;
use crate::model::time::Timestamp;

/// What repair makes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(in super::super) enum Fate {
    /// Nothing.
    Stays,
    /// It is to be started or restarted, later.
    Waits,
    /// It is to be started or restarted now.
    Restarts,
    /// It serves no more, or not well, and is to be replaced.
    Condemned,
    /// It is dead: there is nothing to lose.
    Doomed,
}

/// A fate with when and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Verdict {
    kind: Fate,
    due_at: Option<Timestamp>,
    reason: Option<Reason>,
}

impl Verdict {
    const STAYS: Self = Self { kind: Fate::Stays, due_at: None, reason: None };

    const fn now(kind: Fate, reason: Reason) -> Self {
        Self { kind, due_at: None, reason: Some(reason) }
    }

    const fn later(kind: Fate, due_at: Timestamp, reason: Reason) -> Self {
        Self { kind, due_at: Some(due_at), reason: Some(reason) }
    }

    /// What it is.
    pub(in super::super) const fn kind(self) -> Fate {
        self.kind
    }

    /// When something is to be done about it; `None` for now, or never.
    pub(in super::super) const fn due_at(self) -> Option<Timestamp> {
        self.due_at
    }

    /// Why.
    pub(in super::super) const fn reason(self) -> Option<Reason> {
        self.reason
    }
}

/// What repair makes of a member.
pub(in super::super) fn fate_of(
    member: &Member,
    class: Class,
    detail: Option<&Detail>,
    input: &PlanInput<'_>,
) -> Verdict {
    if detail.is_some_and(|detail| detail.marks.has(Mark::Held) || detail.marks.has(Mark::Skipped)) {
        return Verdict::STAYS;
    }
    match class {
        Class::Failed => Verdict::now(Fate::Doomed, Reason::ProvisioningFailed),
        Class::Overdue => Verdict::now(Fate::Doomed, Reason::ProvisioningOverdue { since: member.phase_since }),
        Class::Stopped => of_stopped(member, detail, input),
        _ => Verdict::STAYS,
    }
}

fn of_stopped(member: &Member, detail: Option<&Detail>, input: &PlanInput<'_>) -> Verdict {
    // Still on its way to stopped; a start would be refused.
    if member.sighting == Sighting::Present(InstanceState::Stopping) {
        return Verdict::STAYS;
    }
    let restart = &input.policy.restart;
    let history = detail.map(|detail| detail.restarts).unwrap_or_default();
    let starts = history.within(restart.interval.as_duration(), input.now);
    if let (Some(last_at), Some(doublings)) = (history.last_at(), starts.checked_sub(1)) {
        let due = last_at.after(restart.delay.doubled(u32::from(doublings), restart.max_delay).as_duration());
        if due > input.now {
            return Verdict::later(Fate::Waits, due, Reason::Stopped { starts });
        }
    }
    if starts < restart.attempts {
        Verdict::now(Fate::Restarts, Reason::Stopped { starts })
    } else {
        Verdict::now(Fate::Condemned, Reason::WouldNotStart { starts })
    }
}
