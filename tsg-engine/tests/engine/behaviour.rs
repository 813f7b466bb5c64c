//! Single situations that the random scenarios do not single out: freeze, protection, a poison
//! group, credentials that are refused, tags that were copied.

use std::sync::Arc;
use std::time::Duration;

use crate::support::oracle::Oracle;
use crate::support::site::{Running, Site, Wiring, group_id};
use tsg_core::model::group::Freeze;
use tsg_core::model::operation::Phase;
use tsg_core::plan::input::ViewTrust;
use tsg_core::ports::store::{Commit, Key, Kind, Put};
use tsg_engine::intent::{freeze_group, unfreeze_group};
use tsg_sim::cloud::lock;
use tsg_sim::executor::Halt;
use tsg_sim::world::{Caller, Fault, FaultRule, Operation, Target, World, WorldSpec};

struct Stage {
    site: Site,
    oracle: Oracle,
    engine: Running,
}

impl Stage {
    fn new(seed: u64) -> Self {
        let mut site = Site::new(seed, WorldSpec::default(), Wiring::default());
        let engine = site.start_engine();
        Self { site, oracle: Oracle::default(), engine }
    }

    fn with_group(seed: u64, capacity: u32) -> Self {
        let mut stage = Self::new(seed);
        stage.site.make_group(0, capacity, vec![stage.engine.handle.clone()]);
        stage.run(Duration::from_millis(50));
        stage.settle();
        stage
    }

    /// Lets time pass, judged.
    fn run(&mut self, length: Duration) {
        self.site.run_judged(&mut self.oracle, length);
    }

    fn settle(&mut self) {
        let deadline = self.site.time.elapsed() + Duration::from_secs(3600);
        let Self { site, oracle, .. } = self;
        let (world, time, store) = (site.world.clone(), site.time.clone(), site.store.clone());
        let halt = site.executor.run_until(deadline, |_| {
            Site::catch_up(&world, &time);
            let world = lock(&world);
            oracle.judge(&store.news(oracle.progress()), &world).unwrap();
            oracle.unsettled(&world).is_none()
        });
        assert_eq!(halt, Halt::Satisfied, "{:?}\n{:#?}", oracle.unsettled(&lock(&site.world)), oracle.timeline);
    }

    fn live(&self) -> usize {
        lock(&self.site.world).live_machines(self.site.world_account).count()
    }

    fn on_world<T>(&self, work: impl FnOnce(&mut World, &Caller) -> T) -> T {
        let caller = Caller { account: self.site.world_account, ip: [127, 0, 0, 1].into(), key_id: "customer".into() };
        work(&mut lock(&self.site.world), &caller)
    }

    fn first_machine(&self) -> String {
        let world = lock(&self.site.world);
        let first = world.live_machines(self.site.world_account).next().unwrap().id;
        first.to_string()
    }
}

#[test]
fn nothing_leaves_for_a_frozen_group_and_all_goes_on_after() {
    let mut stage = Stage::with_group(1, 3);
    let (store, caller) = (stage.site.store.clone(), stage.site.caller());
    let freeze = Freeze { by: "ann".to_owned(), reason: "looking".to_owned(), since: caller.now };
    stage.site.do_now(async move {
        freeze_group(&*store, &caller, group_id(0), &freeze).await.unwrap();
    });
    stage.engine.handle.wake();
    stage.on_world(|world, _| world.switch_fault(Fault::KillInstance { machine: Target::Any }.into()).unwrap());
    let before = stage.oracle.announcements();
    stage.run(Duration::from_secs(600));
    assert_eq!((stage.oracle.announcements(), stage.live()), (before, 2));

    let (store, caller) = (stage.site.store.clone(), stage.site.caller());
    stage.site.do_now(async move {
        unfreeze_group(&*store, &caller, group_id(0)).await.unwrap();
    });
    stage.engine.handle.wake();
    stage.run(Duration::from_secs(1));
    stage.settle();
    assert_eq!(stage.live(), 3);
}

