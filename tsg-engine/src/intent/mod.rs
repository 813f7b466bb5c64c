//! The user's intent: the only code that writes templates and groups on a user's behalf.
//!
//! Owns one commit for each operation: the record, its name, and for a group the audit entry and
//! the ledger head. Must never talk to the cloud; the engine sees the new intent and acts on it.

mod change;
mod group;
mod mark;
mod order;
mod template;

use tsg_core::model::audit::Actor;
use tsg_core::model::id::AccountId;
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Store;
use tsg_core::ports::store::{CommitError, Key, Kind, Put, StoreError};
use tsg_core::records::Transaction;

pub use change::{BlockChange, ChangeGroupError, GroupChange, change_group};
pub use group::{
    CreateGroupError, DeleteGroupError, FreezeGroupError, NewGroup, create_group, delete_group, freeze_group,
    unfreeze_group,
};
pub use mark::{MarkError, Marking, mark_instances};
pub use order::{Order, OrderError, give_order};
pub use template::{CreateTemplateError, DeleteTemplateError, create_template, delete_template};

/// Who asks, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// In whose account.
    pub account: AccountId,
    /// Who, for the audit.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}

/// How often an intent is worked out anew after somebody else changed what it was based on.
/// Each repetition means that another writer got through, so five in a row are not chance.
const ATTEMPTS: u32 = 5;

/// What a commit of intent came to.
enum Committed {
    /// It is durable.
    Yes,
    /// Nothing of it was written, and what it was based on may have changed.
    No,
}

/// Commits once. An ambiguous commit is read back by what only this commit can have written: its
/// audit entry, which nobody ever changes, or else its first record.
async fn commit(store: &dyn Store, transaction: Transaction) -> Result<Committed, StoreError> {
    let commit = transaction.into_commit();
    let proof = commit.puts.iter().find(|put| put.key.kind == Kind::Audit).or(commit.puts.first()).cloned();
    let removed = commit.deletes.first().cloned();
    match store.commit(commit).await {
        Ok(_) => Ok(Committed::Yes),
        Err(CommitError::Conflict { .. }) => Ok(Committed::No),
        Err(CommitError::Store(error)) => Err(error),
        Err(CommitError::Ambiguous { .. }) => has_happened(store, proof.as_ref(), removed.as_ref()).await,
    }
}

async fn has_happened(store: &dyn Store, proof: Option<&Put>, removed: Option<&Key>) -> Result<Committed, StoreError> {
    let happened = match (proof, removed) {
        (Some(put), _) => store.get(&put.key).await?.is_some_and(|record| record.value == put.value),
        (None, Some(key)) => store.get(key).await?.is_none(),
        (None, None) => true,
    };
    Ok(if happened { Committed::Yes } else { Committed::No })
}
