//! Faults: everything that can be made to go wrong, when, how often, and how often it did.
//! It only decides whether a fault strikes; what striking means is done where the fault belongs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::World;
use super::ids::AccountId;
use super::operation::Operation;
use super::rng::Rng;
use super::time::SimTime;

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// At once: a machine is destroyed from outside, without a job and without an audit record.
    KillInstance {
        /// Which one.
        #[serde(default)]
        machine: Target,
    },
    /// At once: a machine halts from outside.
    StopInstance {
        /// Which one.
        #[serde(default)]
        machine: Target,
    },
    /// At once: a compute node is lost with everything on it.
    ServerDown {
        /// Which one: name, uuid, or any.
        #[serde(default)]
        server: Target,
        /// What its machines look like from then on.
        #[serde(default)]
        appearance: LossAppearance,
    },
    /// At once: a compute node comes back.
    ServerUp {
        /// Which one: name, uuid, or any that is down.
        #[serde(default)]
        server: Target,
    },
    /// At once: a compute node restarts with everything on it.
    ServerReboot {
        /// Which one: name, uuid, or any that is up.
        #[serde(default)]
        server: Target,
        /// How long it is away, in milliseconds.
        for_ms: u64,
        /// What its machines look like meanwhile.
        #[serde(default)]
        appearance: LossAppearance,
    },
    /// A provisioning job ends in `failed`.
    FailProvision,
    /// A provisioning job vanishes: the machine shows `provisioning` until it is deleted.
    StickProvision,
    /// No provisioning job ends while this is on.
    HoldProvision,
    /// The request is carried out, the answer never arrives.
    LoseReply,
    /// The request never arrives.
    LoseRequest,
    /// The record of a new machine cannot be seen for a while, although its create was answered.
    HideRecord {
        /// How long, in milliseconds.
        for_ms: u64,
    },
    /// The record of a new machine is not written for a while: as [`Fault::HideRecord`], and the
    /// create, which reads the machine back, answers 404.
    LateRecord {
        /// How long, in milliseconds.
        for_ms: u64,
    },
    /// Writes are refused with CloudAPI's own 503.
    ReadOnly {
        /// Value of `Retry-After`, in seconds.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// The load balancer answers 503 with a page of HTML.
    ProxyUnavailable,
    /// 429 whatever the bucket says.
    ThrottleStorm,
    /// 500 before anything is done.
    InternalError,
    /// 500 although the create was accepted and goes on.
    ErrorAfterCreate,
    /// Creates are refused for quota.
    QuotaReached,
    /// Placement finds no server.
    NoCapacity,
    /// The account counts as disabled.
    AccountDisabled,
    /// The data centre's clock is wrong.
    ClockOffset {
        /// By so much, in milliseconds; positive is ahead.
        offset_ms: i64,
    },
    /// The second check of a name, at placement, is left out: two creates in flight can both get
    /// the same name, as upstream allows.
    NameRace,
    /// DELETE answers 204 and nothing happens.
    IgnoreDelete,
    /// An action or a change of a machine is accepted, and its job fails: any job but those of its
    /// provisioning and destruction.
    FailAction,
}

/// What an immediate fault hits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One chosen by the world's seed.
    #[default]
    Any,
    /// One by name or uuid.
    Named(String),
}

/// What machines look like while their compute node is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossAppearance {
    /// They keep showing the state they had, which is what a data centre does by default.
    #[default]
    Unchanged,
    /// They show `unknown`, as a data centre with `server_state_affects_vm_state` does.
    Unknown,
    /// They show `offline`.
    Offline,
}

/// A fault with its circumstances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultRule {
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// How likely it strikes on each occasion, 0 to 1.
    #[serde(default = "always")]
    pub rate: f64,
    /// How many times it strikes at most.
    #[serde(default)]
    pub limit: Option<u64>,
    /// From when on; an immediate fault strikes then.
    #[serde(default)]
    pub from: Option<SimTime>,
    /// Until when.
    #[serde(default)]
    pub until: Option<SimTime>,
    /// Only for this account.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// Only for requests of this kind.
    #[serde(default)]
    pub operation: Option<Operation>,
}

fn always() -> f64 {
    1.0
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        Self { fault, rate: always(), limit: None, from: None, until: None, account: None, operation: None }
    }
}

