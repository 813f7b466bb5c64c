//! What the cloud has really told: the oracle's own memory of every reply and every departure,
//! from which it knows what an engine may conclude.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tsg_core::model::audit::RequestKind;
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::id::{InstanceId, OperationId};
use tsg_core::model::instance::{InstanceState, ObservedInstance};
use tsg_core::model::operation::{Attempt, AttemptOutcome};
use tsg_core::model::time::Timestamp;
use tsg_core::ports::cloud::{CloudCode, CloudError, Reach};

use super::journal::{Author, Departure};
use super::oracle::{Verdict, broken};

/// How far a signature's date may be off; a create beyond that never makes anything.
const SIGNATURE_LIFE_MS: i64 = 300_000;

/// Leave to send one request once.
#[derive(Debug, Clone, Copy)]
struct Credit {
    by: Author,
    at: Duration,
    attempt: u32,
}

/// One create request that was announced.
#[derive(Debug, Clone, Copy)]
pub struct Try {
    /// True time of its commit.
    pub at: Duration,
    /// True time of the commit less the time that the sender believed in.
    skew_ms: i64,
    has_left: bool,
    was_refused: bool,
}

/// Kind of request and what it carried.
type Content = (u8, [u8; 32]);

fn content(kind: RequestKind, payload: Fingerprint) -> Content {
    (kind as u8, *payload.as_bytes())
}

/// What the data centre can tell apart on arrival: all actions on a machine are one request to it.
fn arrival(kind: RequestKind, payload: [u8; 32]) -> Content {
    let kind = match kind {
        RequestKind::Create | RequestKind::Delete => kind,
        RequestKind::Start | RequestKind::Stop | RequestKind::Restart | RequestKind::Resize | RequestKind::Update => {
            RequestKind::Start
        }
    };
    (kind as u8, payload)
}

#[derive(Default)]
pub struct Evidence {
    credits: BTreeMap<Content, Vec<Credit>>,
    departed: BTreeMap<Content, u32>,
    received: BTreeMap<Content, u32>,
    tries: BTreeMap<(OperationId, usize), Try>,
    by_signature: BTreeMap<([u8; 32], Timestamp), (OperationId, usize)>,
    shown: BTreeSet<InstanceId>,
    over: BTreeSet<InstanceId>,
    ailing: BTreeSet<InstanceId>,
    not_found: BTreeMap<InstanceId, Vec<Duration>>,
}

impl Evidence {
    /// A reply showed a machine.
    pub fn show(&mut self, seen: &ObservedInstance) {
        self.shown.insert(seen.id);
        match seen.state {
            InstanceState::Deleted => {
                self.over.insert(seen.id);
            }
            InstanceState::Provisioning | InstanceState::Running | InstanceState::Ready => {}
            _ => {
                self.ailing.insert(seen.id);
            }
        }
    }

    pub fn not_found(&mut self, instance: InstanceId, at: Duration) {
        self.not_found.entry(instance).or_default().push(at);
    }

    pub fn was_shown(&self, instance: InstanceId) -> bool {
        self.shown.contains(&instance)
    }

    /// Whether any reply ever showed it in a state that a healthy machine is not in.
    pub fn was_ailing(&self, instance: InstanceId) -> bool {
        self.ailing.contains(&instance)
    }

    /// Whether its end is proved: shown as destroyed, or two 404 far enough apart.
    pub fn is_over(&self, instance: InstanceId, gap: Duration) -> bool {
        let missed = self.not_found.get(&instance);
        self.over.contains(&instance)
            || missed.is_some_and(|at| matches!((at.first(), at.last()), (Some(a), Some(b)) if *b >= *a + gap))
    }

    /// 5: each request is announced once, and with it one departure is allowed.
    pub fn announce(&mut self, by: Author, at: Duration, kind: RequestKind, payload: Fingerprint, attempt: u32) {
        self.credits.entry(content(kind, payload)).or_default().push(Credit { by, at, attempt });
    }

