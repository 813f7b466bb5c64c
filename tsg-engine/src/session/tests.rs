//! What a session does when somebody else writes to the same store, or the store fails. Steps are
//! called one by one, so that each meets exactly the state that it is about.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use uuid::Uuid;

use tsg_core::model::audit::{Actor, AuditEntry, AuditEvent, verify_chain};
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::group::LedgerHead;
use tsg_core::model::guest::{GuestReport, GuestSigns};
use tsg_core::model::id::{AccountId, DeploymentId, GroupId, ImageId, InstanceId, OperationId, PackageId, TemplateId};
use tsg_core::model::instance::{Brand, InstanceState, ObservedInstance, PackageMark, ServicesMark, Snapshot};
use tsg_core::model::operation::{AttemptOutcome, Cause, InvalidEdge, Operation, Phase};
use tsg_core::model::tag::{Claim, Tags};
use tsg_core::model::template::TemplateSpec;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::arrivals::{LedgerLookup as _, Standing};
use tsg_core::observe::lasting::LastingStates;
use tsg_core::plan::input::RestartHistory;
use tsg_core::plan::output::{Action, PlannedAction, Reason};
use tsg_core::ports::cloud::{CloudCode, CloudError, ErrorKind};
use tsg_core::ports::store::{
    Change, Commit, CommitError, Key, Kind, LeaseAnswer, LeaseRequest, Put, Range, Record, Revision, Scope, StoreError,
};
use tsg_core::ports::{Clock as _, Entropy, Store};
use tsg_core::records::codec;
use tsg_core::records::kinds::{group_prefix, operation_key};
use tsg_sim::cloud::SimCloud;
use tsg_sim::virtual_time::VirtualTime;
use tsg_sim::world::{NewAccount, World, WorldSpec};
use tsg_store::MemoryStore;

use super::answers::{CreateUnderWay, Sent};
use super::bounds::Origins;
use super::doubt::Newest;
use super::sight::Sight;
use super::*;
use crate::intent::{Caller, NewGroup, create_group, create_template};
use crate::ledger::{Edit, Recorded};
use crate::todo::Job;

mod labels;
mod limits;
mod residue;

const GROUP: GroupId = GroupId::new(Uuid::from_u128(0x6000_0000_0000_4000_8000_0000_0000_0001));
const TEMPLATE: TemplateId = TemplateId::new(Uuid::from_u128(0x7000_0000_0000_4000_8000_0000_0000_0001));
const DEPLOYMENT: DeploymentId = DeploymentId::from_bits(1);
const FIRST: OperationId = OperationId::from_bits(11);
const SECOND: OperationId = OperationId::from_bits(12);
const MACHINE: InstanceId = InstanceId::new(Uuid::from_u128(0x8000_0000_0000_4000_8000_0000_0000_0001));
const OTHER_MACHINE: InstanceId = InstanceId::new(Uuid::from_u128(0x8000_0000_0000_4000_8000_0000_0000_0002));

struct Fixed;

impl Entropy for Fixed {
    fn draw(&self) -> u128 {
        42
    }
}

/// A store that can be switched off.
struct Switched {
    inner: MemoryStore,
    is_down: AtomicBool,
}

