//! The way every request takes through a world: faults of the wire, standing of the account,
//! read-only mode, throttle, then the work, then the fate of the answer. HTTP and direct callers
//! both pass here, so that a fault means the same to both. It never does the work itself.

use super::World;
use super::account::Standing;
use super::faults::{Fault, Occasion};
use super::ids::AccountId;
use super::operation::Operation;
use super::refusal::Refusal;
use super::requests::Fingerprint;
use super::time::SimTime;
use super::truth::TruthEvent;

/// Signatures older or younger than this are refused.
pub const CLOCK_SKEW_LIMIT_MS: u64 = 300_000;

/// A request at the gate, authenticated already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The account acted on.
    pub account: AccountId,
    /// What is asked.
    pub operation: Operation,
    /// The machine named in the path, as sent; it is loaded before the throttle, as upstream does.
    pub machine: Option<String>,
    /// Hash of the payload, for the truth log.
    pub payload: Option<Fingerprint>,
}

impl Call {
    /// A request that names no machine and carries no fingerprint.
    #[must_use]
    pub const fn new(account: AccountId, operation: Operation) -> Self {
        Self { account, operation, machine: None, payload: None }
    }

    /// The same about one machine.
    #[must_use]
    pub fn about(self, machine: impl Into<String>) -> Self {
        Self { machine: Some(machine.into()), ..self }
    }

    /// The same with the hash of its payload.
    #[must_use]
    pub const fn carrying(mut self, payload: Option<Fingerprint>) -> Self {
        self.payload = payload;
        self
    }
}

/// What the gate says.
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// Nothing is done; render this.
    Refused(Refusal),
    /// The request never arrived: nothing is done, the connection ends without an answer.
    Lost,
    /// Do the work, then hand the result to [`World::conclude`].
    Admitted(Permit),
}

/// Permission to do the work of one request.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    account: AccountId,
    operation: Operation,
}

/// What reaches the client.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Reply<T> {
    /// An answer.
    Delivered(Result<T, Refusal>),
    /// No answer: the connection ends. Whether the work was done, the client cannot know.
    Lost,
}

impl World {
    /// Whether a request is let in.
    pub fn admit(&mut self, call: &Call) -> Admission {
        self.record_receipt(call);
        if self.strikes_call(call, |fault| matches!(fault, Fault::LoseRequest)).is_some() {
            return Admission::Lost;
        }
        match self.refusal_at_the_gate(call) {
            Some(refusal) => Admission::Refused(refusal),
            None => Admission::Admitted(Permit { account: call.account, operation: call.operation }),
        }
    }

    /// Settles what the client sees of a finished piece of work.
    pub fn conclude<T>(&mut self, permit: Permit, result: Result<T, Refusal>) -> Reply<T> {
        if result.is_err() {
            return Reply::Delivered(result);
        }
        let call = Call::new(permit.account, permit.operation);
        if self.strikes_call(&call, |fault| matches!(fault, Fault::LoseReply)).is_some() {
            return Reply::Lost;
        }
        let is_create = permit.operation == Operation::CreateMachine;
        if is_create && self.strikes_call(&call, |fault| matches!(fault, Fault::ErrorAfterCreate)).is_some() {
            return Reply::Delivered(Err(Refusal::crashed("problem with VMAPI")));
        }
        Reply::Delivered(result)
    }

    /// Admits, works and concludes in one go: for everything but creates, which take time.
    pub fn serve<T>(&mut self, call: &Call, work: impl FnOnce(&mut Self) -> Result<T, Refusal>) -> Reply<T> {
        match self.admit(call) {
            Admission::Refused(refusal) => Reply::Delivered(Err(refusal)),
            Admission::Lost => Reply::Lost,
            Admission::Admitted(permit) => {
                let result = work(self);
                self.conclude(permit, result)
            }
        }
    }

    /// Refuses a signature whose date is too far from the data centre's clock.
    pub fn check_signature_date(&self, date: SimTime) -> Result<(), Refusal> {
        let clock = self.clock();
        let skew_ms = clock.ms_since(date).max(date.ms_since(clock));
        if skew_ms <= CLOCK_SKEW_LIMIT_MS {
            return Ok(());
        }
        let skew = format!("clock skew of {}.{:03}s was greater than 300s", skew_ms / 1_000, skew_ms % 1_000);
        Err(Refusal::new(400, "InvalidHeader", format!("Authorization header invalid: {skew}")))
    }

    /// How an account stands now, faults included.
    #[must_use]
    pub fn standing(&self, id: AccountId) -> Standing {
        let on = Occasion { now: self.now, account: id, operation: None };
        let is_struck = self.faults.is_on(on, |fault| matches!(fault, Fault::AccountDisabled));
        match self.accounts.get(&id) {
            Some(account) if account.enabled && !is_struck => {
                if account.approved {
                    Standing::Approved
                } else {
                    Standing::Unapproved
                }
            }
            Some(_) | None => Standing::Disabled,
        }
    }

    fn record_receipt(&mut self, call: &Call) {
        if call.operation.is_write() {
            let (account, operation, payload) = (call.account, call.operation, call.payload);
            self.record(TruthEvent::RequestReceived { account, operation, payload });
        }
    }

    fn refusal_at_the_gate(&mut self, call: &Call) -> Option<Refusal> {
        if self.strikes_call(call, |fault| matches!(fault, Fault::ProxyUnavailable)).is_some() {
            return Some(Refusal::proxy_unavailable());
        }
        if self.standing(call.account) == Standing::Disabled {
            self.strikes(call.account, |fault| matches!(fault, Fault::AccountDisabled));
            return Some(Refusal::not_authorized("Account or user is disabled"));
        }
        if let Some(Err(refusal)) = call.machine.as_ref().map(|id| self.machine(call.account, id)) {
            return Some(refusal);
        }
        if let Some(refusal) = self.read_only_refusal(call) {
            return Some(refusal);
        }
        self.throttle_refusal(call).or_else(|| self.internal_error(call))
    }

    fn read_only_refusal(&mut self, call: &Call) -> Option<Refusal> {
        let is_meant = |fault: &Fault| matches!(fault, Fault::ReadOnly { .. });
        match call.operation.is_write().then(|| self.strikes_call(call, is_meant))?? {
            Fault::ReadOnly { retry_after_s } => Some(Refusal::read_only(retry_after_s)),
            _ => None,
        }
    }

    fn throttle_refusal(&mut self, call: &Call) -> Option<Refusal> {
        let rate_per_second = self.spec.throttle.unwrap_or_default().rate_per_second;
        let is_storm = self.strikes_call(call, |fault| matches!(fault, Fault::ThrottleStorm)).is_some();
        let is_over = is_storm || !self.buckets.take(call.account, call.operation.group(), self.now);
        is_over.then(|| Refusal::throttled(rate_per_second))
    }

    fn internal_error(&mut self, call: &Call) -> Option<Refusal> {
        self.strikes_call(call, |fault| matches!(fault, Fault::InternalError))?;
        Some(Refusal::new(500, "InternalError", "an unexpected error occurred"))
    }

    fn strikes_call(&mut self, call: &Call, is_meant: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let on = Occasion { now: self.now, account: call.account, operation: Some(call.operation) };
        self.faults.strike(&mut self.rng.faults, on, is_meant)
    }
}
