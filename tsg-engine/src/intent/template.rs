//! Making and deleting templates. Owns that a name is taken once and that a template in use
//! stays; must never change one.

use thiserror::Error;

use super::{ATTEMPTS, Caller, Committed, commit};
use tsg_core::model::group::{Group, LedgerHead, Lifecycle};
use tsg_core::model::id::{GroupId, TemplateId};
use tsg_core::model::name::TemplateName;
use tsg_core::model::policy::UpdateMode;
use tsg_core::model::template::{InvalidTemplate, Template, TemplateSpec};
use tsg_core::ports::Store;
use tsg_core::ports::store::{Scope, StoreError};
use tsg_core::records::kinds::TakenTemplateName;
use tsg_core::records::{Transaction, codec};

/// Why a template was not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CreateTemplateError {
    /// It says something that cannot be kept.
    #[error(transparent)]
    Invalid(#[from] InvalidTemplate),
    /// Another template has the name.
    #[error("the template name {name} is taken by template {by}")]
    NameTaken {
        /// The name.
        name: TemplateName,
        /// Who has it.
        by: TemplateId,
    },
    /// Others kept changing the same records.
    #[error("the template could not be kept: others change the same records")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a template under an id that the caller drew; asking again with the same id and the same
/// content is answered like the first time.
///
/// # Errors
/// See [`CreateTemplateError`].
pub async fn create_template(
    store: &dyn Store,
    caller: &Caller,
    id: TemplateId,
    spec: TemplateSpec,
) -> Result<Template, CreateTemplateError> {
    spec.check()?;
    let template = Template { id, spec, created_at: caller.now };
    for _ in 0..ATTEMPTS {
        let name = &template.spec.name;
        if let Some(taken) = codec::get::<TakenTemplateName>(store, caller.account, name.as_str()).await? {
            return match codec::get::<Template>(store, caller.account, &id.to_string()).await? {
                Some(kept) if taken.value.template == id && kept.value.spec == template.spec => Ok(kept.value),
                _ => Err(CreateTemplateError::NameTaken { name: name.clone(), by: taken.value.template }),
            };
        }
        let mut transaction = Transaction::new();
        transaction.insert(caller.account, &template);
        transaction.insert(caller.account, &TakenTemplateName { name: name.clone(), template: id });
        if let Committed::Yes = commit(store, transaction).await? {
            return Ok(template);
        }
    }
    Err(CreateTemplateError::Contended)
}

/// Why a template was not deleted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeleteTemplateError {
    /// There is none with that id.
    #[error("there is no template {0}")]
    UnknownTemplate(TemplateId),
    /// A group that is not being deleted is made from it, or would go back to it if the rollout
    /// under way failed.
    #[error("template {template} is in use by group {group}")]
    InUse {
        /// Which template.
        template: TemplateId,
        /// The first group that uses it.
        group: GroupId,
    },
    /// Others kept changing the same records.
    #[error("the template could not be deleted: others change the same records")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Deletes a template that no group uses.
///
/// # Errors
/// See [`DeleteTemplateError`].
pub async fn delete_template(store: &dyn Store, caller: &Caller, id: TemplateId) -> Result<(), DeleteTemplateError> {
    for _ in 0..ATTEMPTS {
        let Some(template) = codec::get::<Template>(store, caller.account, &id.to_string()).await? else {
            return Err(DeleteTemplateError::UnknownTemplate(id));
        };
        // Whoever puts a template to use writes its record anew, so a group that comes in after
        // this scan makes the commit below fail.
        if let Some(group) = first_user(store, caller, id).await? {
            return Err(DeleteTemplateError::InUse { template: id, group });
        }
        let mut transaction = Transaction::new();
        transaction.remove(&template);
        let name = template.value.spec.name.as_str();
        if let Some(taken) = codec::get::<TakenTemplateName>(store, caller.account, name).await? {
            transaction.remove(&taken);
        }
        if let Committed::Yes = commit(store, transaction).await? {
            return Ok(());
        }
    }
    Err(DeleteTemplateError::Contended)
}

async fn first_user(store: &dyn Store, caller: &Caller, id: TemplateId) -> Result<Option<GroupId>, StoreError> {
    let groups = codec::all::<Group>(store, Scope::Account(caller.account), "").await?;
    for group in groups.iter().map(|group| &group.value).filter(|group| group.lifecycle == Lifecycle::Active) {
        if group.template == id || is_way_back(store, caller, group, id).await? {
            return Ok(Some(group.id));
        }
    }
    Ok(None)
}

/// Whether a rollout that fails would go back to this template.
async fn is_way_back(store: &dyn Store, caller: &Caller, group: &Group, id: TemplateId) -> Result<bool, StoreError> {
    let numbers = group.revisions.entries().iter().filter(|entry| entry.template == id).map(|entry| entry.number);
    let numbers: Vec<u32> = numbers.collect();
    if numbers.is_empty() || group.policy.update.mode == UpdateMode::OnCreate {
        return Ok(false);
    }
    let head = codec::get::<LedgerHead>(store, caller.account, &group.id.to_string()).await?;
    let stable = head.map_or(0, |head| head.value.memory.rollout.stable);
    Ok(numbers.contains(&stable))
}
