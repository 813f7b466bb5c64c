//! Why a group or one of its instances stands as it does.
//!
//! Owns the question and its answer. Must never hold a sentence, nor change what is done.

use tsg_core::model::id::OperationId;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::why::Answer;

/// What is to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A group and its rollout.
    Group,
    /// One of its instances.
    Instance(OperationId),
}

/// Answers drawn from the plan that would be made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Of a group two, it and its rollout; of an instance one.
    pub answers: Vec<Answer>,
    /// Operations that were planned to take an instance's place, oldest first.
    pub successors: Vec<OperationId>,
    /// When this was put together.
    pub at: Timestamp,
}
