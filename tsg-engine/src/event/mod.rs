//! What the engine saw and decided, told as it happens.
//!
//! Owns what there is to tell, with ids and numbers. What was asked of the cloud, and who asked, is
//! the audit's. Must never hold a sentence, and never be read by the engine to decide anything.

pub(crate) mod compare;

use tsg_core::health::discovery::{Alarm, ListedAs, Why};
use tsg_core::health::fact::Failure;
use tsg_core::model::group::Group;
use tsg_core::model::id::{ComputeNodeId, GroupId, InstanceId, OperationId};
use tsg_core::model::name::GroupName;
use tsg_core::model::operation::Operation;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::{NodeState, Verdict};
use tsg_core::plan::memory::{self, RolloutState, Suspension};
use tsg_core::plan::output::Reason;
use tsg_core::storm::holds::Hold;

use crate::board::MemberView;

/// Is told what happens, in order. Must never wait: the engine does nothing else meanwhile.
pub trait Witness: Send + Sync {
    /// Something happened.
    fn note(&self, event: Event);
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it was noticed.
    pub at: Timestamp,
    /// In which group; `None` where it is none's alone.
    pub group: Option<Place>,
    /// What.
    pub what: Occurrence,
}

/// A group in which something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its id.
    pub group: GroupId,
    /// What it was called.
    pub name: GroupName,
}

/// Whom it happened to. It may be gone when it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The operation.
    pub operation: OperationId,
    /// The machine, once known.
    pub instance: Option<InstanceId>,
    /// What it was called.
    pub name: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occurrence {
    /// Something else is believed of an instance.
    Judged {
        /// Of which.
        of: Subject,
        /// What was believed; `None` if nobody had looked.
        from: Option<Verdict>,
        /// What is believed now.
        to: Verdict,
        /// The check that fails, if one does.
        check: Option<FailedCheck>,
    },
    /// Discovery is told to answer with an instance from now on, or not to.
    Listed {
        /// With which.
        of: Subject,
        /// What becomes of it.
        to: ListedAs,
        /// Why.
        why: Why,
    },
    /// A repair begins.
    Repaired {
        /// Of which.
        of: Subject,
        /// What is done.
        by: Repair,
        /// The planner's reason.
        reason: Reason,
    },
    /// Repair is held, or a part of it.
    HoldBegan(Held),
    /// It is not held by that any more.
    HoldEnded(Held),
    /// Instances stay listed although they are not ready.
    AlarmRaised(Alarm),
    /// None does for that reason any more.
    AlarmOver(Alarm),
    /// A compute node stands otherwise.
    Node {
        /// Which.
        node: ComputeNodeId,
        /// How; `None`: it is well again, or nothing of the account is there.
        state: Option<NodeState>,
    },
    /// A rollout goes on.
    Rollout {
        /// To which revision.
        target: u32,
        /// Where it stands.
        state: RolloutState,
        /// Why it failed, once it did.
        failure: Option<memory::Failure>,
    },
}

/// A check that an instance fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCheck {
    /// What it is called in its group.
    pub name: String,
    /// Why it fails.
    pub failure: Failure,
}

/// How something is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// It is started.
    Start,
    /// It is restarted.
    Restart,
    /// Another one is made for its place.
    Replace,
    /// It goes.
    Remove,
}

/// What holds repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// `max_unhealthy`.
    TooManyUnhealthy {
        /// How many are.
        unhealthy: u32,
        /// How many may be.
        limit: u32,
    },
    /// Replacing was given up, but for a probe now and then.
    Suspended(Suspension),
    /// Something beyond the group.
    Beyond(Hold),
}

impl Occurrence {
    /// Which instance it happened to; `None` of what is no instance's alone.
    pub const fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Judged { of, .. } | Self::Listed { of, .. } | Self::Repaired { of, .. } => Some(of),
            Self::HoldBegan(_)
            | Self::HoldEnded(_)
            | Self::AlarmRaised(_)
            | Self::AlarmOver(_)
            | Self::Node { .. }
            | Self::Rollout { .. } => None,
        }
    }
}

impl Held {
    /// Whether it is the same hold, be it with other numbers.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        use core::mem::discriminant;
        match (self, other) {
            (Self::Beyond(one), Self::Beyond(other)) => {
                one.scope == other.scope && discriminant(&one.cause) == discriminant(&other.cause)
            }
            _ => discriminant(self) == discriminant(other),
        }
    }
}

impl Place {
    pub(crate) fn of(group: &Group) -> Self {
        Self { group: group.id, name: group.name.clone() }
    }
}

impl From<&MemberView> for Subject {
    fn from(member: &MemberView) -> Self {
        Self { operation: member.operation, instance: member.instance, name: member.name.clone() }
    }
}

impl From<&Operation> for Subject {
    fn from(operation: &Operation) -> Self {
        Self { operation: operation.id, instance: operation.instance, name: operation.name.clone() }
    }
}
