//! What the planner returns: actions, memory, a typed report and a wake-up.
//!
//! Owns the shapes that the engine executes and that people read. Must never hold a sentence;
//! text is rendered from the types.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::input::ViewTrust;
use super::memory::{Backoff, PlanMemory};
use crate::model::id::{InstanceId, OperationId};
use crate::model::operation::{Cause, Phase};
use crate::model::time::Timestamp;

/// What should be done about a group now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The steps, in the order to take them.
    pub actions: Vec<PlannedAction>,
    /// What to remember, when it changed.
    pub memory: Option<PlanMemory>,
    /// Why, and what waits.
    pub report: Report,
    /// When to plan again if nothing happens before.
    pub next_wakeup: Option<Timestamp>,
}

/// One step with its precondition and its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PlannedAction {
    /// What to do.
    pub action: Action,
    /// The phase the operation must still be in; `None` for a new one.
    pub expects: Option<Phase>,
    /// Why.
    pub reason: Reason,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Plan a new operation for this revision.
    Create {
        /// The new operation's id.
        operation: OperationId,
        /// The revision to make it from.
        revision: u32,
    },
    /// Give up an operation that was not sent yet.
    Cancel {
        /// Which.
        operation: OperationId,
    },
    /// Delete an instance.
    Delete {
        /// Its operation.
        operation: OperationId,
        /// The instance.
        instance: InstanceId,
    },
    /// Start a stopped instance.
    Start {
        /// Its operation.
        operation: OperationId,
        /// The instance.
        instance: InstanceId,
    },
}

/// Why a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The group has fewer members than it should.
    BelowCapacity {
        /// How many it has.
        occupied: u32,
        /// How many it should have.
        wanted: u32,
    },
    /// The group has more members than it should; this one goes first because of `rank`.
    AboveCapacity {
        /// How many it has.
        occupied: u32,
        /// How many it should have.
        wanted: u32,
        /// What decided that this one goes.
        rank: VictimRank,
    },
    /// The group is being deleted.
    TearDown,
    /// Its provisioning failed.
    ProvisioningFailed,
    /// It has been provisioning longer than is legitimate.
    ProvisioningOverdue {
        /// Since when.
        since: Timestamp,
    },
    /// It is stopped.
    Stopped {
        /// Start requests so far.
        starts: u8,
    },
    /// It would not start.
    WouldNotStart {
        /// Start requests so far.
        starts: u8,
    },
}

impl Reason {
    /// The cause to record with an operation or its delete.
    pub const fn cause(self) -> Cause {
        match self {
            Self::BelowCapacity { .. } => Cause::Capacity,
            Self::AboveCapacity { .. } => Cause::ScaleIn,
            Self::TearDown => Cause::TearDown,
            Self::ProvisioningFailed
            | Self::ProvisioningOverdue { .. }
            | Self::Stopped { .. }
            | Self::WouldNotStart { .. } => Cause::Repair,
        }
    }
}

/// What decides who goes first in a scale-in; earlier variants go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VictimRank {
    /// Not sent yet: costs nothing.
    Unsent,
    /// Failed, stopped, or never came up.
    Broken,
    /// Unhealthy.
    Unhealthy,
    /// Missing or on a compute node that is out of contact.
    OutOfContact,
    /// Still being provisioned.
    Starting,
    /// Not of the newest revision.
    OldRevision,
    /// On the fullest compute node.
    Crowded,
    /// The oldest.
    Oldest,
}

/// Where every member stands: exactly one class each, first match wins, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Class {
    /// Being deleted.
    Leaving,
    /// Planned, not sent.
    Intended,
    /// Sent, no answer yet.
    Requested,
    /// Nobody knows whether it was made.
    InDoubt,
    /// Its provisioning failed.
    Failed,
    /// Not in the last complete list, nothing proved.
    Missing,
    /// Out of contact, or in a state this version does not know.
    OutOfContact,
    /// Provisioning for longer than is legitimate.
    Overdue,
    /// Provisioning.
    Starting,
    /// Stopped or stopping.
    Stopped,
    /// Running but unhealthy.
    Unhealthy,
    /// Running.
    Serving,
}

impl Class {
    /// How many classes there are.
    pub const COUNT: usize = 12;

    /// All of them, in order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Leaving,
        Self::Intended,
        Self::Requested,
        Self::InDoubt,
        Self::Failed,
        Self::Missing,
        Self::OutOfContact,
        Self::Overdue,
        Self::Starting,
        Self::Stopped,
        Self::Unhealthy,
        Self::Serving,
    ];
}

/// How many members each class has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClassCounts(pub [u32; Class::COUNT]);

impl ClassCounts {
    /// How many members a class has.
    pub const fn of(&self, class: Class) -> u32 {
        self.0[class as usize]
    }

    /// All members.
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl VictimRank {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Unsent,
        Self::Broken,
        Self::Unhealthy,
        Self::OutOfContact,
        Self::Starting,
        Self::OldRevision,
        Self::Crowded,
        Self::Oldest,
    ];
}

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
    /// For the next start of stopped machines.
    StartDelay {
        /// Until when the first of them waits.
        until: Timestamp,
    },
    /// For budgets shared with other groups.
    Budget {
        /// How many steps wait.
        count: u32,
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
    /// A member that should go is protected against deletion.
    Protected {
        /// How many of them.
        count: u32,
    },
    /// Members are out of contact and not proved gone.
    OutOfContact {
        /// How many.
        count: u32,
    },
    /// Members fail their health policy; nothing replaces a running machine by itself.
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
    /// How many members are of an older revision.
    pub old_revision: u32,
    /// What will pass by itself.
    pub waits: Vec<Wait>,
    /// What has to change.
    pub blocks: Vec<Block>,
}

/// An input that contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Two members are the same operation.
    #[error("operation {0} is given twice")]
    TwiceTheSame(OperationId),
    /// A member's operation is closed.
    #[error("operation {0} is closed and cannot be a member")]
    Closed(OperationId),
    /// A member is bound but its machine is not given.
    #[error("operation {0} is bound to no machine")]
    Unbound(OperationId),
    /// More members than a plan can number.
    #[error("a group of {given} members cannot be planned; at most {MEMBERS_MAX} can")]
    TooMany {
        /// How many were given.
        given: usize,
    },
    /// The seed was used before: it gives the id of an operation that exists.
    #[error("the seed was used before: it gives operation {0} again")]
    SeedReused(OperationId),
    /// The finished plan breaks a rule that no plan may break. Nothing of it may be carried out.
    #[error("the plan breaks a rule: {0}")]
    Broken(Rule),
}

/// Most members one plan can number: 16 GiB of them.
pub const MEMBERS_MAX: usize = 1 << 28;

/// What no plan may do, whatever its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Rule {
    /// Act on a group that a person has stopped, or on a view that proves nothing.
    #[error("nothing is done to a frozen group or on a view that is not trusted")]
    ActsOnlyWhenAllowed,
    /// Create beyond capacity and surge.
    #[error("creates never exceed capacity and surge")]
    CreatesWithinCapacity,
    /// Take two steps on one operation.
    #[error("an operation is acted on once at most")]
    OneStepEach,
    /// Delete a member that is protected, in doubt or already on its way out.
    #[error("a member that is protected, in doubt or leaving is not deleted")]
    DeletesOnlyKnown,
    /// Do more of something than its budget.
    #[error("budgets are kept")]
    WithinBudget,
}
