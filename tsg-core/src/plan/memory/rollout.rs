//! Where a rollout stands between rounds.
//!
//! Owns the states of a rollout and what its clocks run from. Must never count members; that is
//! done afresh in each plan.

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

/// What is remembered of rollouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RolloutMemory {
    /// The newest revision all of whose instances were healthy through its bake time; 0 for
    /// none yet. What an automatic revert goes to.
    pub stable: u32,
    /// The rollout under way, or the last one if it has not been followed by another.
    pub course: Option<Course>,
}

/// One rollout.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::memory::{Course, RolloutState};
///
/// let now = Timestamp::from_millis(1_800_000_000_000);
/// let course = Course::opened(2, 1, now);
/// assert_eq!((course.state, course.state.is_over()), (RolloutState::Planned, false));
/// let done = course.entering(RolloutState::Successful, now.after(Duration::from_secs(600)));
/// assert!(done.state.is_over() && done.began_at == now);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// The revision that is wanted.
    pub target: u32,
    /// The stable revision when it began, which it would be reverted to; 0 for none.
    pub from: u32,
    /// Where it stands.
    pub state: RolloutState,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// When it began.
    pub began_at: Timestamp,
    /// When it last came forward: what `progress_deadline` runs from.
    pub progress_at: Timestamp,
    /// The most instances of the goal that were available at once: more than that is progress.
    pub best: u32,
    /// Failed instances of the goal that were removed already.
    pub failed: u32,
    /// How many checkpoints it has passed.
    pub checkpoints: u8,
    /// Since when its clock stands still, because of a freeze, a window, a refusal or a pause.
    pub excused_since: Option<Timestamp>,
    /// It makes do without a surge, since there is no room for one.
    pub is_swapping: bool,
    /// Why it failed, once it did.
    pub failure: Option<Failure>,
    /// What keeps the capacity up while the target may not: the revision that was there before
    /// until the canaries are promoted, the best one there is once everything failed. 0 for none.
    #[serde(default)]
    pub keeps: u32,
    /// It is the group's first: there is nothing to fall back on, so that it can only go on.
    #[serde(default)]
    pub is_first: bool,
    /// When members were last changed in place.
    #[serde(default)]
    pub batch_at: Option<Timestamp>,
}

impl Course {
    /// One that has just begun, from the stable revision that was there.
    pub const fn opened(target: u32, from: u32, now: Timestamp) -> Self {
        Self {
            target,
            from,
            state: RolloutState::Planned,
            since: now,
            began_at: now,
            progress_at: now,
            best: 0,
            failed: 0,
            checkpoints: 0,
            excused_since: None,
            is_swapping: false,
            failure: None,
            keeps: 0,
            is_first: false,
            batch_at: None,
        }
    }

    /// The same in another state from now on, with its clock begun anew.
    #[must_use]
    pub const fn entering(self, state: RolloutState, now: Timestamp) -> Self {
        Self { state, since: now, progress_at: now, excused_since: None, ..self }
    }
}

/// Where a rollout stands. Paused and superseded are not kept: the one follows from the orders,
/// the other from a newer target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutState {
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
    /// On its way back to the stable revision.
    Reverting,
    /// Done; the target is stable.
    Successful,
    /// Back on the stable revision; the target failed.
    Reverted,
    /// Failed, and nothing is to go back to, or going back failed too: a person decides.
    FailedHold,
}

impl RolloutState {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Planned,
        Self::Canary,
        Self::AwaitingPromotion,
        Self::Rolling,
        Self::Checkpoint,
        Self::Baking,
        Self::Reverting,
        Self::Successful,
        Self::Reverted,
        Self::FailedHold,
    ];

    /// Whether nothing more comes of it by itself.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Successful | Self::Reverted | Self::FailedHold)
    }
}

/// Why a rollout failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// More new instances failed than are tolerated.
    Instances {
        /// How many failed.
        failed: u32,
        /// How many are tolerated.
        tolerated: u32,
    },
    /// It did not come forward for the progress deadline.
    NoProgress {
        /// Since when.
        since: Timestamp,
    },
    /// A person gave it up.
    Aborted,
}
