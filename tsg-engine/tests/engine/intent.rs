//! What users write: one commit each, idempotent by id, refused with the reason.

use std::sync::Arc;

use crate::support::site::{Site, Wiring, group_id};
use futures_util::FutureExt as _;
use tsg_core::model::amount::Amount;
use tsg_core::model::group::{Freeze, Group, LedgerHead, Lifecycle};
use tsg_core::model::id::TemplateId;
use tsg_core::model::policy::{InvalidPolicy, Policy};
use tsg_core::model::template::{Template, TemplateSpec};
use tsg_core::plan::memory::{Course, PlanMemory, RolloutState};
use tsg_core::ports::Store;
use tsg_core::records::{Transaction, codec};
use tsg_engine::intent::{
    Caller, ChangeGroupError, CreateGroupError, CreateTemplateError, DeleteGroupError, DeleteTemplateError,
    GroupChange, NewGroup, Order, OrderError, change_group, create_group, create_template, delete_group,
    delete_template, freeze_group, give_order, unfreeze_group,
};
use tsg_sim::world::WorldSpec;
use tsg_store::MemoryStore;
use uuid::Uuid;

struct Desk {
    store: Arc<dyn Store>,
    caller: Caller,
    spec: TemplateSpec,
}

const TEMPLATE: TemplateId = TemplateId::new(Uuid::from_u128(9));

/// Nothing here ever waits: the store is in memory.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

impl Desk {
    fn new() -> Self {
        let mut site = Site::new(1, WorldSpec::default(), Wiring::default());
        let (from, account, id) = (site.store.clone(), site.account, site.template.to_string());
        let slot = Arc::new(std::sync::Mutex::new(None));
        let found = slot.clone();
        site.do_now(async move {
            *found.lock().unwrap() = codec::get::<Template>(&*from, account, &id).await.unwrap();
        });
        let spec = slot.lock().unwrap().take().unwrap().value.spec;
        let desk = Self { store: Arc::new(MemoryStore::new(Arc::new(site.time.clone()))), caller: site.caller(), spec };
        now(create_template(&*desk.store, &desk.caller, TEMPLATE, desk.spec.clone())).unwrap();
        desk
    }

    fn group(&self, number: u32, name: &str) -> Result<Group, CreateGroupError> {
        let policy = Group::first_policy();
        let new = NewGroup {
            id: group_id(number),
            name: name.parse().unwrap(),
            template: TEMPLATE,
            capacity: 3,
            policy,
            placement: None,
            health: None,
        };
        now(create_group(&*self.store, &self.caller, &new))
    }

    /// A template that says something else.
    fn other_content(&self) -> TemplateId {
        let other = TemplateId::new(Uuid::from_u128(10));
        let tags = [("role".to_owned(), "edge".into())].into();
        let spec = TemplateSpec { name: "other".parse().unwrap(), tags, ..self.spec.clone() };
        now(create_template(&*self.store, &self.caller, other, spec)).unwrap();
        other
    }

    /// The engine remembers something.
    fn remember(&self, number: u32, change: impl FnOnce(&mut PlanMemory)) {
        let key = group_id(number).to_string();
        let read = now(codec::get::<LedgerHead>(&*self.store, self.caller.account, &key)).unwrap().unwrap();
        let mut head = read.value.clone();
        change(&mut head.memory);
        let mut transaction = Transaction::new();
        transaction.replace(&read, &head);
        now(self.store.commit(transaction.into_commit())).unwrap();
    }

    fn change(&self, number: u32, change: &GroupChange) -> Result<Group, ChangeGroupError> {
        now(change_group(&*self.store, &self.caller, group_id(number), change))
    }
}

#[test]
fn names_are_taken_once_and_creates_are_idempotent_by_id() {
    let desk = Desk::new();
    let first = desk.group(1, "web").unwrap();
    assert_eq!(desk.group(1, "web"), Ok(first));
    let taken = CreateGroupError::NameTaken { name: "web".parse().unwrap(), by: group_id(1) };
    assert_eq!(desk.group(2, "web"), Err(taken));
    let again = now(create_template(&*desk.store, &desk.caller, TEMPLATE, desk.spec.clone()));
    assert_eq!(again.map(|template| template.id), Ok(TEMPLATE));
    let other =
        now(create_template(&*desk.store, &desk.caller, TemplateId::new(Uuid::from_u128(8)), desk.spec.clone()));
    assert!(matches!(other, Err(CreateTemplateError::NameTaken { by, .. }) if by == TEMPLATE));
}

