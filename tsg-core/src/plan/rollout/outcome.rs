//! What a rollout looks like to somebody who waits for it.
//!
//! Owns the states that people are told, of which some follow from the orders and from what came
//! after. Must never change what is remembered.

use serde::{Deserialize, Serialize};

use super::super::input::Orders;
use super::super::memory::{RolloutMemory, RolloutState};

/// What became of the rollout of one revision so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutOutcome {
    /// Nothing of it has been done yet.
    Planned,
    /// Canaries come up and prove themselves.
    Canary,
    /// The canaries are good; a person decides.
    AwaitingPromotion,
    /// Instances are replaced.
    Rolling,
    /// A share has been replaced; it waits there.
    Checkpoint,
    /// Everything is replaced and has to stay well for the bake time.
    Baking,
    /// A person has paused it.
    Paused,
    /// It failed and is on its way back to the stable revision.
    Reverting,
    /// Done; the revision is stable.
    Successful,
    /// It failed; the group is back on the stable revision.
    Reverted,
    /// It failed, and a person decides.
    FailedHold,
    /// A newer revision took its place.
    Superseded,
}

impl RolloutOutcome {
    /// Whether somebody who waits for the rollout has waited long enough: either nothing more
    /// comes of it by itself, or a person has to decide.
    pub const fn ends_wait(self) -> bool {
        matches!(
            self,
            Self::AwaitingPromotion | Self::Successful | Self::Reverted | Self::FailedHold | Self::Superseded
        )
    }
}

/// What became of the rollout of `revision`, as far as a group's memory and orders tell.
///
/// ```
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::input::Orders;
/// use tsg_core::plan::memory::{Course, RolloutMemory, RolloutState};
/// use tsg_core::plan::{RolloutOutcome, state_of};
///
/// let now = Timestamp::from_millis(1_800_000_000_000);
/// let course = Course::opened(2, 1, now).entering(RolloutState::Rolling, now);
/// let memory = RolloutMemory { stable: 1, course: Some(course) };
/// let orders = Orders::default();
/// assert_eq!(state_of(&memory, &orders, 2), RolloutOutcome::Rolling);
/// assert_eq!(state_of(&memory, &Orders { is_paused: true, ..orders }, 2), RolloutOutcome::Paused);
/// assert_eq!(state_of(&memory, &orders, 1), RolloutOutcome::Superseded);
/// assert!(state_of(&memory, &orders, 1).ends_wait());
/// assert_eq!(state_of(&memory, &orders, 3), RolloutOutcome::Planned);
/// ```
pub fn state_of(memory: &RolloutMemory, orders: &Orders, revision: u32) -> RolloutOutcome {
    let Some(course) = memory.course.filter(|course| course.target >= revision) else {
        return RolloutOutcome::Planned;
    };
    match course.state {
        _ if course.target > revision => RolloutOutcome::Superseded,
        RolloutState::Successful => RolloutOutcome::Successful,
        RolloutState::Reverted => RolloutOutcome::Reverted,
        RolloutState::FailedHold => RolloutOutcome::FailedHold,
        _ if orders.is_paused => RolloutOutcome::Paused,
        RolloutState::Planned => RolloutOutcome::Planned,
        RolloutState::Canary => RolloutOutcome::Canary,
        RolloutState::AwaitingPromotion => RolloutOutcome::AwaitingPromotion,
        RolloutState::Rolling => RolloutOutcome::Rolling,
        RolloutState::Checkpoint => RolloutOutcome::Checkpoint,
        RolloutState::Baking => RolloutOutcome::Baking,
        RolloutState::Reverting => RolloutOutcome::Reverting,
    }
}
