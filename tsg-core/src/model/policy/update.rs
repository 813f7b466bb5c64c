//! How a group moves from one revision to the next.
//!
//! Owns the update policy and the room it gives to a rollout. Must never know how far one has come.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::invalid::{InvalidPolicy, share, some};
use crate::model::amount::Amount;
use crate::model::revision::Disruption;
use crate::model::span::Span;

/// Whether a new revision replaces what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateMode {
    /// Instances of older revisions are moved to the new one, a few at a time.
    #[default]
    Rolling,
    /// Only instances created from now on are of the new revision, as TSG v1 had it. Nothing is
    /// rolled out, so every other field of the policy rests.
    OnCreate,
}

/// What to do when placement rules or quota leave no room for the surge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDeadlock {
    /// Stop and ask a person.
    #[default]
    Ask,
    /// Take one old instance away first: surge 0, unavailable 1.
    Swap,
}

/// The `update` block.
///
/// ```
/// use tsg_core::model::policy::{Bounds, Identity, UpdatePolicy};
///
/// let update: UpdatePolicy = serde_json::from_str(r#"{"max_surge": "25%", "bake_time": "5m"}"#)?;
/// assert_eq!(update.bounds(Identity::Unordered, 10), Bounds { surge: 3, unavailable: 0 });
/// assert_eq!(update.bounds(Identity::Ordinal, 10), Bounds { surge: 0, unavailable: 1 });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpdatePolicy {
    /// Whether a new revision replaces what runs. Default: rolling.
    pub mode: UpdateMode,
    /// Extra instances above the capacity while a rollout runs; a share rounds up. Default: 1.
    pub max_surge: Amount,
    /// How many instances of the capacity may be out of service while a rollout runs; a share
    /// rounds down. Default: 0.
    pub max_unavailable: Amount,
    /// How long an instance must be healthy without a break before it counts. Default: 30 s.
    pub min_healthy_time: Span,
    /// How long an instance may take from its create request to being ready. Default: 10 min.
    pub healthy_deadline: Span,
    /// How long a rollout may go without one newly healthy instance; 0: its first failure ends
    /// it. Default: 20 min.
    pub progress_deadline: Span,
    /// How many instances of the new revision may fail before the rollout does. Default: 0.
    pub max_failures: u32,
    /// Instances of the new revision that come on top and wait for a promotion; a share rounds
    /// up. Default: 0.
    pub canary: Amount,
    /// Whether canaries that stayed healthy through the bake time are promoted without being
    /// asked for. Default: no.
    pub auto_promote: bool,
    /// Shares of the capacity, in percent and rising, after which the rollout pauses. Default:
    /// none.
    pub checkpoints: Vec<u8>,
    /// How long it pauses at a checkpoint; 0: until a person continues it. Default: 0.
    pub checkpoint_delay: Span,
    /// How long all instances must stay healthy at the end before the revision is marked stable.
    /// Default: 0.
    pub bake_time: Span,
    /// Whether a failed rollout goes back to the newest stable revision. Default: yes.
    pub auto_revert: bool,
    /// What to do when there is no room for the surge. Default: ask.
    pub on_deadlock: OnDeadlock,
    /// The most disruptive way in which an instance may be brought up to date. Default: replace.
    pub max_disruption: Disruption,
}

impl Default for UpdatePolicy {
    fn default() -> Self {
        Self {
            mode: UpdateMode::Rolling,
            max_surge: Amount::Count(1),
            max_unavailable: Amount::Count(0),
            min_healthy_time: Span::from_secs(30),
            healthy_deadline: Span::from_mins(10),
            progress_deadline: Span::from_mins(20),
            max_failures: 0,
            canary: Amount::Count(0),
            auto_promote: false,
            checkpoints: Vec::new(),
            checkpoint_delay: Span::ZERO,
            bake_time: Span::ZERO,
            auto_revert: true,
            on_deadlock: OnDeadlock::Ask,
            max_disruption: Disruption::Replace,
        }
    }
}

/// The room that a rollout has, in instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// How many there may be above the capacity.
    pub surge: u32,
    /// How many of the capacity may be out of service.
    pub unavailable: u32,
}

impl UpdatePolicy {
    /// The room for a group of `capacity` instances. At least one of the two is never 0, so that
    /// a rollout can always take its next step.
    ///
    /// Two instances cannot share one ordinal, so an ordinal group has no surge and takes one
    /// instance away at a time unless the policy says more.
    pub fn bounds(&self, identity: Identity, capacity: u32) -> Bounds {
        let surge = match identity {
            Identity::Unordered => self.max_surge.of_rounded_up(capacity),
            Identity::Ordinal => 0,
        };
        match self.max_unavailable.of_rounded_down(capacity) {
            0 if surge == 0 => Bounds { surge, unavailable: 1 },
            unavailable => Bounds { surge, unavailable },
        }
    }
}

impl UpdatePolicy {
    pub(super) fn check(&self, identity: Identity) -> Result<(), InvalidPolicy> {
        share("update.max_surge", self.max_surge)?;
        share("update.max_unavailable", self.max_unavailable)?;
        share("update.canary", self.canary)?;
        if identity == Identity::Unordered && self.max_surge.is_zero() && self.max_unavailable.is_zero() {
            return Err(InvalidPolicy::NoRoom);
        }
        self.check_deadlines()?;
        check_checkpoints(&self.checkpoints)
    }

    fn check_deadlines(&self) -> Result<(), InvalidPolicy> {
        let (progress, healthy) = (self.progress_deadline, self.healthy_deadline);
        some("update.healthy_deadline", healthy.is_zero(), "every new instance would fail at once", "\"10m\"")?;
        if !progress.is_zero() && progress <= healthy {
            return Err(InvalidPolicy::ProgressDeadline { progress, healthy });
        }
        Ok(())
    }
}

fn check_checkpoints(checkpoints: &[u8]) -> Result<(), InvalidPolicy> {
    if let Some(&percent) = checkpoints.iter().find(|percent| !(1..=99).contains(*percent)) {
        return Err(InvalidPolicy::Checkpoint { percent });
    }
    match checkpoints.iter().zip(checkpoints.iter().skip(1)).find(|(earlier, later)| earlier >= later) {
        Some((&earlier, &later)) => Err(InvalidPolicy::CheckpointOrder { earlier, later }),
        None => Ok(()),
    }
}