#[test]
fn a_deleted_group_frees_its_name_and_its_template_at_once() {
    let desk = Desk::new();
    desk.group(1, "web").unwrap();
    let in_use = DeleteTemplateError::InUse { template: TEMPLATE, group: group_id(1) };
    assert_eq!(now(delete_template(&*desk.store, &desk.caller, TEMPLATE)), Err(in_use));

    let deleted = now(delete_group(&*desk.store, &desk.caller, group_id(1), None)).unwrap();
    assert_eq!(deleted.lifecycle, Lifecycle::Deleting);
    assert_eq!(now(delete_group(&*desk.store, &desk.caller, group_id(1), None)), Ok(deleted));
    let capacity = GroupChange { capacity: Some(4), ..GroupChange::default() };
    assert_eq!(desk.change(1, &capacity), Err(ChangeGroupError::UnknownGroup(group_id(1))));
    desk.group(2, "web").unwrap();
    now(delete_group(&*desk.store, &desk.caller, group_id(2), None)).unwrap();
    assert_eq!(now(delete_template(&*desk.store, &desk.caller, TEMPLATE)), Ok(()));
    assert_eq!(desk.group(3, "web"), Err(CreateGroupError::UnknownTemplate(TEMPLATE)));
}

#[test]
fn a_template_put_to_use_meanwhile_cannot_be_deleted() {
    let desk = Desk::new();
    let key = TEMPLATE.to_string();
    let before = now(codec::get::<Template>(&*desk.store, desk.caller.account, &key)).unwrap().unwrap();
    desk.group(1, "web").unwrap();
    let after = now(codec::get::<Template>(&*desk.store, desk.caller.account, &key)).unwrap().unwrap();
    assert_eq!(before.value, after.value);
    assert!(after.version > before.version, "a delete that read it before would go through");
}

#[test]
fn a_change_is_made_once_and_only_to_the_version_it_was_meant_for() {
    let desk = Desk::new();
    desk.group(1, "web").unwrap();
    let read =
        || now(codec::get::<Group>(&*desk.store, desk.caller.account, &group_id(1).to_string())).unwrap().unwrap();
    let version = read().version;
    let change =
        GroupChange { capacity: Some(7), template: Some(TEMPLATE), only_at: Some(version), ..GroupChange::default() };
    let changed = desk.change(1, &change).unwrap();
    assert_eq!((changed.capacity, changed.revision), (7, 1), "the same template is no new revision");
    assert_eq!(desk.change(1, &change), Err(ChangeGroupError::Changed { group: group_id(1), now_at: read().version }));
    let stale = now(delete_group(&*desk.store, &desk.caller, group_id(1), Some(version)));
    assert_eq!(stale, Err(DeleteGroupError::Changed { group: group_id(1), now_at: read().version }));
    assert_eq!(read().value.lifecycle, Lifecycle::Active);

    let other = TemplateId::new(Uuid::from_u128(10));
    let spec = TemplateSpec { name: "other".parse().unwrap(), ..desk.spec.clone() };
    now(create_template(&*desk.store, &desk.caller, other, spec)).unwrap();
    let change = GroupChange { template: Some(other), ..GroupChange::default() };
    let made_from = |group: Group| (group.revision, group.template);
    assert_eq!(desk.change(1, &change).map(made_from), Ok((1, other)), "the same content is no new revision");
}

