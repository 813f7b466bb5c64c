//! What repair makes of one member: left alone, restarted, given up.
//!
//! Owns the escalation from restart to replacement, for one member at a time. Must never look at
//! another member: how many are repaired at once is decided elsewhere.

use core::time::Duration;

use super::super::input::{Detail, Mark, Member, NodeState, PlanInput, Sighting};
use super::super::output::{Class, Reason};
use super::lineage::{in_trouble_since, retries_of_successor};
use super::{Outlook, node};
use crate::model::instance::InstanceState;
use crate::model::operation::Phase;
use crate::model::span::Span;
use crate::model::time::Timestamp;

/// What repair makes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(in super::super) enum Fate {
    /// Nothing.
    Stays,
    /// It is to be started or restarted, later.
    Waits,
    /// It was started again because it failed, and may pass yet.
    Recovers,
    /// It is to be started or restarted now.
    Restarts,
    /// Its compute node may bring it back, and is waited for.
    Returns,
    /// It is to be replaced, later or when it may be; until then it keeps its slot.
    GivenUp,
    /// It is to be replaced now.
    Condemned,
    /// It is dead: there is nothing to lose.
    Doomed,
}

/// What speaks against a member that is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Ground {
    /// A person said so.
    Marked,
    /// It failed.
    Broken,
    /// Its compute node failed.
    Lost,
    /// Nothing: its compute node is to be emptied, or there is one too many of its place.
    Unneeded,
}

/// A fate with when and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Verdict {
    kind: Fate,
    ground: Ground,
    due_at: Option<Timestamp>,
    reason: Option<Reason>,
    is_spent: bool,
    last_resort: Option<LastResort>,
}

/// A restart that is left to one that was given up and that nobody takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct LastResort {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
}

impl Verdict {
    const STAYS: Self = Self {
        kind: Fate::Stays,
        ground: Ground::Broken,
        due_at: None,
        reason: None,
        is_spent: false,
        last_resort: None,
    };

    const fn now(kind: Fate, reason: Reason) -> Self {
        Self { kind, reason: Some(reason), ..Self::STAYS }
    }

    const fn later(kind: Fate, due_at: Timestamp, reason: Reason) -> Self {
        Self { kind, due_at: Some(due_at), reason: Some(reason), ..Self::STAYS }
    }

    const fn condemned(ground: Ground, reason: Reason) -> Self {
        Self { kind: Fate::Condemned, ground, reason: Some(reason), ..Self::STAYS }
    }

    /// What it is.
    pub(in super::super) const fn kind(self) -> Fate {
        self.kind
    }

    /// What speaks against it, if it is given up.
    pub(in super::super) const fn ground(self) -> Ground {
        self.ground
    }

    /// When something is to be done about it; `None` for now, or never.
    pub(in super::super) const fn due_at(self) -> Option<Timestamp> {
        self.due_at
    }

    /// Why.
    pub(in super::super) const fn reason(self) -> Option<Reason> {
        self.reason
    }

    /// Whether its place was filled anew as often as the policy allows.
    pub(in super::super) const fn is_spent(self) -> bool {
        self.is_spent
    }

    /// What is left to it if it is given up and stays.
    pub(in super::super) const fn last_resort(self) -> Option<LastResort> {
        self.last_resort
    }
}

/// What repair makes of a member.
pub(in super::super) fn fate_of(
    member: &Member,
    class: Class,
    detail: Option<&Detail>,
    input: &PlanInput<'_>,
    outlook: &Outlook,
) -> Verdict {
    if is_left_alone(detail) {
        return Verdict::STAYS;
    }
    let patient = Patient { member, detail, input, outlook };
    match class {
        Class::Leaving | Class::Intended | Class::Requested | Class::InDoubt | Class::Retiring | Class::Kept => {
            Verdict::STAYS
        }
        Class::Failed => Verdict::now(Fate::Doomed, Reason::ProvisioningFailed),
        Class::Overdue => Verdict::now(Fate::Doomed, Reason::ProvisioningOverdue { since: member.phase_since }),
        _ if detail.is_some_and(|detail| detail.marks.has(Mark::Condemned)) => {
            Verdict::condemned(Ground::Marked, Reason::MarkedBroken)
        }
        Class::Missing | Class::OutOfContact => Verdict::STAYS,
        Class::Stranded => patient.of_stranded(),
        _ if patient.is_to_leave_its_node() => patient.of_leaving(class),
        Class::Stopped => patient.of_stopped(),
        Class::Unhealthy => patient.of_unhealthy(),
        Class::Starting => patient.of_starting(),
        Class::Unlisted | Class::Serving => Verdict::STAYS,
    }
}

