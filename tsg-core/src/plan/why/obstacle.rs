//! What stands in the way of something, and until when.
//!
//! Owns what each wait and block concerns. Must never be a reason to do anything.

use alloc::vec::Vec;

use serde::Serialize;

use crate::model::time::Timestamp;
use crate::plan::output::{Block, Report, Wait};

/// What stands in the way.
///
/// ```
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::output::{Block, Wait};
/// use tsg_core::plan::why::Obstacle;
///
/// let until = Timestamp::from_millis(1_800_000_000_000);
/// assert_eq!(Obstacle::Wait(Wait::Baking { until }).until(), Some(until));
/// assert_eq!(Obstacle::Block(Block::Frozen).until(), None, "a person has to lift it");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Something that passes by itself.
    Wait(Wait),
    /// Something that has to change.
    Block(Block),
}

impl Obstacle {
    /// Until when, where a moment is known: when the first of those concerned may go on.
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Wait(
                Wait::StartDelay { until }
                | Wait::Proving { until, .. }
                | Wait::ReplaceDelay { until }
                | Wait::NodeGrace { until, .. }
                | Wait::Checkpoint { until, .. }
                | Wait::Spared { until, .. }
                | Wait::Baking { until },
            ) => Some(*until),
            Self::Wait(Wait::Maintenance { until }) => *until,
            Self::Block(Block::CreatesRefused(backoff)) => Some(backoff.until),
            Self::Block(Block::RepairsSuspended(suspension)) => Some(suspension.probe_at),
            Self::Wait(_) | Self::Block(_) => None,
        }
    }

    /// Whether it stops everything.
    pub(super) const fn is_general(&self) -> bool {
        matches!(self, Self::Block(Block::Frozen | Block::View(_)))
    }

    /// Whether it keeps instances from being created.
    pub(super) const fn delays_creates(&self) -> bool {
        let is_of_creates = matches!(
            self,
            Self::Wait(Wait::Slots { .. } | Wait::Window { .. } | Wait::Budget { .. })
                | Self::Block(Block::CreatesRefused(_) | Block::Orphans { .. } | Block::NoRoomForSurge { .. })
                | Self::Block(Block::TooManyUnhealthy { .. } | Block::RepairsHeld(_) | Block::RepairsSuspended(_))
        );
        is_of_creates || self.is_general()
    }

    /// Whether it keeps instances that fail from being restarted.
    pub(super) const fn delays_restarts(&self) -> bool {
        let is_of_restarts = matches!(
            self,
            Self::Wait(Wait::StartDelay { .. } | Wait::Stopping { .. } | Wait::Budget { .. })
                | Self::Block(Block::TooManyUnhealthy { .. } | Block::RepairsHeld(_))
        );
        is_of_restarts || self.is_general()
    }

    /// Whether it keeps instances that are given up from being replaced.
    pub(super) const fn delays_replacements(&self) -> bool {
        let is_wait = matches!(
            self,
            Self::Wait(
                Wait::ReplaceDelay { .. }
                    | Wait::RepairsInFlight { .. }
                    | Wait::Siblings { .. }
                    | Wait::Availability { .. }
                    | Wait::Answers { .. }
                    | Wait::Evidence { .. }
                    | Wait::Provisioning { .. }
                    | Wait::Listing { .. }
                    | Wait::Proving { .. }
            )
        );
        let is_block = matches!(
            self,
            Self::Block(Block::Unhealthy { .. } | Block::IdentityAtRisk { .. } | Block::Protected { .. })
        );
        is_wait || is_block || self.delays_creates()
    }

    /// Whether it keeps instances that are dead from being deleted.
    pub(super) const fn delays_deletes(&self) -> bool {
        matches!(self, Self::Wait(Wait::Budget { .. } | Wait::Availability { .. }))
            || matches!(self, Self::Block(Block::Protected { .. } | Block::TooManyUnhealthy { .. }))
            || self.is_general()
    }

    /// Whether it keeps instances that are not needed any more from going.
    pub(super) const fn delays_scale_in(&self) -> bool {
        let is_wait = matches!(
            self,
            Self::Wait(
                Wait::Budget { .. }
                    | Wait::Availability { .. }
                    | Wait::Listing { .. }
                    | Wait::Retirement { .. }
                    | Wait::Turns { .. }
                    | Wait::Spared { .. }
            )
        );
        is_wait || matches!(self, Self::Block(Block::Protected { .. })) || self.is_general()
    }

    /// Whether it keeps a rollout from changing the next instance.
    pub(super) const fn delays_changes(&self) -> bool {
        let is_wait = matches!(
            self,
            Self::Wait(
                Wait::Availability { .. }
                    | Wait::Proving { .. }
                    | Wait::Provisioning { .. }
                    | Wait::Listing { .. }
                    | Wait::Answers { .. }
                    | Wait::Evidence { .. }
                    | Wait::Retirement { .. }
                    | Wait::Destruction { .. }
                    | Wait::Maintenance { .. }
                    | Wait::Checkpoint { .. }
            )
        );
        let is_block = matches!(
            self,
            Self::Block(
                Block::Paused
                    | Block::AwaitsPromotion { .. }
                    | Block::AwaitsContinue { .. }
                    | Block::RolloutFailed { .. }
                    | Block::DisruptionCapped { .. }
                    | Block::Protected { .. }
            )
        );
        is_wait || is_block || self.delays_creates()
    }

    /// Whether it keeps a rollout from ending.
    pub(super) const fn delays_rollout(&self) -> bool {
        matches!(self, Self::Wait(Wait::Baking { .. } | Wait::Dispatch { .. })) || self.delays_changes()
    }
}

/// Of everything that stands in the way, what concerns somebody.
pub(super) fn of(report: &Report, concerns: impl Fn(&Obstacle) -> bool) -> Vec<Obstacle> {
    let waits = report.waits.iter().copied().map(Obstacle::Wait);
    let blocks = report.blocks.iter().copied().map(Obstacle::Block);
    waits.chain(blocks).filter(concerns).collect()
}
