//! How a group stands and what keeps it from standing better. Owns the report's shapes, with ids
//! and numbers; must never hold a sentence.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::class::ClassCounts;
use crate::model::revision::Disruption;
use crate::model::time::Timestamp;
use crate::plan::input::{RepairHold, ViewTrust};
use crate::plan::memory::{Backoff, Course, Failure, Suspension};

/// How the group stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupStatus {
    /// As many serving members as wanted, nothing to do and nothing under way.
    Converged,
    /// On its way there.
    Converging,
    /// On its way there, but something that has to change first holds it up; see the blocks.
    Blocked,
    /// Stopped by a safety rule.
    Held,
    /// Stopped by a person.
    Frozen,
    /// Being torn down.
    Deleting,
    /// Torn down: the group can be forgotten.
    Deleted,
}

/// Something that will pass by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// For the answers to creates.
    Answers {
        /// How many.
        count: u32,
    },
    /// For evidence about creates that nobody knows about.
    Evidence {
        /// How many.
        count: u32,
    },
    /// For planned creates to be sent.
    Dispatch {
        /// How many.
        count: u32,
    },
    /// For machines to come up.
    Provisioning {
        /// How many.
        count: u32,
    },
    /// For discovery to answer with machines that are well.
    Listing {
        /// How many.
        count: u32,
    },
    /// For machines to be destroyed.
    Destruction {
        /// How many.
        count: u32,
    },
    /// For proof that machines which no list shows are gone.
    Absence {
        /// How many.
        count: u32,
    },
    /// For machines on their way to stopped; they are started once they are there.
    Stopping {
        /// How many.
        count: u32,
    },
    /// For slots that members still occupy until their end is proved.
    Slots {
        /// How many creates wait.
        count: u32,
    },
    /// For the slow start to open.
    Window {
        /// How many creates wait.
        count: u32,
        /// How wide it is.
        window: u32,
    },
    /// For the next start or restart of members that are down.
    StartDelay {
        /// Until when the first of them waits.
        until: Timestamp,
    },
    /// For budgets shared with other groups.
    Budget {
        /// How many steps wait.
        count: u32,
    },
    /// For new members to have been healthy long enough to count.
    Proving {
        /// How many.
        count: u32,
        /// When the first of them counts.
        until: Timestamp,
    },
    /// For members that are being drained or shut down.
    Retirement {
        /// How many.
        count: u32,
    },
    /// For members that are drained or shut down because the group shrinks, before more are.
    Turns {
        /// How many removals wait.
        count: u32,
        /// How many are under way at once at most.
        at_once: u32,
    },
    /// For members that should not go yet: they are busy, or were adopted a short while ago.
    Spared {
        /// How many removals wait.
        count: u32,
        /// Until when the first of them is spared.
        until: Timestamp,
    },
    /// For the delay before members that are given up are replaced.
    ReplaceDelay {
        /// Until when the first of them waits.
        until: Timestamp,
    },
    /// For repairs under way, before more are begun.
    RepairsInFlight {
        /// How many members wait.
        count: u32,
        /// How many are repaired at once at most.
        limit: u32,
    },
    /// For members that are coming up for other reasons, before anything is repaired.
    Siblings {
        /// How many come up.
        count: u32,
    },
    /// For a silent compute node to come back by itself.
    NodeGrace {
        /// How many members are on it.
        count: u32,
        /// Until when the first of them waits.
        until: Timestamp,
    },
    /// For the availability floor: another serving member has to come first.
    Availability {
        /// How many steps wait.
        count: u32,
        /// The floor.
        floor: u32,
    },
    /// For a maintenance window to open.
    Maintenance {
        /// When it opens; `None` when none ever does.
        until: Option<Timestamp>,
    },
    /// For a checkpoint's delay to pass.
    Checkpoint {
        /// Which, from 1.
        number: u8,
        /// Until when.
        until: Timestamp,
    },
    /// For the bake time to pass.
    Baking {
        /// Until when.
        until: Timestamp,
    },
}

/// Something that has to change before the group can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A person has stopped the group.
    Frozen,
    /// Creates were refused; one is tried again then.
    CreatesRefused(Backoff),
    /// Nothing may be concluded from the view.
    View(ViewTrust),
    /// A member that should go is protected against deletion, or held by a person.
    Protected {
        /// How many of them.
        count: u32,
    },
    /// Members are out of contact and not proved gone.
    OutOfContact {
        /// How many.
        count: u32,
    },
    /// Members fail, and the policy, or a person, says to leave them.
    Unhealthy {
        /// How many.
        count: u32,
    },
    /// Machines that carry this group's operations but are not members of it take up slots, or
    /// keep the group from being forgotten.
    Orphans {
        /// How many.
        count: u32,
    },
    /// Too many members are unhealthy for anything to be replaced.
    TooManyUnhealthy {
        /// How many are.
        unhealthy: u32,
        /// How many may be.
        limit: u32,
        /// Since when.
        since: Timestamp,
    },
    /// Nobody may repair anything just now.
    RepairsHeld(RepairHold),
    /// Replacing has been given up, but for one probe now and then.
    RepairsSuspended(Suspension),
    /// Members on a lost compute node are not replaced, since they could come back as a second
    /// one of the same identity.
    IdentityAtRisk {
        /// How many.
        count: u32,
        /// The compute node of the first.
        node: u32,
    },
    /// A person paused the rollout.
    Paused,
    /// The canaries are good; a person has to promote or abort.
    AwaitsPromotion {
        /// The revision.
        revision: u32,
    },
    /// The rollout stands at a checkpoint until a person lets it go on.
    AwaitsContinue {
        /// Which checkpoint, from 1.
        number: u8,
    },
    /// The rollout failed and nothing more is done about it.
    RolloutFailed {
        /// The revision.
        revision: u32,
        /// Why.
        failure: Failure,
        /// What the group was moved back to; 0 when it stays as it is.
        reverted_to: u32,
    },
    /// The rollout needs one instance more for a while, and there is no room for it.
    NoRoomForSurge {
        /// How many instances there is room for.
        room: u32,
        /// How many it needs.
        needed: u32,
    },
    /// The change needs more disruption than the policy allows.
    DisruptionCapped {
        /// What it needs.
        needed: Disruption,
        /// What is allowed.
        allowed: Disruption,
    },
}

/// Where the rollout stands, beside the state that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutReport {
    /// What is remembered of it.
    pub course: Course,
    /// Members that need no change any more.
    pub changed: u32,
    /// Of those, available ones.
    pub available: u32,
    /// Members that still have to change.
    pub remaining: u32,
}

/// Why the plan is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How the group stands.
    pub status: GroupStatus,
    /// How many instances are wanted.
    pub wanted: u32,
    /// Where the members stand.
    pub counts: ClassCounts,
    /// How many members are of another revision than the wanted one.
    pub old_revision: u32,
    /// Where the rollout stands, if there is or was one.
    pub rollout: Option<RolloutReport>,
    /// What will pass by itself.
    pub waits: Vec<Wait>,
    /// What has to change.
    pub blocks: Vec<Block>,
}