/// What it takes at least until the outcome of a start can be seen.
const SEEN: Duration = Duration::from_secs(1);

/// Whether a person told repair to leave a member alone.
pub(in super::super) fn is_left_alone(detail: Option<&Detail>) -> bool {
    detail.is_some_and(|detail| detail.marks.has(Mark::Held) || detail.marks.has(Mark::Skipped))
}

/// When a successor is due, and whether its line has had its retries.
struct Replacement {
    due_at: Timestamp,
    is_spent: bool,
}

/// A member with everything that its fate follows from.
struct Patient<'a, 'b> {
    member: &'a Member,
    detail: Option<&'a Detail>,
    input: &'a PlanInput<'b>,
    outlook: &'a Outlook,
}

impl Patient<'_, '_> {
    fn last_restart(&self) -> Option<Timestamp> {
        self.detail.and_then(|detail| detail.restarts.last_at())
    }

    /// Since when it is in the state that restarts did not get it out of.
    fn since(&self) -> Timestamp {
        in_trouble_since(self.member, self.detail)
    }

    /// The attempts that count. Those of the interval that ends now would be forgotten while its
    /// successor is waited for, and it would be restarted for ever.
    fn restarts(&self) -> u8 {
        let interval = self.input.policy.restart.interval.as_duration();
        self.detail.map_or(0, |detail| detail.restarts.within(interval, self.since()))
    }

    /// The wait after so many restarts.
    fn delay_after(&self, restarts: u8) -> Span {
        let restart = &self.input.policy.restart;
        restart.delay.doubled(u32::from(restarts.saturating_sub(1)), restart.max_delay)
    }

    /// The successor of one that is given up since then.
    fn replacement(&self, since: Timestamp) -> Replacement {
        let replace = &self.input.policy.replace;
        let retries = retries_of_successor(self.member, self.detail, self.input, &self.outlook.memory);
        let delay = replace.delay.doubled(u32::from(retries), replace.max_delay);
        Replacement { due_at: since.after(delay.as_duration()), is_spent: retries > replace.max_retries }
    }

    fn given_up(&self, since: Timestamp, reason: Reason) -> Verdict {
        let Replacement { due_at, is_spent } = self.replacement(since);
        if due_at > self.input.now {
            return Verdict { is_spent, ..Verdict::later(Fate::GivenUp, due_at, reason) };
        }
        Verdict { is_spent, ..Verdict::condemned(Ground::Broken, reason) }
    }

    /// One whose restarts are used up. By the time they are forgotten a successor should be there.
    fn used_up(&self, reason: Reason, anew: Reason) -> Verdict {
        let (restart, since) = (&self.input.policy.restart, self.since());
        let at = self.replacement(since).due_at.after(restart.interval.as_duration());
        let is_restartable = restart.condition.on_failure() && restart.attempts > 0;
        let last_resort = is_restartable.then_some(LastResort { at, reason: anew });
        Verdict { last_resort, ..self.given_up(since, reason) }
    }

    fn of_stopped(&self) -> Verdict {
        let (member, restart) = (self.member, &self.input.policy.restart);
        // Still on its way to stopped; a start would be refused.
        if member.sighting == Sighting::Present(InstanceState::Stopping) {
            return Verdict::STAYS;
        }
        if let Some(due_at) = self.outlook.reboots(self.input).due_at(member, self.last_restart(), self.input) {
            let reason = Reason::NodeRestarted { node: member.compute_node };
            return if due_at > self.input.now {
                Verdict::later(Fate::Returns, due_at, reason)
            } else {
                Verdict::now(Fate::Restarts, reason)
            };
        }
        let (last_at, starts) = (self.last_restart(), self.restarts());
        if let Some(last_at) = last_at {
            let due_at = last_at.after(self.delay_after(starts).as_duration().max(SEEN));
            if due_at > self.input.now {
                return Verdict::later(Fate::Waits, due_at, Reason::Stopped { starts });
            }
        }
        if restart.condition.on_failure() && starts < restart.attempts {
            return Verdict::now(Fate::Restarts, Reason::Stopped { starts });
        }
        let reason = if starts == 0 { Reason::Stopped { starts } } else { Reason::WouldNotStart { starts } };
        self.used_up(reason, Reason::Stopped { starts: 0 })
    }

