//! The steps of a plan. Owns what can be done to an instance; must never say why.

use serde::{Deserialize, Serialize};

use super::reason::Reason;
use crate::model::id::{InstanceId, OperationId};
use crate::model::operation::Phase;
use crate::model::revision::Disruption;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Restart a running instance.
    Restart {
        /// Its operation.
        operation: OperationId,
        /// The instance.
        instance: InstanceId,
    },
    /// Take an instance out of discovery and tell it to finish; the first stage of a removal.
    Drain {
        /// Its operation.
        operation: OperationId,
        /// The instance.
        instance: InstanceId,
    },
    /// Shut an instance down; the second stage of a removal.
    Stop {
        /// Its operation.
        operation: OperationId,
        /// The instance.
        instance: InstanceId,
    },
    /// Keep a stopped instance outside of the capacity; the end of a removal that preserves.
    Keep {
        /// Its operation.
        operation: OperationId,
        /// The instance.
        instance: InstanceId,
    },
    /// Turn an instance into one of another revision without replacing it.
    Update {
        /// Its operation.
        operation: OperationId,
        /// The instance.
        instance: InstanceId,
        /// The revision it becomes one of.
        revision: u32,
        /// What has to be done for that; never [`Disruption::Replace`].
        disruption: Disruption,
    },
}

impl Action {
    /// The operation that the step is about.
    ///
    /// ```
    /// use tsg_core::model::id::OperationId;
    /// use tsg_core::plan::output::Action;
    ///
    /// let operation = OperationId::from_bits(9);
    /// assert_eq!(Action::Create { operation, revision: 2 }.operation(), operation);
    /// ```
    pub const fn operation(&self) -> OperationId {
        match *self {
            Self::Create { operation, .. }
            | Self::Cancel { operation }
            | Self::Delete { operation, .. }
            | Self::Start { operation, .. }
            | Self::Restart { operation, .. }
            | Self::Drain { operation, .. }
            | Self::Stop { operation, .. }
            | Self::Keep { operation, .. }
            | Self::Update { operation, .. } => operation,
        }
    }
}

/// Where a new operation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The new operation.
    pub operation: OperationId,
    /// The member it is to take the place of.
    pub replaces: Option<OperationId>,
    /// What its [`Lineage`](crate::plan::input::Lineage) begins with.
    pub retries: u8,
    /// Its place in a group with ordinal identity.
    pub ordinal: Option<u32>,
    /// Compute nodes to avoid, if another will do: those that its predecessors died on.
    pub avoid: [Option<u32>; 2],
}
