//! The shapes of answers. Owns ids, numbers and moments; must never hold a sentence.

use alloc::vec::Vec;

use serde::Serialize;

use super::obstacle::Obstacle;
use crate::model::id::{InstanceId, OperationId};
use crate::model::operation::Cause;
use crate::model::revision::Disruption;
use crate::model::time::Timestamp;
use crate::plan::input::{Mark, RetirementStage};
use crate::plan::memory::Failure;
use crate::plan::output::{Class, PlannedAction, Reason, Report, RolloutReport};

/// An answer to a [`Question`](super::Question).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// About an instance.
    Instance(InstanceAnswer),
    /// There is no such instance in the group: it was never made, or it is gone.
    NoInstance {
        /// The operation that was asked for.
        operation: OperationId,
    },
    /// About the group.
    Group(GroupAnswer),
    /// About the rollout.
    Rollout(RolloutAnswer),
}

/// Why an instance is treated as it is.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::{id::OperationId, time::Timestamp};
/// use tsg_core::plan::output::{Class, Reason, Wait};
/// use tsg_core::plan::why::{InstanceAnswer, Obstacle, Prospect};
///
/// // It has failed its checks for a minute and is restarted once the delay is over.
/// let now = Timestamp::from_millis(1_800_000_000_000);
/// let (since, until) = (now.before(Duration::from_secs(60)), now.after(Duration::from_secs(15)));
/// let answer = InstanceAnswer {
///     operation: OperationId::from_bits(9),
///     instance: None,
///     class: Class::Unhealthy,
///     since,
///     revision: 1,
///     succession: None,
///     prospect: Prospect::Restarts { due_at: Some(until), reason: Reason::Unhealthy { since, restarts: 1 } },
///     obstacles: vec![Obstacle::Wait(Wait::StartDelay { until })],
/// };
/// assert_eq!(answer.until(), Some(until));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceAnswer {
    /// Its operation.
    pub operation: OperationId,
    /// Its machine, once there is one.
    pub instance: Option<InstanceId>,
    /// Where it stands.
    pub class: Class,
    /// Since when, as far as anybody looked.
    pub since: Timestamp,
    /// The revision it is of.
    pub revision: u32,
    /// Whose place it was made to take; `None` when it was made to fill up the capacity.
    pub succession: Option<Succession>,
    /// What becomes of it.
    pub prospect: Prospect,
    /// What keeps that from happening now.
    pub obstacles: Vec<Obstacle>,
}

impl InstanceAnswer {
    /// When the last of what it waits for is over by itself; `None` when that cannot be told, or
    /// when it waits for nothing.
    pub fn until(&self) -> Option<Timestamp> {
        let due_at = match self.prospect {
            Prospect::Restarts { due_at, .. } | Prospect::Replaced { due_at, .. } => due_at,
            Prospect::Returns { until } => until,
            Prospect::Kept { until } => Some(until),
            _ => None,
        };
        let moments = self.obstacles.iter().map(|obstacle| obstacle.until());
        let last = moments.reduce(|one, other| one.zip(other).map(|(one, other)| one.max(other)));
        match last {
            Some(moment) => moment.map(|at| due_at.map_or(at, |due_at| at.max(due_at))),
            None => due_at,
        }
    }
}

/// Whose place an instance was made to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Succession {
    /// The one before it.
    pub predecessor: OperationId,
    /// How many replacements of that slot died young before.
    pub retries: u8,
}

/// What becomes of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Prospect {
    /// The plan takes a step on it now.
    Acted {
        /// The step with its reason.
        planned: PlannedAction,
    },
    /// It is as it should be.
    Stays,
    /// It is on its way up.
    Comes,
    /// It is on its way out.
    Goes {
        /// Why, if that is still known to the planner.
        cause: Option<Cause>,
        /// How far it has come; `None` when it is being deleted.
        stage: Option<RetirementStage>,
    },
    /// It is stopped and kept for a person to look at.
    Kept {
        /// Until when, unless newer ones are kept instead.
        until: Timestamp,
    },
    /// A person said to leave it alone.
    LeftAlone {
        /// What they said.
        mark: Mark,
    },
    /// Nothing may be concluded from what is seen of it, so nothing is done.
    Unresolved,
    /// It is to be started or restarted.
    Restarts {
        /// When; `None` for as soon as it may be.
        due_at: Option<Timestamp>,
        /// Why.
        reason: Reason,
    },
    /// Its compute node is waited for.
    Returns {
        /// Until when; `None` for ever.
        until: Option<Timestamp>,
    },
    /// It is given up and goes when a successor can take its place.
    Replaced {
        /// When; `None` for as soon as it may be.
        due_at: Option<Timestamp>,
        /// Why.
        reason: Reason,
    },
    /// It is dead and deleted as soon as it may be.
    Removed {
        /// Why.
        reason: Reason,
    },
    /// The group has too many, and none of those that go now is this one.
    Surplus {
        /// How many have to go still.
        beyond: u32,
        /// How many are wanted.
        wanted: u32,
    },
    /// The rollout has not come to it yet.
    Changes {
        /// The revision it is to be of.
        to: u32,
        /// What has to be done for that; `None` for a restart that a person asked for.
        disruption: Option<Disruption>,
    },
}

/// Why instances are created, not created or let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupAnswer {
    /// How the group stands, with everything that waits and is blocked.
    pub report: Report,
    /// How many instances are lacking, surge and canaries included.
    pub lacking: u32,
    /// How many of them are created now.
    pub creates: u32,
    /// What keeps the rest of them from being created now.
    pub obstacles: Vec<Obstacle>,
    /// Everything that is done now, with its reason.
    pub steps: Vec<PlannedAction>,
    /// When the group is looked at again although nothing happens before.
    pub looks_again_at: Option<Timestamp>,
}

/// Why the rollout stands where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RolloutAnswer {
    /// Where it stands; `None` when there is none and never was one.
    pub progress: Option<RolloutReport>,
    /// The revision that a failed rollout goes back to; 0 for none.
    pub stable: u32,
    /// What it waits for, and what stops it.
    pub obstacles: Vec<Obstacle>,
    /// What would make it go on; where there are several, each is needed.
    pub ways_on: Vec<WayOn>,
    /// Why it failed, once it did.
    pub failure: Option<Failure>,
    /// The revision that it goes back to because of that, or went; `None` when it stays.
    pub reverts_to: Option<u32>,
}

/// What would make a rollout go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WayOn {
    /// Time.
    Time {
        /// When.
        at: Timestamp,
    },
    /// What is under way: machines that come up, prove themselves or go.
    Progress,
    /// A person who promotes or aborts it.
    Promotion {
        /// The revision.
        revision: u32,
    },
    /// A person who lets it pass a checkpoint.
    Continuation {
        /// Which, from 1.
        number: u8,
    },
    /// A person who lifts the pause.
    Resumption,
    /// A person who lifts the freeze.
    Thaw,
    /// A view of the cloud that can be believed.
    Sight,
    /// Room for one more instance, or a policy that swaps.
    Room {
        /// How many instances there is room for.
        room: u32,
        /// How many it needs.
        needed: u32,
    },
    /// A policy that allows more disruption.
    Permission {
        /// What it needs.
        needed: Disruption,
    },
    /// Another revision.
    Revision,
}
