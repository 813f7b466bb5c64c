//! The ids of plans: content hashes, so that an apply can be bound to the plan that was shown.
//!
//! Owns what counts as the same plan. Must never let a moment, a seed or the id of an operation
//! that does not exist yet into a hash: the same plan, made again later, has the same id.

use core::fmt;
use core::str::FromStr;

use alloc::collections::BTreeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::input::PlanInput;
use super::output::{Action, Origin, Plan, PlannedAction, Reason};
use crate::model::fingerprint::Fingerprint;
use crate::model::id::OperationId;
use crate::model::time::Timestamp;

/// The content hash of a plan: 128 bits of SHA-256, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanId([u8; 16]);

/// A text that is not a plan's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a plan's id has 32 digits of 0-9 and a-f, as `tsg plan` shows it")]
pub struct InvalidPlanId;

impl Plan {
    /// The plan's id, given what it was made from.
    ///
    /// It is the same when the same steps are planned for the same reasons again, whenever that
    /// is and whatever the seed: new operations count by their number, and moments not at all. It
    /// differs when any step, its precondition, reason or origin differs, or when it is for
    /// another group, revision, capacity or policy.
    ///
    /// ```
    /// # use tsg_core::model::{group::Lifecycle, id::GroupId, policy::Policy, time::Timestamp};
    /// # use tsg_core::plan::input::{Conditions, Intent, Limits, Orders, View, ViewTrust};
    /// # use tsg_core::plan::{PlanInput, memory::PlanMemory};
    /// use tsg_core::plan::{Plan, plan};
    /// # use tsg_core::protocol::timing::ProtocolTiming;
    /// # let now = Timestamp::from_millis(1_800_000_000_000);
    /// # let group = GroupId::new(uuid::Uuid::from_u128(1));
    /// # let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
    /// # let (policy, timing) = (Policy::default(), ProtocolTiming::default());
    /// # let shown = PlanInput {
    /// #     intent: Intent { group, lifecycle, capacity: 3, revision: 1, is_frozen: false, orders },
    /// #     policy: &policy,
    /// #     revisions: &[],
    /// #     view: View { taken_at: now, trust: ViewTrust::Trusted },
    /// #     members: &[],
    /// #     details: &[],
    /// #     memory: PlanMemory::default(),
    /// #     limits: Limits::default(),
    /// #     conditions: Conditions::default(),
    /// #     timing: &timing,
    /// #     now,
    /// #     seed: 7,
    /// # };
    /// use core::time::Duration;
    ///
    /// // A group of which three instances are wanted, and the same a minute later.
    /// let later = PlanInput { now: shown.now.after(Duration::from_secs(60)), seed: 8, ..shown };
    /// let again: Plan = plan(&later)?;
    /// assert_eq!(again.id(&later), plan(&shown)?.id(&shown));
    ///
    /// let mut other = shown;
    /// other.intent.capacity = 4;
    /// assert_ne!(plan(&other)?.id(&other), plan(&shown)?.id(&shown));
    /// # Ok::<(), tsg_core::plan::PlanError>(())
    /// ```
    pub fn id(&self, input: &PlanInput<'_>) -> PlanId {
        let numbers = numbers(self);
        let mut hash = Lines(Sha256::new());
        hash.line(&("tsg plan 1", input.intent.group, input.intent.lifecycle));
        hash.line(&(input.intent.capacity, input.intent.revision, Fingerprint::of(input.policy)));
        for planned in &self.actions {
            hash.line(&Step::of(planned, &numbers));
        }
        for origin in &self.origins {
            hash.line(&(numbers.get(&origin.operation), Origin { operation: NOBODY, ..*origin }));
        }
        hash.id()
    }
}

/// Stands for an operation that does not exist yet.
const NOBODY: OperationId = OperationId::from_bits(0);

/// The new operations by their number: their ids come from the seed.
fn numbers(plan: &Plan) -> BTreeMap<OperationId, u32> {
    let created = |planned: &PlannedAction| match planned.action {
        Action::Create { operation, .. } => Some(operation),
        _ => None,
    };
    plan.actions.iter().filter_map(created).zip(0..).collect()
}

/// What counts of one step.
#[derive(Serialize)]
struct Step {
    /// Which of the new operations it is about, if it is one.
    number: Option<u32>,
    planned: PlannedAction,
}

impl Step {
    fn of(planned: &PlannedAction, numbers: &BTreeMap<OperationId, u32>) -> Self {
        let number = numbers.get(&planned.action.operation()).copied();
        let action = match planned.action {
            Action::Create { revision, .. } => Action::Create { operation: NOBODY, revision },
            known => known,
        };
        Self { number, planned: PlannedAction { action, reason: timeless(planned.reason), ..*planned } }
    }
}

/// A reason without its moments. Names every reason, so that none with a moment is forgotten.
fn timeless(reason: Reason) -> Reason {
    let since = Timestamp::EPOCH;
    match reason {
        Reason::ProvisioningOverdue { .. } => Reason::ProvisioningOverdue { since },
        Reason::Unhealthy { restarts, .. } => Reason::Unhealthy { since, restarts },
        Reason::StaysUnhealthy { restarts, .. } => Reason::StaysUnhealthy { since, restarts },
        Reason::NeverHealthy { .. } => Reason::NeverHealthy { since },
        Reason::NodeLost { node, .. } => Reason::NodeLost { node, since },
        Reason::ProbeRepair { .. } => Reason::ProbeRepair { since },
        Reason::Drained { is_acknowledged, cause, .. } => Reason::Drained { since, is_acknowledged, cause },
        Reason::ShutDown { cause, .. } => Reason::ShutDown { since, cause },
        Reason::KeptLongEnough { .. } => Reason::KeptLongEnough { since },
        Reason::BelowCapacity { .. }
        | Reason::AboveCapacity { .. }
        | Reason::TearDown
        | Reason::ProvisioningFailed
        | Reason::Stopped { .. }
        | Reason::WouldNotStart { .. }
        | Reason::NodeDraining { .. }
        | Reason::NodeRestarted { .. }
        | Reason::MarkedBroken
        | Reason::Succeeds { .. }
        | Reason::Succeeded { .. }
        | Reason::Canary { .. }
        | Reason::RolledOut { .. }
        | Reason::RolledBack { .. }
        | Reason::Reprovisioned
        | Reason::RestartAsked
        | Reason::ReturnedLate { .. } => reason,
    }
}

/// A hash of values, each as one line of JSON: none can run into the next.
struct Lines(Sha256);

impl Lines {
    fn line<T: Serialize>(&mut self, value: &T) {
        // No serialiser of the model fails; see `Fingerprint::of`.
        self.0.update(serde_json::to_vec(value).unwrap_or_default());
        self.0.update(b"\n");
    }

    fn id(self) -> PlanId {
        let whole: [u8; 32] = self.0.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&whole[..16]);
        PlanId(half)
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for PlanId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PlanId({self})")
    }
}

impl FromStr for PlanId {
    type Err = InvalidPlanId;

    /// Accepts 32 lower-case hexadecimal digits only.
    fn from_str(text: &str) -> Result<Self, InvalidPlanId> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(InvalidPlanId);
        }
        u128::from_str_radix(text, 16).map(|bits| Self(bits.to_be_bytes())).map_err(|_| InvalidPlanId)
    }
}

impl Serialize for PlanId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PlanId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <alloc::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }
}
