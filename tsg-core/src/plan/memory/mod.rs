//! What the planner asks to be remembered between rounds.
//!
//! Owns the memory as a whole; each part has its own file. Must never hold anything that could
//! be read from the operations instead.

pub mod creates;
pub mod repair;
pub mod rollout;

pub use creates::{Backoff, CREATE_WINDOW_MAX, Setback};
pub use repair::{Hold, RepairMemory, Suspension, SuspensionCause};
pub use rollout::{Course, Failure, RolloutMemory, RolloutState};

use serde::{Deserialize, Serialize};

/// A group's memory: small, versioned with its ledger head.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::memory::PlanMemory;
/// use tsg_core::protocol::create::Refusal;
///
/// let now = Timestamp::from_millis(1_800_000_000_000);
/// let mut memory = PlanMemory::default();
/// memory.note_bound();
/// assert_eq!(memory.create_window, 2, "a create that was answered opens the window by one");
///
/// // No room in the data centre: a minute of rest, then a single create tries again.
/// memory.note_refused(Refusal::Capacity, now, None);
/// assert!(!memory.may_send(now.after(Duration::from_secs(59)), 0));
/// assert!(memory.may_send(now.after(Duration::from_secs(60)), 0));
/// assert!(!memory.may_send(now.after(Duration::from_secs(60)), 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanMemory {
    /// How many creates may be unanswered at once. Begins at 1 and grows by one with each
    /// success, so it doubles with each round: a jump into a full data centre costs one
    /// refusal, not hundreds.
    pub create_window: u32,
    /// Set after a refusal, until a create succeeds; and after failures in a row, until a machine
    /// comes up.
    pub create_backoff: Option<Backoff>,
    /// Machines whose provisioning failed since one came up.
    #[serde(default)]
    pub failures_in_row: u32,
    /// Where the rollout stands.
    #[serde(default)]
    pub rollout: RolloutMemory,
    /// Where repair stands.
    #[serde(default)]
    pub repair: RepairMemory,
}

impl Default for PlanMemory {
    fn default() -> Self {
        Self {
            create_window: 1,
            create_backoff: None,
            failures_in_row: 0,
            rollout: RolloutMemory::default(),
            repair: RepairMemory::default(),
        }
    }
}