    /// 5: the newest announcement of this very request allows it, is the sender's own, and is not
    /// older than the send guard; it is used up.
    pub fn depart(&mut self, by: Author, at: Duration, departure: &Departure, guard: Duration) -> Verdict {
        let Departure { kind, payload, signed_at } = *departure;
        let content = content(kind, payload);
        *self.departed.entry(arrival(kind, *payload.as_bytes())).or_default() += 1;
        let Some(credit) = self.credits.get_mut(&content).and_then(Vec::pop) else {
            return broken(5, format!("a {kind:?} left that was not announced, or left twice"));
        };
        if credit.by != by {
            return broken(5, format!("engine {by:?} sent the {kind:?} that {:?} announced", credit.by));
        }
        if at > credit.at + guard {
            return broken(
                5,
                format!("{kind:?} number {} left {:?} after it was announced", credit.attempt, at - credit.at),
            );
        }
        let Some(signed_at) = signed_at else { return Ok(()) };
        let of = self.by_signature.get(&(*payload.as_bytes(), signed_at));
        match of.and_then(|of| self.tries.get_mut(of).map(|tried| (of.1, tried))) {
            Some((index, tried)) if index as u32 + 1 == credit.attempt => {
                tried.has_left = true;
                Ok(())
            }
            _ => broken(5, format!("a create left with a date that belongs to no attempt {}", credit.attempt)),
        }
    }

    /// 5: the data centre receives no more than what left.
    pub fn receive(&mut self, kind: RequestKind, payload: [u8; 32]) -> Verdict {
        let content = arrival(kind, payload);
        let received = self.received.entry(content).or_default();
        *received += 1;
        match self.departed.get(&content).is_some_and(|departed| departed >= received) {
            true => Ok(()),
            false => broken(5, format!("{kind:?} came {received} times and never left so often")),
        }
    }

    pub fn answer_create(&mut self, departure: &Departure, refusal: Option<&CloudError>) {
        let Some(signed_at) = departure.signed_at else { return };
        let of = self.by_signature.get(&(*departure.payload.as_bytes(), signed_at));
        if let Some(tried) = of.and_then(|of| self.tries.get_mut(of)) {
            tried.was_refused = refusal.is_some_and(proves_refusal);
        }
    }

    /// An attempt was recorded, at the true wall time `wall_ms`.
    pub fn record_try(&mut self, of: (OperationId, usize), attempt: &Attempt, at: Duration, wall_ms: i64) {
        self.by_signature.insert((*attempt.payload.as_bytes(), attempt.signed_at), of);
        let skew_ms = wall_ms - attempt.sent_at.as_millis();
        self.tries.insert(of, Try { at, skew_ms, has_left: false, was_refused: false });
    }

    /// 3, 13: an outcome follows from what was heard: a refusal from a reply that proves it,
    /// "unsent" only if nothing left, silence only after the quiet window.
    pub fn judge_outcome(
        &self,
        of: (OperationId, usize),
        outcome: AttemptOutcome,
        at: Duration,
        quiet: Duration,
    ) -> Verdict {
        let Some(tried) = self.tries.get(&of) else {
            return broken(3, format!("attempt {} of {} was never announced", of.1 + 1, of.0));
        };
        let what = format!("attempt {} of {}", of.1 + 1, of.0);
        match outcome {
            AttemptOutcome::Refused if !tried.was_refused => {
                broken(13, format!("{what} is called refused by no proof"))
            }
            AttemptOutcome::Unsent if tried.has_left => broken(13, format!("{what} is called unsent and has left")),
            AttemptOutcome::Quiet if !tried.is_quiet_at(at, quiet) => {
                broken(3, format!("{what} is called quiet {:?} after it was sent", at.saturating_sub(tried.at)))
            }
            _ => Ok(()),
        }
    }
}

impl Try {
    /// A clock that was behind makes the wait look longer than it was, by no more than what
    /// still lets the data centre accept the signature.
    fn is_quiet_at(&self, at: Duration, quiet: Duration) -> bool {
        let behind = Duration::from_millis(self.skew_ms.max(0).unsigned_abs());
        self.skew_ms.abs() > SIGNATURE_LIFE_MS || at.saturating_sub(self.at) + behind >= quiet
    }
}

/// The oracle's own list of replies that prove that a create made nothing.
fn proves_refusal(error: &CloudError) -> bool {
    let is_named = match error.status.unwrap_or(0) {
        400 => error.code == CloudCode::ClockSkew,
        401 | 403 | 420 | 429 => true,
        409 => matches!(
            error.code,
            CloudCode::NoAllocatableServers
                | CloudCode::MissingParameter
                | CloudCode::InvalidArgument
                | CloudCode::ValidationFailed
        ),
        503 => error.code == CloudCode::Maintenance,
        _ => false,
    };
    error.reach == Reach::NotSent || (error.reach == Reach::Answered && is_named)
}