#[test]
fn a_protected_machine_holds_its_group_up_and_nothing_loops() {
    let mut stage = Stage::with_group(2, 2);
    let machine = stage.first_machine();
    stage.on_world(|world, caller| {
        let action = [("action", "enable_deletion_protection")];
        let parameters = action.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let action = tsg_sim::world::MachineAction::parse(&parameters).unwrap();
        world.act_on_machine(caller, &machine, action).unwrap();
    });
    stage.run(Duration::from_secs(30));
    stage.site.scale(0, 0, vec![stage.engine.handle.clone()]);
    stage.run(Duration::from_secs(600));
    assert_eq!(stage.live(), 1, "the other one is gone");
    assert!(stage.oracle.announcements() <= 4, "two creates and one delete: {:#?}", stage.oracle.timeline);
    let timeline = stage.oracle.timeline.len();
    stage.run(Duration::from_secs(1800));
    assert_eq!(stage.oracle.timeline.len(), timeline, "nothing more is recorded");
}

#[test]
fn a_group_that_cannot_be_read_does_not_stop_the_others() {
    let mut stage = Stage::with_group(3, 1);
    let key = Key { kind: Kind::Ledger, account: stage.site.account, id: group_id(7).to_string() };
    let store = stage.site.store.clone();
    stage.site.do_now(async move {
        let put = Put { key, value: b"{ not a ledger".to_vec() };
        store.commit_unlogged(Commit { puts: vec![put], ..Commit::default() }).await.unwrap();
    });
    let second = stage.site.start_engine();
    stage.site.executor.crash(stage.engine.task);
    stage.engine = second;
    stage.site.scale(0, 3, vec![stage.engine.handle.clone()]);
    stage.run(Duration::from_secs(1));
    stage.settle();
    assert_eq!(stage.live(), 3);
    assert!(stage.engine.handle.health().unreadable_groups.contains_key(&group_id(7)));
}

#[test]
fn refused_credentials_lock_the_account_until_they_are_taken_again() {
    let mut stage = Stage::with_group(4, 2);
    let skew = stage.on_world(|world, _| world.switch_fault(Fault::ClockOffset { offset_ms: 400_000 }.into()).unwrap());
    stage.on_world(|world, _| world.switch_fault(Fault::KillInstance { machine: Target::Any }.into()).unwrap());
    let before = stage.oracle.announcements();
    stage.run(Duration::from_secs(900));
    assert_eq!(stage.oracle.announcements(), before, "nothing is asked for blindly");
    stage.on_world(|world, _| world.clear_fault(skew));
    stage.settle();
    assert_eq!(stage.live(), 2);
    assert_eq!(stage.engine.handle.health().view.trust, ViewTrust::Trusted);
}

#[test]
fn a_machine_that_turns_up_after_its_operation_was_given_up_is_taken_in_and_let_go() {
    let mut stage = Stage::new(6);
    stage.on_world(|world, _| {
        let hidden = Fault::HideRecord { for_ms: 40 * 60 * 1000 };
        world.switch_fault(FaultRule::times(hidden, 1)).unwrap();
        world.switch_fault(FaultRule::times(Fault::LoseReply, 1).only(Operation::CreateMachine)).unwrap();
    });
    stage.site.make_group(0, 1, vec![stage.engine.handle.clone()]);
    stage.run(Duration::from_secs(300));
    assert_eq!(stage.live(), 1, "made, and nobody knows");
    stage.site.scale(0, 0, vec![stage.engine.handle.clone()]);
    stage.run(Duration::from_secs(25 * 60));
    assert!(stage.oracle.edges.contains(&(Phase::Unknown, Phase::Lost)), "{:#?}", stage.oracle.timeline);
    stage.site.scale(0, 1, vec![stage.engine.handle.clone()]);
    stage.run(Duration::from_secs(5 * 60));
    assert_eq!(stage.live(), 2, "another one was made meanwhile");
    stage.run(Duration::from_secs(15 * 60));
    stage.settle();
    assert!(stage.oracle.edges.contains(&(Phase::Lost, Phase::Bound)), "{:#?}", stage.oracle.timeline);
    assert_eq!(stage.live(), 1);
}

#[test]
fn a_stopped_engine_ends() {
    let mut stage = Stage::with_group(5, 1);
    let handle = Arc::new(stage.engine.handle.clone());
    handle.stop();
    let task = stage.engine.task;
    let deadline = stage.site.time.elapsed() + Duration::from_secs(10);
    let halt = stage.site.executor.run_until(deadline, |executor| executor.is_over(task));
    assert_eq!(halt, Halt::Satisfied);
}
