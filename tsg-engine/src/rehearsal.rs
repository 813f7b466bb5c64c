//! What the engine would do with a group, and with another capacity.
//!
//! Owns the question and its answer. Must never change what is done.

use futures_channel::oneshot::Sender;

use tsg_core::model::id::GroupId;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::fingerprint::PlanId;
use tsg_core::plan::input::View;
use tsg_core::plan::output::{Plan, PlanError};

/// A plan that is made as all others are, and not carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// What would be done.
    pub plan: Plan,
    /// The same for the same steps, whenever they are planned.
    pub id: PlanId,
    /// How good the look at the cloud is that it is made on.
    pub view: View,
    /// When it was made.
    pub at: Timestamp,
}

/// Somebody who wants to know.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) group: GroupId,
    /// `None`: the capacity that it has.
    pub(crate) capacity: Option<u32>,
    pub(crate) answer: Sender<Result<Rehearsal, PlanError>>,
}
