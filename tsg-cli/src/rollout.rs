//! Where the rollout of a group stands, as far as somebody who waits for it cares.
//!
//! Owns the words and what each of them means for a script. It must never talk to the server.

use std::fmt;

use tsg_core::plan::memory::RolloutState;

use crate::api::shapes::GroupView;

/// Where a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// There never was one, or the server has not looked yet.
    None,
    /// A person has paused it.
    Paused,
    /// As the server remembers it.
    At(RolloutState),
}

/// Where the rollout of the group's revision stands.
pub(crate) fn stage_of(group: &GroupView) -> Stage {
    let rollout = group.report.as_ref().and_then(|report| report.rollout.as_ref());
    match rollout.map(|rollout| &rollout.course).filter(|course| course.target == group.revision) {
        None => Stage::None,
        Some(course) if group.orders.is_paused && !course.state.is_over() => Stage::Paused,
        Some(course) => Stage::At(course.state),
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "none",
            Self::Paused => "paused",
            Self::At(RolloutState::Planned) => "planned",
            Self::At(RolloutState::Canary) => "canary",
            Self::At(RolloutState::AwaitingPromotion) => "awaiting promotion",
            Self::At(RolloutState::Rolling) => "rolling",
            Self::At(RolloutState::Checkpoint) => "at a checkpoint",
            Self::At(RolloutState::Baking) => "baking",
            Self::At(RolloutState::Reverting) => "reverting",
            Self::At(RolloutState::Successful) => "successful",
            Self::At(RolloutState::Reverted) => "reverted",
            Self::At(RolloutState::FailedHold) => "failed, on hold",
        })
    }
}