    fn of_unhealthy(&self) -> Verdict {
        let (restart, since) = (&self.input.policy.restart, self.member.state_since);
        let (last_at, restarts) = (self.last_restart(), self.restarts());
        if self.member.verdict.is_coming_up() {
            return self.of_recovering();
        }
        if let Some(last_at) = last_at {
            // It does not count again before it had its time to come up.
            let wait = self.delay_after(restarts).max(restart.window);
            let due_at = last_at.after(wait.as_duration().max(SEEN));
            if due_at > self.input.now {
                return Verdict::later(Fate::Waits, due_at, Reason::Unhealthy { since, restarts });
            }
        }
        if restart.condition.on_failure() && restarts < restart.attempts {
            return Verdict::now(Fate::Restarts, Reason::Unhealthy { since, restarts });
        }
        let reason = match restarts {
            0 => Reason::Unhealthy { since, restarts },
            _ => Reason::StaysUnhealthy { since, restarts },
        };
        self.used_up(reason, Reason::Unhealthy { since, restarts: 0 })
    }

    /// One that was started again has its start window to pass, and is as broken as it was until then.
    fn of_recovering(&self) -> Verdict {
        let since = self.since();
        let due_at = since.after(self.input.policy.update.healthy_deadline.as_duration());
        if due_at > self.input.now {
            return Verdict { kind: Fate::Recovers, due_at: Some(due_at), ..Verdict::STAYS };
        }
        self.given_up(due_at, Reason::NeverHealthy { since })
    }

    /// What provisions has a grace of its own; what has been provisioned and does not become
    /// healthy is given up.
    fn of_starting(&self) -> Verdict {
        let Member { phase, sighting, state_since, phase_since, .. } = *self.member;
        if matches!(sighting, Sighting::None | Sighting::Present(InstanceState::Provisioning)) {
            return Verdict::STAYS;
        }
        let last_at = self.last_restart().unwrap_or(state_since);
        // One that was up before, and starts again, is measured from then.
        let since = match phase {
            Phase::Bound => self.detail.map_or(phase_since, |detail| detail.asked_at),
            _ => state_since.max(last_at),
        };
        let due_at = since.after(self.input.policy.update.healthy_deadline.as_duration());
        if due_at > self.input.now {
            return Verdict { due_at: Some(due_at), ..Verdict::STAYS };
        }
        self.given_up(due_at, Reason::NeverHealthy { since })
    }

    /// One that should come up and does not has failed, wherever it is. Until then the others wait
    /// for it, so that it must not be waited for without end.
    fn of_leaving(&self, class: Class) -> Verdict {
        let leaves = Verdict::condemned(Ground::Unneeded, Reason::NodeDraining { node: self.member.compute_node });
        if class != Class::Starting {
            return leaves;
        }
        let starting = self.of_starting();
        if starting.kind == Fate::Stays { Verdict { due_at: starting.due_at, ..leaves } } else { starting }
    }

    fn of_stranded(&self) -> Verdict {
        let Some(state) = self.input.conditions.node(self.member.compute_node) else { return Verdict::STAYS };
        let (node, policy) = (self.member.compute_node, &self.input.policy.cn_loss);
        match node::outcome(state, self.input) {
            node::Outcome::Awaited { until } => Verdict { kind: Fate::Returns, due_at: Some(until), ..Verdict::STAYS },
            node::Outcome::Over { since } if node::is_replaced(policy, self.input.policy.identity) => {
                Verdict::condemned(Ground::Lost, Reason::NodeLost { node, since })
            }
            node::Outcome::Over { .. } => Verdict { kind: Fate::Returns, ..Verdict::STAYS },
        }
    }

    /// Whether its compute node is to be emptied. What was made after that was decided and was
    /// placed there all the same stays: moving it again and again would empty nothing.
    fn is_to_leave_its_node(&self) -> bool {
        match self.input.conditions.node(self.member.compute_node) {
            Some(NodeState::Draining { since }) => self.detail.is_none_or(|detail| detail.asked_at < since),
            _ => false,
        }
    }
}
