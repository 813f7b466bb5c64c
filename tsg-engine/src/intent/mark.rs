//! What a person says about single instances.
//!
//! Owns the marks. Each is a state that the planner reads; must never touch anything else of an
//! operation.

use thiserror::Error;

use super::group::{is_active, read_group, write};
use super::{ATTEMPTS, Caller, Committed};
use tsg_core::model::audit::AuditEvent;
use tsg_core::model::group::Group;
use tsg_core::model::id::{GroupId, OperationId};
use tsg_core::model::operation::Operation;
use tsg_core::plan::input::{Mark, Marks};
use tsg_core::ports::Store;
use tsg_core::ports::store::StoreError;
use tsg_core::records::kinds::operation_key;
use tsg_core::records::{Transaction, codec};

/// Whether something is said, or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marking {
    /// Said.
    Set(Mark),
    /// Taken back.
    Clear(Mark),
}

impl Marking {
    fn event(self, members: &[OperationId]) -> AuditEvent {
        let (mark, is_set) = match self {
            Self::Set(mark) => (mark, true),
            Self::Clear(mark) => (mark, false),
        };
        AuditEvent::InstancesMarked { mark, is_set, operations: members.to_vec() }
    }

    const fn applied(self, marks: Marks) -> Marks {
        match self {
            Self::Set(mark) => marks.with(mark),
            Self::Clear(mark) => marks.without(mark),
        }
    }
}

/// Why nothing was marked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MarkError {
    /// There is none with that id, or it is being deleted.
    #[error("there is no group {0}")]
    UnknownGroup(GroupId),
    /// It is no member of the group, or not any more.
    #[error("group {group} has no instance {operation}")]
    UnknownMember {
        /// Which group.
        group: GroupId,
        /// Which operation.
        operation: OperationId,
    },
    /// Others kept changing the same records.
    #[error("the instances could not be marked: others change the same records")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Operations marked by one commit at most.
const BATCH: usize = 200;

/// Says something about members of a group, or takes it back. Large numbers take several commits;
/// asked again after a failure, it goes on where it stopped.
///
/// # Errors
/// See [`MarkError`].
pub async fn mark_instances(
    store: &dyn Store,
    caller: &Caller,
    id: GroupId,
    members: &[OperationId],
    marking: Marking,
) -> Result<Group, MarkError> {
    let mut group = None;
    for batch in members.chunks(BATCH) {
        group = Some(mark_batch(store, caller, id, batch, marking).await?);
    }
    match group {
        Some(group) => Ok(group),
        None => {
            let kept = read_group(store, caller, id).await?.filter(is_active);
            kept.map(|group| group.value).ok_or(MarkError::UnknownGroup(id))
        }
    }
}

async fn mark_batch(
    store: &dyn Store,
    caller: &Caller,
    id: GroupId,
    members: &[OperationId],
    marking: Marking,
) -> Result<Group, MarkError> {
    for _ in 0..ATTEMPTS {
        let Some(current) = read_group(store, caller, id).await?.filter(is_active) else {
            return Err(MarkError::UnknownGroup(id));
        };
        let mut next = current.value.clone();
        next.updated_at = caller.now;
        let mut transaction = Transaction::new();
        for operation in members {
            let key = operation_key(id, *operation);
            let read = codec::get::<Operation>(store, caller.account, &key).await?;
            let Some(read) = read.filter(|read| !read.value.phase.is_closed()) else {
                return Err(MarkError::UnknownMember { group: id, operation: *operation });
            };
            let marks = marking.applied(read.value.marks);
            transaction.replace(&read, &Operation { marks, ..read.value.clone() });
        }
        let event = marking.event(members);
        if let Committed::Yes = write(store, caller, &current, &mut next, transaction, event).await? {
            return Ok(next);
        }
    }
    Err(MarkError::Contended)
}
