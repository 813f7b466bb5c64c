//! Changing what a group is to be: its capacity, template, revision, policy, placement and health.
//!
//! Owns what counts as a new revision. Must never begin or end a rollout; that follows from the
//! revision that is wanted.

use thiserror::Error;

use super::group::{is_active, put_to_use, read_group, read_template, write};
use super::{ATTEMPTS, Caller, Committed};
use tsg_core::health::invalid::InvalidHealth;
use tsg_core::health::spec::HealthSpec;
use tsg_core::model::audit::AuditEvent;
use tsg_core::model::group::Group;
use tsg_core::model::id::{GroupId, TemplateId};
use tsg_core::model::operation::Operation;
use tsg_core::model::policy::{InvalidPolicy, Policy};
use tsg_core::model::revision::{REVISIONS_KEPT, RevisionLog};
use tsg_core::placement::rule::{InvalidPlacement, PlacementSpec};
use tsg_core::ports::Store;
use tsg_core::ports::store::{Revision, Scope, StoreError};
use tsg_core::records::kinds::group_prefix;
use tsg_core::records::{Transaction, codec};

/// What to change about a group; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupChange {
    /// How many instances.
    pub capacity: Option<u32>,
    /// What instances are made from. Other content than now makes a new revision.
    pub template: Option<TemplateId>,
    /// Go back to what this revision was made from, as a new revision; overrides `template`.
    pub revision: Option<u32>,
    /// How it is updated, repaired and scaled.
    pub policy: Option<Box<Policy>>,
    /// Where its instances may go. None of them is moved for it, unless it says so itself.
    pub placement: Option<BlockChange<PlacementSpec>>,
    /// How it is known whether its instances are well. None of them is touched for it.
    pub health: Option<BlockChange<HealthSpec>>,
    /// Change only if the group's record is still at this version.
    pub only_at: Option<Revision>,
}

/// What becomes of a block that a group need not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockChange<T> {
    /// This one stands from now on.
    Set(Box<T>),
    /// There is none any more.
    Remove,
}

impl<T: Clone> BlockChange<T> {
    fn check<E>(change: &Option<Self>, check: impl Fn(&T) -> Result<(), E>) -> Result<(), E> {
        match change {
            Some(Self::Set(block)) => check(block),
            Some(Self::Remove) | None => Ok(()),
        }
    }

    fn made(change: &Option<Self>, before: Option<Box<T>>) -> Option<Box<T>> {
        match change {
            Some(Self::Set(block)) => Some(block.clone()),
            Some(Self::Remove) => None,
            None => before,
        }
    }
}