#[test]
fn other_content_is_a_new_revision_that_can_be_gone_back_from() {
    let desk = Desk::new();
    desk.group(1, "web").unwrap();
    let other = desk.other_content();
    let change = GroupChange { template: Some(other), capacity: Some(5), ..GroupChange::default() };
    assert_eq!(desk.change(1, &change).map(|group| (group.revision, group.template)), Ok((2, other)));
    let scale = GroupChange { capacity: Some(6), ..GroupChange::default() };
    assert_eq!(desk.change(1, &scale).map(|group| group.revision), Ok(2), "a scale is no revision");

    let unknown = GroupChange { revision: Some(9), ..GroupChange::default() };
    let refused = ChangeGroupError::UnknownRevision { group: group_id(1), revision: 9 };
    assert_eq!(desk.change(1, &unknown), Err(refused));
    let back = desk.change(1, &GroupChange { revision: Some(1), ..GroupChange::default() }).unwrap();
    assert_eq!((back.revision, back.template), (3, TEMPLATE));
    let numbers: Vec<u32> = back.revisions.entries().iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(now(delete_template(&*desk.store, &desk.caller, other)), Ok(()), "nothing goes back to it");
}

#[test]
fn a_revision_that_became_stable_is_noted_and_its_template_kept() {
    let desk = Desk::new();
    desk.group(1, "web").unwrap();
    let rolling = GroupChange { policy: Some(Box::default()), ..GroupChange::default() };
    desk.change(1, &rolling).unwrap();
    desk.remember(1, |memory| memory.rollout.stable = 1);
    let other = desk.other_content();
    let change = GroupChange { template: Some(other), ..GroupChange::default() };
    let changed = desk.change(1, &change).unwrap();
    assert_eq!(changed.revisions.newest_stable().map(|entry| entry.number), Some(1));
    let in_use = DeleteTemplateError::InUse { template: TEMPLATE, group: group_id(1) };
    assert_eq!(now(delete_template(&*desk.store, &desk.caller, TEMPLATE)), Err(in_use), "a failure goes back to it");
}

#[test]
fn orders_are_states_that_name_their_revision() {
    let desk = Desk::new();
    desk.group(1, "web").unwrap();
    let order = |order| now(give_order(&*desk.store, &desk.caller, group_id(1), order)).map(|group| group.orders);
    assert_eq!(order(Order::Promote), Err(OrderError::NoRollout(group_id(1))));
    assert!(order(Order::Pause).unwrap().is_paused && order(Order::Pause).unwrap().is_paused);
    assert!(!order(Order::Continue).unwrap().is_paused);
    assert_eq!(order(Order::Continue), Err(OrderError::NoRollout(group_id(1))));

    let course = Course { checkpoints: 1, ..Course::opened(1, 0, desk.caller.now) };
    let course = course.entering(RolloutState::Checkpoint, desk.caller.now);
    desk.remember(1, |memory| memory.rollout.course = Some(course));
    let continued = order(Order::Continue).unwrap();
    assert_eq!((continued.continued, continued.checkpoints), (1, 2));
    assert_eq!(order(Order::Promote).unwrap().promoted, 1);
    assert_eq!(order(Order::Abort).unwrap().aborted, 1);
    assert_eq!(order(Order::ResumeRepairs).unwrap().repairs_resumed_at, desk.caller.now);
}

#[test]
fn a_policy_that_breaks_a_rule_is_not_kept() {
    let desk = Desk::new();
    desk.group(1, "web").unwrap();
    let mut policy = Box::<Policy>::default();
    policy.update.max_surge = Amount::Count(0);
    let change = GroupChange { policy: Some(policy), ..GroupChange::default() };
    assert!(matches!(desk.change(1, &change), Err(ChangeGroupError::Policy(InvalidPolicy::NoRoom))));
}

#[test]
fn a_freeze_counts_up_and_is_lifted() {
    let desk = Desk::new();
    desk.group(1, "web").unwrap();
    let freeze = Freeze { by: "ann".to_owned(), reason: "looking".to_owned(), since: desk.caller.now };
    let frozen = now(freeze_group(&*desk.store, &desk.caller, group_id(1), &freeze)).unwrap();
    assert_eq!((frozen.freeze, frozen.freeze_epoch), (Some(freeze), 1));
    let free = now(unfreeze_group(&*desk.store, &desk.caller, group_id(1))).unwrap();
    assert_eq!((free.freeze, free.freeze_epoch), (None, 1));
}
