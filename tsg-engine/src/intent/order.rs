//! What a person tells a rollout or the repair of a group to do.
//!
//! Owns the orders as states: one given twice means the same. Must never do what was ordered; the
//! planner reads it and does.

use thiserror::Error;

use super::group::{is_active, read_group, write};
use super::{ATTEMPTS, Caller, Committed};
use tsg_core::model::audit::AuditEvent;
use tsg_core::model::group::{Group, LedgerHead};
use tsg_core::model::id::GroupId;
use tsg_core::plan::input::Orders;
use tsg_core::plan::memory::{Course, RolloutState};
use tsg_core::ports::Store;
use tsg_core::ports::store::StoreError;
use tsg_core::records::{Transaction, codec};

/// What a person orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Replace nothing until told to continue; the capacity is kept.
    Pause,
    /// Go on: after a pause, or past the checkpoint that the rollout waits at.
    Continue,
    /// The canaries are good: go on with everybody.
    Promote,
    /// Give the rollout up.
    Abort,
    /// Repair again, although repairs were suspended.
    ResumeRepairs,
    /// So many may be condemned at once although the group is held; 0 withdraws it.
    AllowRepairs {
        /// How many.
        instances: u32,
    },
    /// So many are handled at once when instances are asked to be replaced or restarted; 0: as
    /// the update policy says.
    HandleAtOnce {
        /// How many.
        instances: u32,
    },
}

/// Why an order was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OrderError {
    /// There is none with that id, or it is being deleted.
    #[error("there is no group {0}")]
    UnknownGroup(GroupId),
    /// Nothing is rolled out just now.
    #[error("no rollout of group {0} is under way")]
    NoRollout(GroupId),
    /// Others kept changing the same records.
    #[error("the order could not be kept: others change the same records")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives an order to a group's rollout or repair.
///
/// # Errors
/// See [`OrderError`].
pub async fn give_order(store: &dyn Store, caller: &Caller, id: GroupId, order: Order) -> Result<Group, OrderError> {
    for _ in 0..ATTEMPTS {
        let Some(current) = read_group(store, caller, id).await?.filter(is_active) else {
            return Err(OrderError::UnknownGroup(id));
        };
        let head = codec::get::<LedgerHead>(store, caller.account, &id.to_string()).await?;
        let course = head.and_then(|head| head.value.memory.rollout.course);
        let mut next = current.value.clone();
        next.updated_at = caller.now;
        next.orders = given(&current.value, course, caller, order)?;
        let event = AuditEvent::GroupChanged {
            capacity_before: next.capacity,
            capacity: next.capacity,
            revision: next.revision,
        };
        if let Committed::Yes = write(store, caller, &current, &mut next, Transaction::new(), event).await? {
            return Ok(next);
        }
    }
    Err(OrderError::Contended)
}

/// The standing orders with one more.
fn given(group: &Group, course: Option<Course>, caller: &Caller, order: Order) -> Result<Orders, OrderError> {
    let (orders, revision) = (group.orders, group.revision);
    let under_way = || {
        let course = course.filter(|course| course.target == revision && !course.state.is_over());
        course.ok_or(OrderError::NoRollout(group.id))
    };
    Ok(match order {
        Order::Pause => Orders { is_paused: true, ..orders },
        Order::Continue if orders.is_paused => Orders { is_paused: false, ..orders },
        Order::Continue => match under_way()? {
            Course { state: RolloutState::Checkpoint, checkpoints, .. } => {
                Orders { continued: revision, checkpoints: checkpoints.saturating_add(1), ..orders }
            }
            _ => orders,
        },
        Order::Promote => under_way().map(|_| Orders { promoted: revision, ..orders })?,
        Order::Abort => under_way().map(|_| Orders { aborted: revision, ..orders })?,
        Order::ResumeRepairs => Orders { repairs_resumed_at: caller.now, ..orders },
        Order::AllowRepairs { instances } => Orders { repairs_allowed: instances, ..orders },
        Order::HandleAtOnce { instances } => Orders { width: instances, ..orders },
    })
}