impl FaultRule {
    /// `fault`, the next `limit` times.
    #[must_use]
    pub fn times(fault: Fault, limit: u64) -> Self {
        Self { limit: Some(limit), ..fault.into() }
    }

    /// `fault`, on each occasion with probability `rate`.
    #[must_use]
    pub fn rate(fault: Fault, rate: f64) -> Self {
        Self { rate, ..fault.into() }
    }

    /// The same, only for requests of one kind.
    #[must_use]
    pub fn only(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// The same, only from `from` (included) until `until` (excluded).
    #[must_use]
    pub fn between(self, from: SimTime, until: SimTime) -> Self {
        Self { from: Some(from), until: Some(until), ..self }
    }
}

/// The handle of a fault that is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(pub u64);

/// A switched-on fault and what it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultStatus {
    /// Handle.
    pub id: FaultId,
    /// The rule as given.
    #[serde(flatten)]
    pub rule: FaultRule,
    /// How many times it struck.
    pub hits: u64,
}

/// On what occasion a fault is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion {
    pub(crate) now: SimTime,
    pub(crate) account: AccountId,
    pub(crate) operation: Option<Operation>,
}

/// The faults that are switched on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    rules: BTreeMap<FaultId, FaultStatus>,
    last_id: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, rule: FaultRule) -> FaultId {
        self.last_id += 1;
        let id = FaultId(self.last_id);
        self.rules.insert(id, FaultStatus { id, rule, hits: 0 });
        id
    }

    pub(crate) fn remove(&mut self, id: FaultId) -> Option<FaultStatus> {
        self.rules.remove(&id)
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn statuses(&self) -> Vec<FaultStatus> {
        self.rules.values().cloned().collect()
    }

    pub(crate) fn get(&self, id: FaultId) -> Option<&FaultStatus> {
        self.rules.get(&id)
    }

    pub(crate) fn count_hit(&mut self, id: FaultId) {
        if let Some(status) = self.rules.get_mut(&id) {
            status.hits += 1;
        }
    }

    /// Draws for the first matching fault that strikes, and counts the hit.
    pub(crate) fn strike(&mut self, rng: &mut Rng, on: Occasion, is_meant: impl Fn(&Fault) -> bool) -> Option<Fault> {
        for status in self.rules.values_mut() {
            if is_meant(&status.rule.fault) && status.is_live(on) && rng.chance(status.rule.rate) {
                status.hits += 1;
                return Some(status.rule.fault.clone());
            }
        }
        None
    }

    /// Whether a matching fault is on, without a draw and without counting.
    pub(crate) fn is_on(&self, on: Occasion, is_meant: impl Fn(&Fault) -> bool) -> bool {
        self.rules.values().any(|status| is_meant(&status.rule.fault) && status.is_live(on))
    }

    /// Sum of the clock offsets that are on.
    pub(crate) fn clock_offset_ms(&self, now: SimTime) -> i64 {
        let live = self.rules.values().filter(|status| status.is_in_window(now));
        live.map(|status| if let Fault::ClockOffset { offset_ms } = status.rule.fault { offset_ms } else { 0 }).sum()
    }
}

impl FaultStatus {
    fn is_live(&self, on: Occasion) -> bool {
        let rule = &self.rule;
        self.is_in_window(on.now)
            && rule.account.is_none_or(|account| account == on.account)
            && (rule.operation.is_none() || rule.operation == on.operation)
    }

    fn is_in_window(&self, now: SimTime) -> bool {
        let rule = &self.rule;
        rule.limit.is_none_or(|limit| self.hits < limit)
            && rule.from.is_none_or(|from| from <= now)
            && rule.until.is_none_or(|until| now < until)
    }
}

impl World {
    /// All faults that are switched on, with their hits.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultStatus> {
        self.faults.statuses()
    }

    /// Whether a fault of this account strikes now; counts the hit.
    pub(super) fn strikes(&mut self, account: AccountId, is_meant: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let on = Occasion { now: self.now, account, operation: None };
        self.faults.strike(&mut self.rng.faults, on, is_meant)
    }

    /// Virtual time as the data centre's own, possibly wrong, clock shows it. Signature dates are
    /// judged by it and `Date` headers carry it.
    #[must_use]
    pub fn clock(&self) -> SimTime {
        self.now.offset_ms(self.faults.clock_offset_ms(self.now))
    }
}