impl Switched {
    fn check(&self) -> Result<(), StoreError> {
        match self.is_down.load(Ordering::Relaxed) {
            true => Err(StoreError::Unavailable { reason: "switched off".to_owned() }),
            false => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl Store for Switched {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.check()?;
        self.inner.get(key).await
    }

    async fn list(&self, range: &Range) -> Result<Vec<Record>, StoreError> {
        self.check()?;
        self.inner.list(range).await
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, CommitError> {
        self.check()?;
        self.inner.commit(commit).await
    }

    async fn changes(&self, after: Revision, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.inner.changes(after, limit).await
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseAnswer, StoreError> {
        self.inner.acquire(request).await
    }

    async fn release(&self, name: &str, epoch: u64) -> Result<(), StoreError> {
        self.inner.release(name, epoch).await
    }
}

/// A session that has read one group of one planned operation, and the books of somebody else.
struct Stage {
    session: Session,
    other: Books,
    store: Arc<Switched>,
    account: AccountId,
    time: VirtualTime,
    now: Timestamp,
}

/// Nothing here waits.
fn done<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

fn spec() -> TemplateSpec {
    TemplateSpec {
        name: "base".parse().unwrap(),
        package: PackageId::new(Uuid::from_u128(1)),
        image: ImageId::new(Uuid::from_u128(2)),
        networks: Vec::new(),
        firewall_enabled: false,
        userdata: String::new(),
        metadata: BTreeMap::new(),
        tags: Tags::new(),
        placement: tsg_core::placement::rule::PlacementSpec::default(),
    }
}

impl Stage {
    fn new() -> Self {
        let mut world = World::new(WorldSpec::with_seed(1));
        let owner = world.add_account(NewAccount { login: "demo".into(), ..NewAccount::default() });
        let time = VirtualTime::starting_at(world.now());
        let inner = MemoryStore::new(Arc::new(time.clone()));
        let store = Arc::new(Switched { inner, is_down: AtomicBool::new(false) });
        let account = AccountId::from_directory(owner.0);
        let caller = Caller { account, actor: Actor::Engine, now: time.now() };
        done(create_template(&*store, &caller, TEMPLATE, spec())).unwrap();
        let policy = tsg_core::model::group::Group::first_policy();
        let new = NewGroup {
            id: GROUP,
            name: "web".parse().unwrap(),
            template: TEMPLATE,
            capacity: 3,
            policy,
            placement: None,
            health: None,
        };
        done(create_group(&*store, &caller, &new)).unwrap();
        let ports = EnginePorts {
            store: store.clone(),
            cloud: Arc::new(SimCloud::new(Arc::new(Mutex::new(world)), owner, time.clone())),
            clock: Arc::new(time.clone()),
            entropy: Arc::new(Fixed),
        };
        let mut session = Session::new(account, DEPLOYMENT, ports, EngineConfig::default(), EngineHandle::new());
        done(session.books.load()).unwrap();
        done(session.take_in_rereads()).unwrap();
        let other = Books::new(account, store.clone());
        let mut stage = Self { session, other, store, account, now: time.now(), time };
        stage.write(|edit, _| {
            edit.plan(FIRST, (1, TEMPLATE), Cause::Capacity);
            Ok(())
        });
        stage.write(send_into_doubt);
        done(stage.other.load()).unwrap();
        stage
    }

    /// The session writes.
    fn write(&mut self, write: impl Fn(&mut Edit<'_>, Timestamp) -> Result<(), InvalidEdge> + Send + Sync) {
        let now = self.now;
        let recorded = done(self.session.books.record(GROUP, now, |edit| write(edit, now)));
        assert_eq!(recorded, Ok(Recorded::Changed));
    }

    /// Somebody else writes, and the session has not heard of it.
    fn write_elsewhere(&mut self, write: impl Fn(&mut Edit<'_>, Timestamp) -> Result<(), InvalidEdge> + Send + Sync) {
        let now = self.now;
        done(self.other.refresh()).unwrap();
        let recorded = done(self.other.record(GROUP, now, |edit| write(edit, now)));
        assert_eq!(recorded, Ok(Recorded::Changed));
    }

    fn operation(&self, id: OperationId) -> Operation {
        let read = done(codec::get::<Operation>(&*self.store, self.account, &operation_key(GROUP, id)));
        read.unwrap().unwrap().value
    }

    fn audit(&self) -> Vec<AuditEntry> {
        let read = done(codec::all::<AuditEntry>(&*self.store, Scope::Account(self.account), &group_prefix(GROUP)));
        read.unwrap().into_iter().map(|read| read.value).collect()
    }

    fn machine(&self, id: InstanceId) -> ObservedInstance {
        let claim = Claim { manager: DEPLOYMENT, group: GROUP, operation: FIRST, revision: 1, sequence: 1 };
        ObservedInstance {
            id,
            state: InstanceState::Running,
            created_at: self.now,
            named: Some(FIRST),
            claim: Some(claim),
            compute_node: None,
            image: ImageId::new(Uuid::from_u128(2)),
            package: PackageMark::NONE,
            brand: Brand::Zone,
            guest: GuestReport::default(),
            address: None,
            is_protected: false,
            is_delisted: false,
            signs: GuestSigns::default(),
            services: ServicesMark::default(),
        }
    }
}

fn send_into_doubt(edit: &mut Edit<'_>, now: Timestamp) -> Result<(), InvalidEdge> {
    edit.dispatch_create(FIRST, now, Fingerprint::ZERO)?;
    edit.enter(FIRST, Phase::Unknown, "test")
}

fn call_quiet(edit: &mut Edit<'_>, _: Timestamp) -> Result<(), InvalidEdge> {
    edit.call_quiet(FIRST);
    Ok(())
}

type Decision = for<'a> fn(&'a mut Session) -> BoxFuture<'a, Result<(), StoreError>>;

#[test]
fn what_was_decided_of_one_attempt_is_void_once_there_is_another() {
    let decisions: [Decision; 2] = [
        |session| Box::pin(session.call_quiet(GROUP, FIRST)),
        |session| Box::pin(session.lose(GROUP, FIRST, Newest::Quiet, "test")),
    ];
    for decide in decisions {
        let mut stage = Stage::new();
        stage.write_elsewhere(call_quiet);
        stage.write_elsewhere(send_into_doubt);
        done(decide(&mut stage.session)).unwrap();
        let operation = stage.operation(FIRST);
        assert_eq!(operation.phase, Phase::Unknown);
        let outcomes: Vec<_> = operation.attempts.iter().map(|attempt| attempt.outcome).collect();
        assert_eq!(outcomes, [Some(AttemptOutcome::Quiet), None]);
    }
}

#[test]
fn an_attempt_that_is_called_quiet_leaves_an_audit_entry() {
    let mut stage = Stage::new();
    done(stage.session.call_quiet(GROUP, FIRST)).unwrap();
    assert_eq!(stage.operation(FIRST).attempts[0].outcome, Some(AttemptOutcome::Quiet));
    let event = stage.audit().pop().unwrap().event;
    assert_eq!(event, AuditEvent::CalledQuiet { operation: FIRST, attempt: 1, lookups: 0 });
}

#[test]
fn an_attempt_refused_after_a_quiet_one_leaves_the_operation_open_to_late_machines() {
    let mut stage = Stage::new();
    stage.write(call_quiet);
    stage.write(|edit, now| edit.dispatch_create(FIRST, now, Fingerprint::ZERO));
    let (began, asked_at) = (Duration::ZERO, stage.now);
    let request = CreateUnderWay { group: GROUP, operation: FIRST, attempt: 1, began, asked_at };
    done(stage.session.take(Answer::Created { request, sent: Sent::Dropped }));
    assert_eq!(stage.operation(FIRST).phase, Phase::Lost);
}

#[test]
fn a_group_read_anew_while_it_is_looked_at_is_looked_at_again() {
    let mut stage = Stage::new();
    done(stage.session.take_in_rereads()).unwrap();
    stage.write(call_quiet);
    stage.write(|edit, now| edit.dispatch_create(FIRST, now, Fingerprint::ZERO));
    stage.session.books.note_reread(GROUP);
    stage.write_elsewhere(|edit, now| {
        edit.plan(SECOND, (1, TEMPLATE), Cause::Capacity);
        edit.dispatch_create(SECOND, now, Fingerprint::ZERO)
    });
    done(stage.session.take_in_rereads()).unwrap();
    for id in [FIRST, SECOND] {
        assert_eq!(stage.operation(id).phase, Phase::Unknown, "{id}");
        assert!(stage.session.doubts.contains_key(&id), "{id}");
    }
}

#[test]
fn orphans_are_counted_when_the_store_fails_in_the_middle() {
    let mut stage = Stage::new();
    stage.write(call_quiet);
    stage.write(send_into_doubt);
    stage.write(|edit, _| edit.bind(FIRST, MACHINE, "test"));
    let instances = [MACHINE, OTHER_MACHINE].into_iter().map(|id| stage.machine(id)).collect();
    stage.session.sight.snapshot = Snapshot { taken_at: stage.now, instances };
    stage.store.is_down.store(true, Ordering::Relaxed);
    assert!(done(stage.session.take_arrivals()).is_err());
    assert_eq!(stage.session.sight.orphans, BTreeMap::from([(GROUP, 1)]));
}

fn restart_for(reason: Reason) -> PlannedAction {
    let action = Action::Restart { operation: FIRST, instance: MACHINE };
    PlannedAction { action, reason, expects: Some(Phase::Bound) }
}

fn start_for(reason: Reason) -> PlannedAction {
    PlannedAction { action: Action::Start { operation: FIRST, instance: MACHINE }, ..restart_for(reason) }
}

/// What was a machine's own fault, and what was not.
fn at_fault_and_not(now: Timestamp) -> [(Reason, RestartHistory); 2] {
    let stopped = Reason::Stopped { starts: 0 };
    [(stopped, RestartHistory::NONE.with(now)), (Reason::RestartAsked, RestartHistory::NONE.with_excused(now))]
}

#[test]
fn a_restart_is_held_only_against_a_machine_that_caused_it() {
    for (reason, expected) in at_fault_and_not(Stage::new().now) {
        let mut stage = Stage::new();
        stage.write(|edit, _| edit.bind(FIRST, MACHINE, "test"));
        stage.write(|edit, _| {
            super::bounds::apply(edit, &restart_for(reason), &Origins { all: &[], lasting: &LastingStates::new() })
        });
        assert_eq!(stage.operation(FIRST).restarts, expected, "{reason:?}");
    }
}

#[test]
fn a_start_is_held_against_a_machine_by_the_newest_reason() {
    for (reason, expected) in at_fault_and_not(Stage::new().now) {
        let mut stage = Stage::new();
        stage.write(|edit, _| edit.bind(FIRST, MACHINE, "test"));
        let machine = ObservedInstance { state: InstanceState::Stopped, ..stage.machine(MACHINE) };
        stage.session.sight.snapshot = Snapshot { taken_at: stage.now, instances: [machine].into_iter().collect() };
        for (earlier, _) in at_fault_and_not(stage.now) {
            stage.session.queue(GROUP, &[], &[start_for(earlier), start_for(reason)]);
        }
        assert_eq!(stage.session.todo.next_job(0), Some((GROUP, Job::Start(FIRST))));
        done(stage.session.start(GROUP, FIRST)).unwrap();
        assert_eq!(stage.operation(FIRST).restarts, expected, "{reason:?}");
        assert_eq!(stage.session.todo.next_job(0), None);
    }
}

#[test]
fn a_wake_up_is_kept_until_the_store_answers() {
    let mut stage = Stage::new();
    stage.session.is_woken = true;
    stage.store.is_down.store(true, Ordering::Relaxed);
    done(stage.session.turn());
    assert!(stage.session.is_woken);
    stage.store.is_down.store(false, Ordering::Relaxed);
    done(stage.session.turn_on_store()).unwrap();
    assert!(!stage.session.is_woken);
}

#[test]
fn probes_of_a_locked_account_stay_apart_whatever_they_meet() {
    let refusal = CloudError {
        kind: ErrorKind::Denied,
        code: CloudCode::InvalidCredentials,
        reach: tsg_core::ports::cloud::Reach::Answered,
        status: Some(401),
        message: String::new(),
        request_id: None,
        retry_after: None,
    };
    let mut sight = Sight::default();
    let mut now = Duration::ZERO;
    (0..2).for_each(|_| sight.note_reply::<()>(&Err(refusal.clone()), now));
    for minutes in [1, 2, 4, 8, 16, 30, 30] {
        let probe_at = sight.probe_at().unwrap();
        assert_eq!(probe_at - now, Duration::from_secs(minutes * 60));
        now = probe_at;
        sight.note_test(false, now);
    }
}

#[test]
fn a_forgotten_group_is_remembered_by_its_head() {
    let mut stage = Stage::new();
    done(stage.session.books.forget(GROUP, stage.now)).unwrap();
    assert_eq!(stage.session.books.standing(GROUP), Standing::Forgotten { newest: 1 });
    done(stage.other.refresh()).unwrap();
    assert_eq!(stage.other.standing(GROUP), Standing::Forgotten { newest: 1 });
    let mut later = Books::new(stage.account, stage.store.clone());
    done(later.load()).unwrap();
    assert_eq!(later.standing(GROUP), Standing::Forgotten { newest: 1 });
    let head = done(codec::get::<LedgerHead>(&*stage.store, stage.account, &GROUP.to_string())).unwrap().unwrap();
    let audit = stage.audit();
    assert_eq!(verify_chain(&head.value, &audit), Ok(()));
    assert_eq!(audit.last().map(|entry| &entry.event), Some(&AuditEvent::GroupForgotten));
}

#[test]
fn an_unreadable_group_is_not_read_again_before_its_head_has_changed() {
    let stage = Stage::new();
    let key = |kind, id| Key { kind, account: stage.account, id };
    let of_operation = key(Kind::Operation, operation_key(GROUP, FIRST));
    let whole = done(stage.store.get(&of_operation)).unwrap().unwrap();
    let head = done(stage.store.get(&key(Kind::Ledger, GROUP.to_string()))).unwrap().unwrap();
    let put = |puts| done(stage.store.commit(Commit { puts, ..Commit::default() })).unwrap();
    put(vec![Put { key: of_operation, value: b"{".to_vec() }]);
    let mut books = Books::new(stage.account, stage.store.clone());
    done(books.load()).unwrap();
    assert_eq!(books.standing(GROUP), Standing::Unreadable);
    while books.take_reread().is_some() {}
    done(books.refresh()).unwrap();
    assert_eq!(books.take_reread(), None);
    put([whole, head].map(|record| Put { key: record.key, value: record.value }).to_vec());
    done(books.refresh()).unwrap();
    assert_eq!(books.standing(GROUP), Standing::Kept { newest: 1 });
}
