//! Making, freezing and deleting groups. Owns that each is one commit with its audit
//! entry; must never touch an operation.

use thiserror::Error;

use super::{ATTEMPTS, Caller, Committed, commit};
use tsg_core::health::invalid::InvalidHealth;
use tsg_core::health::spec::HealthSpec;
use tsg_core::model::audit::AuditEvent;
use tsg_core::model::group::{Freeze, Group, LedgerHead, Lifecycle};
use tsg_core::model::id::{GroupId, TemplateId};
use tsg_core::model::name::GroupName;
use tsg_core::model::policy::{InvalidPolicy, Policy};
use tsg_core::model::revision::RevisionLog;
use tsg_core::model::template::{Template, TemplateSpec};
use tsg_core::placement::rule::{InvalidPlacement, PlacementSpec};
use tsg_core::plan::input::Orders;
use tsg_core::ports::Store;
use tsg_core::ports::store::{Revision, StoreError};
use tsg_core::records::codec::Versioned;
use tsg_core::records::kinds::TakenGroupName;
use tsg_core::records::{Transaction, codec};

/// A group to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// The id, drawn by the caller.
    pub id: GroupId,
    /// The name.
    pub name: GroupName,
    /// What its instances are made from.
    pub template: TemplateId,
    /// How many instances.
    pub capacity: u32,
    /// How it is updated, repaired and scaled.
    pub policy: Box<Policy>,
    /// Where they may go, instead of what their template says of it.
    pub placement: Option<Box<PlacementSpec>>,
    /// How it is known whether one is well.
    pub health: Option<Box<HealthSpec>>,
}