/// Why a group was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChangeGroupError {
    /// There is none with that id, or it is being deleted.
    #[error("there is no group {0}")]
    UnknownGroup(GroupId),
    /// There is no such template.
    #[error("there is no template {0}")]
    UnknownTemplate(TemplateId),
    /// The group does not remember such a revision.
    #[error("group {group} remembers no revision {revision}")]
    UnknownRevision {
        /// Which group.
        group: GroupId,
        /// Which revision.
        revision: u32,
    },
    /// Its policy would break a rule.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    /// Its placement could not be kept.
    #[error(transparent)]
    Placement(#[from] InvalidPlacement),
    /// Its checks would contradict one another.
    #[error(transparent)]
    Health(#[from] InvalidHealth),
    /// It was changed since the version that the caller asked for.
    #[error("group {group} has changed in the meantime")]
    Changed {
        /// Which group.
        group: GroupId,
        /// Its version now.
        now_at: Revision,
    },
    /// Others kept changing the same records.
    #[error("the group could not be changed: others change the same records")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes a group's capacity, template, policy, placement, or several of them in one commit.
///
/// # Errors
/// See [`ChangeGroupError`].
pub async fn change_group(
    store: &dyn Store,
    caller: &Caller,
    id: GroupId,
    change: &GroupChange,
) -> Result<Group, ChangeGroupError> {
    if let Some(policy) = &change.policy {
        policy.check()?;
    }
    BlockChange::check(&change.placement, PlacementSpec::check)?;
    BlockChange::check(&change.health, HealthSpec::check)?;
    for _ in 0..ATTEMPTS {
        let Some(current) = read_group(store, caller, id).await?.filter(is_active) else {
            return Err(ChangeGroupError::UnknownGroup(id));
        };
        if change.only_at.is_some_and(|version| version != current.version) {
            return Err(ChangeGroupError::Changed { group: id, now_at: current.version });
        }
        let mut transaction = Transaction::new();
        let mut next = current.value.clone();
        next.updated_at = caller.now;
        next.capacity = change.capacity.unwrap_or(next.capacity);
        next.policy = change.policy.clone().unwrap_or(next.policy);
        next.placement = BlockChange::made(&change.placement, next.placement);
        next.health = BlockChange::made(&change.health, next.health);
        if let Some(health) = &next.health {
            health.check_against(next.policy.update.healthy_deadline)?;
        }
        if let Some(wanted) = wanted_template(&next, change)? {
            revise(store, caller, &mut next, wanted, &mut transaction).await?;
        }
        if change.health.is_some() || next.template != current.value.template {
            check_services(store, caller, &next).await?;
        }
        let event = AuditEvent::GroupChanged {
            capacity_before: current.value.capacity,
            capacity: next.capacity,
            revision: next.revision,
        };
        if let Committed::Yes = write(store, caller, &current, &mut next, transaction, event).await? {
            return Ok(next);
        }
    }
    Err(ChangeGroupError::Contended)
}

/// The services are named by the group or by its template, never by both.
async fn check_services(store: &dyn Store, caller: &Caller, next: &Group) -> Result<(), ChangeGroupError> {
    let Some(health) = next.health.as_deref().filter(|health| health.discovery.services.is_some()) else {
        return Ok(());
    };
    let template = read_template(store, caller, next.template).await?;
    template.map_or(Ok(()), |template| health.check_beside(&template.value.spec))?;
    Ok(())
}

/// The template to go to, if it is another one than now.
fn wanted_template(group: &Group, change: &GroupChange) -> Result<Option<TemplateId>, ChangeGroupError> {
    let wanted = match change.revision {
        Some(revision) if revision == group.revision => Some(group.template),
        Some(revision) => match group.revisions.get(revision) {
            Some(entry) => Some(entry.template),
            None => return Err(ChangeGroupError::UnknownRevision { group: group.id, revision }),
        },
        None => change.template,
    };
    Ok(wanted.filter(|wanted| *wanted != group.template))
}

/// Makes another template the one in force: a new revision if it says something else.
async fn revise(
    store: &dyn Store,
    caller: &Caller,
    next: &mut Group,
    wanted: TemplateId,
    transaction: &mut Transaction,
) -> Result<(), ChangeGroupError> {
    let Some(template) = read_template(store, caller, wanted).await? else {
        return Err(ChangeGroupError::UnknownTemplate(wanted));
    };
    if next.revisions.newest().is_none() {
        // From before there was a log: what it was so far is its first entry.
        let before = read_template(store, caller, next.template).await?;
        let (number, since) = (next.revision, next.created_at);
        let first = before.map(|before| RevisionLog::beginning_at(number, next.template, &before.value.spec, since));
        next.revisions = first.unwrap_or_else(|| {
            RevisionLog::beginning_at(number.saturating_add(1), wanted, &template.value.spec, caller.now)
        });
    }
    put_to_use(transaction, &template);
    next.template = wanted;
    next.revision = next.revisions.push(wanted, &template.value.spec, caller.now);
    if next.revisions.entries().len() > REVISIONS_KEPT {
        let in_use = revisions_in_use(store, caller, next.id).await?;
        next.revisions.prune(&in_use);
    }
    Ok(())
}

/// The revisions that the group's instances are of.
async fn revisions_in_use(store: &dyn Store, caller: &Caller, id: GroupId) -> Result<Vec<u32>, StoreError> {
    let operations = codec::all::<Operation>(store, Scope::Account(caller.account), &group_prefix(id)).await?;
    let open = operations.iter().map(|read| &read.value).filter(|operation| !operation.phase.is_closed());
    let mut numbers: Vec<u32> = open.map(|operation| operation.revision).collect();
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}
