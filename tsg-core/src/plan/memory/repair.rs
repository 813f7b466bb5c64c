//! Where repair stands between rounds.
//!
//! Owns the hold of `max_unhealthy` and the suspension after repairs that did not help. Must
//! never hold what one member's operation can tell.

use serde::{Deserialize, Serialize};

use crate::model::id::OperationId;
use crate::model::time::Timestamp;

/// What is remembered of repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RepairMemory {
    /// Set while too many are unhealthy for anything to be replaced.
    pub hold: Option<Hold>,
    /// Set while replacing has been given up.
    pub suspension: Option<Suspension>,
    /// The revision that `failed_lineages` counts for, and that a suspension ends with.
    pub lineage_revision: u32,
    /// Replacements of that revision that died young, one count for each.
    pub failed_lineages: u8,
    /// When the last of them was removed; [`Timestamp::EPOCH`] for never. Failures that lie far
    /// apart are not one problem.
    pub lineage_failed_at: Timestamp,
    /// When repairs were last taken up again after a suspension; [`Timestamp::EPOCH`] for never.
    /// What came up before then begins a new lineage.
    pub resumed_at: Timestamp,
}

/// The hold of `max_unhealthy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// Since when the group has been under the limit again.
    pub under_since: Option<Timestamp>,
}

/// Replacing has been given up, but for one probe now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub cause: SuspensionCause,
    /// When the next probe repair may be made.
    pub probe_at: Timestamp,
    /// The member that the last probe made.
    pub probe: Option<OperationId>,
}

/// Why replacing was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspensionCause {
    /// One slot was replaced as often as the policy allows.
    RetriesSpent {
        /// How often.
        retries: u8,
    },
    /// Several replacements of one revision died young.
    LineagesFail {
        /// How many.
        lineages: u8,
        /// Which revision.
        revision: u32,
    },
}