/// Why a group was not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CreateGroupError {
    /// Another group has the name.
    #[error("the group name {name} is taken by group {by}")]
    NameTaken {
        /// The name.
        name: GroupName,
        /// Who has it.
        by: GroupId,
    },
    /// There is no such template.
    #[error("there is no template {0}")]
    UnknownTemplate(TemplateId),
    /// Its policy breaks a rule.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    /// Its placement cannot be kept.
    #[error(transparent)]
    Placement(#[from] InvalidPlacement),
    /// Its checks contradict one another.
    #[error(transparent)]
    Health(#[from] InvalidHealth),
    /// Others kept changing the same records.
    #[error("the group could not be kept: others change the same records")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a group under an id that the caller drew; asking again with the same id is answered
/// like the first time.
///
/// # Errors
/// See [`CreateGroupError`].
pub async fn create_group(store: &dyn Store, caller: &Caller, new: &NewGroup) -> Result<Group, CreateGroupError> {
    new.policy.check()?;
    new.placement.as_deref().map_or(Ok(()), PlacementSpec::check)?;
    if let Some(health) = &new.health {
        health.check()?;
        health.check_against(new.policy.update.healthy_deadline)?;
    }
    for _ in 0..ATTEMPTS {
        if let Some(taken) = codec::get::<TakenGroupName>(store, caller.account, new.name.as_str()).await? {
            if taken.value.group == new.id
                && let Some(kept) = read_group(store, caller, new.id).await?
            {
                return Ok(kept.value);
            }
            return Err(CreateGroupError::NameTaken { name: new.name.clone(), by: taken.value.group });
        }
        let Some(template) = read_template(store, caller, new.template).await? else {
            return Err(CreateGroupError::UnknownTemplate(new.template));
        };
        new.health.as_deref().map_or(Ok(()), |health| health.check_beside(&template.value.spec))?;
        let group = first_row(caller, new, &template.value.spec);
        let mut head = LedgerHead::new(new.id);
        let event = AuditEvent::GroupCreated { capacity: new.capacity };
        let entry = head.append(caller.now, caller.actor.clone(), event);
        let mut transaction = Transaction::new();
        transaction.insert(caller.account, &group);
        transaction.insert(caller.account, &TakenGroupName { name: new.name.clone(), group: new.id });
        transaction.insert(caller.account, &head);
        transaction.insert(caller.account, &entry);
        put_to_use(&mut transaction, &template);
        if let Committed::Yes = commit(store, transaction).await? {
            return Ok(group);
        }
    }
    Err(CreateGroupError::Contended)
}

fn first_row(caller: &Caller, new: &NewGroup, spec: &TemplateSpec) -> Group {
    Group {
        id: new.id,
        name: new.name.clone(),
        template: new.template,
        revision: 1,
        capacity: new.capacity,
        lifecycle: Lifecycle::Active,
        freeze: None,
        freeze_epoch: 0,
        created_at: caller.now,
        updated_at: caller.now,
        policy: new.policy.clone(),
        revisions: RevisionLog::beginning_at(1, new.template, spec, caller.now),
        orders: Orders::default(),
        placement: new.placement.clone(),
        health: new.health.clone(),
    }
}

/// Writes a template's record as it is, so that deleting it at the same moment fails.
pub(super) fn put_to_use(transaction: &mut Transaction, template: &Versioned<Template>) {
    transaction.replace(template, &template.value);
}

/// Why a group was not deleted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeleteGroupError {
    /// There is none with that id.
    #[error("there is no group {0}")]
    UnknownGroup(GroupId),
    /// It was changed since the version that the caller asked for.
    #[error("group {group} has changed in the meantime")]
    Changed {
        /// Which group.
        group: GroupId,
        /// Its version now.
        now_at: Revision,
    },
    /// Others kept changing the same records.
    #[error("the group could not be deleted: others change the same records")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Begins to tear a group down: its name is free at once, its instances are deleted by the
/// engine. Deleting it again is answered like the first time. With `only_at` it is deleted only
/// if its record is still at that version.
///
/// # Errors
/// See [`DeleteGroupError`].
pub async fn delete_group(
    store: &dyn Store,
    caller: &Caller,
    id: GroupId,
    only_at: Option<Revision>,
) -> Result<Group, DeleteGroupError> {
    for _ in 0..ATTEMPTS {
        let Some(current) = read_group(store, caller, id).await? else {
            return Err(DeleteGroupError::UnknownGroup(id));
        };
        if only_at.is_some_and(|version| version != current.version) {
            return Err(DeleteGroupError::Changed { group: id, now_at: current.version });
        }
        if !is_active(&current) {
            return Ok(current.value);
        }
        let mut next = current.value.clone();
        next.lifecycle = Lifecycle::Deleting;
        next.updated_at = caller.now;
        let mut transaction = Transaction::new();
        let taken = codec::get::<TakenGroupName>(store, caller.account, next.name.as_str()).await?;
        if let Some(taken) = taken.filter(|taken| taken.value.group == id) {
            transaction.remove(&taken);
        }
        if let Committed::Yes = write(store, caller, &current, &mut next, transaction, AuditEvent::GroupDeleted).await?
        {
            return Ok(next);
        }
    }
    Err(DeleteGroupError::Contended)
}

/// Why a group was not frozen or unfrozen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FreezeGroupError {
    /// There is none with that id.
    #[error("there is no group {0}")]
    UnknownGroup(GroupId),
    /// Others kept changing the same records.
    #[error("the group could not be frozen: others change the same records")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stops everything tsg does for a group. Requests already dispatched may still take effect for
/// as long as the send guard.
///
/// # Errors
/// See [`FreezeGroupError`].
pub async fn freeze_group(
    store: &dyn Store,
    caller: &Caller,
    id: GroupId,
    freeze: &Freeze,
) -> Result<Group, FreezeGroupError> {
    set_freeze(store, caller, id, Some(freeze)).await
}

/// Lets a group go on.
///
/// # Errors
/// See [`FreezeGroupError`].
pub async fn unfreeze_group(store: &dyn Store, caller: &Caller, id: GroupId) -> Result<Group, FreezeGroupError> {
    set_freeze(store, caller, id, None).await
}

async fn set_freeze(
    store: &dyn Store,
    caller: &Caller,
    id: GroupId,
    freeze: Option<&Freeze>,
) -> Result<Group, FreezeGroupError> {
    for _ in 0..ATTEMPTS {
        let Some(current) = read_group(store, caller, id).await? else {
            return Err(FreezeGroupError::UnknownGroup(id));
        };
        let mut next = current.value.clone();
        next.updated_at = caller.now;
        next.freeze = freeze.cloned();
        if freeze.is_some() {
            next.freeze_epoch += 1;
        }
        let event = AuditEvent::GroupChanged {
            capacity_before: next.capacity,
            capacity: next.capacity,
            revision: next.revision,
        };
        if let Committed::Yes = write(store, caller, &current, &mut next, Transaction::new(), event).await? {
            return Ok(next);
        }
    }
    Err(FreezeGroupError::Contended)
}

/// Commits a changed group with its audit entry and ledger head.
pub(super) async fn write(
    store: &dyn Store,
    caller: &Caller,
    current: &Versioned<Group>,
    next: &mut Group,
    mut transaction: Transaction,
    event: AuditEvent,
) -> Result<Committed, StoreError> {
    let Some(read) = codec::get::<LedgerHead>(store, caller.account, &next.id.to_string()).await? else {
        return Err(StoreError::Corrupt { reason: format!("group {} has no ledger head", next.id) });
    };
    let mut head = read.value.clone();
    head.memory.note_new_intent();
    note_stable(next, &head);
    let entry = head.append(caller.now, caller.actor.clone(), event);
    transaction.replace(current, &*next);
    transaction.replace(&read, &head);
    transaction.insert(caller.account, &entry);
    commit(store, transaction).await
}

/// The engine remembers the newest stable revision only, and no later one can become stable before
/// somebody writes the group's row for it: so each is noted here in time.
fn note_stable(next: &mut Group, head: &LedgerHead) {
    let rollout = &head.memory.rollout;
    if rollout.stable == 0 {
        return;
    }
    let course = rollout.course.filter(|course| course.target == rollout.stable && course.state.is_over());
    let at = course.map_or(next.updated_at, |course| course.since);
    next.revisions.mark_stable(rollout.stable, at);
}

pub(super) fn is_active(group: &Versioned<Group>) -> bool {
    group.value.lifecycle == Lifecycle::Active
}

pub(super) async fn read_group(
    store: &dyn Store,
    caller: &Caller,
    id: GroupId,
) -> Result<Option<Versioned<Group>>, StoreError> {
    codec::get(store, caller.account, &id.to_string()).await
}

pub(super) async fn read_template(
    store: &dyn Store,
    caller: &Caller,
    id: TemplateId,
) -> Result<Option<Versioned<Template>>, StoreError> {
    codec::get(store, caller.account, &id.to_string()).await
}
