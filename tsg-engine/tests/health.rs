//! What the production engine makes of verdicts: who is repaired, who is left alone, and what does
//! not count before it has proved itself.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::oracle::Oracle;
use support::site::{Running, Site, Wiring, group_id};
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::verdict::Judgement;
use tsg_core::model::id::{GroupId, InstanceId};
use tsg_core::model::policy::Policy;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::Verdict;
use tsg_core::plan::output::{Block, Class};
use tsg_core::ports::{Clock as _, Health};
use tsg_engine::GroupView;
use tsg_sim::cloud::lock;
use tsg_sim::virtual_time::VirtualTime;
use tsg_sim::world::{Operation, TruthEvent, WorldSpec};

const MINUTE: Duration = Duration::from_secs(60);

/// Believes what it is told to.
struct Clinic {
    time: Mutex<Option<VirtualTime>>,
    of_all: Mutex<(Verdict, Timestamp)>,
    of_one: Mutex<BTreeMap<InstanceId, (Verdict, Timestamp)>>,
    changed: Mutex<Vec<GroupId>>,
}

impl Clinic {
    fn believing(verdict: Verdict) -> Arc<Self> {
        let of_all = Mutex::new((verdict, Timestamp::EPOCH));
        Arc::new(Self { time: Mutex::default(), of_all, of_one: Mutex::default(), changed: Mutex::default() })
    }

    fn now(&self) -> Timestamp {
        self.time.lock().unwrap().as_ref().map(|time| time.now()).unwrap_or_default()
    }

    fn believe(&self, verdict: Verdict) {
        *self.of_all.lock().unwrap() = (verdict, self.now());
        self.changed.lock().unwrap().push(group_id(0));
    }

    fn believe_of(&self, instance: InstanceId, verdict: Verdict) {
        self.of_one.lock().unwrap().insert(instance, (verdict, self.now()));
        self.changed.lock().unwrap().push(group_id(0));
    }
}

impl Health for Clinic {
    fn judgement(&self, instance: InstanceId) -> Option<Judgement> {
        let known = self.of_one.lock().unwrap().get(&instance).copied();
        let (verdict, since) = known.unwrap_or(*self.of_all.lock().unwrap());
        Some(Judgement { verdict, ..Judgement::unknown(since) })
    }

    fn take_changed(&self) -> Vec<GroupId> {
        std::mem::take(&mut self.changed.lock().unwrap())
    }
}

struct Stage {
    site: Site,
    oracle: Oracle,
    engine: Running,
    clinic: Arc<Clinic>,
}

impl Stage {
    /// A group of three with a check, once its machines run.
    fn new(seed: u64, policy: &str, clinic: Arc<Clinic>) -> Self {
        let mut site = Site::new(seed, WorldSpec::default(), Wiring::default());
        *clinic.time.lock().unwrap() = Some(site.time.clone());
        site.health = Some(clinic.clone());
        site.policy = Box::new(serde_json::from_str::<Policy>(policy).unwrap());
        site.checks = Some(Box::new(HealthSpec::of(vec!["http:8080/ping".parse().unwrap()])));
        let engine = site.start_engine();
        site.make_group(0, 3, vec![engine.handle.clone()]);
        let mut stage = Self { site, oracle: Oracle::default(), engine, clinic };
        stage.run(10 * MINUTE);
        assert_eq!(stage.machines().len(), 3);
        stage
    }

    /// Lets time pass, judged.
    fn run(&mut self, length: Duration) {
        self.site.run_judged(&mut self.oracle, length);
    }

    fn news(&self) {
        self.engine.handle.note_health();
    }

    fn view(&self) -> Arc<GroupView> {
        self.engine.handle.group(group_id(0)).unwrap()
    }

    fn machines(&self) -> Vec<InstanceId> {
        let world = lock(&self.site.world);
        world.live_machines(self.site.world_account).map(|machine| InstanceId::new(machine.id.0)).collect()
    }

    fn count(&self, class: Class) -> u32 {
        self.view().report.as_ref().unwrap().counts.of(class)
    }

    /// Restarts that reached the cloud.
    fn restarts(&self) -> usize {
        let world = lock(&self.site.world);
        let is_restart = |event: &TruthEvent| {
            matches!(event, TruthEvent::RequestReceived { operation: Operation::ActOnMachine, .. })
        };
        world.truth().iter().filter(|record| is_restart(&record.event)).count()
    }
}

#[test]
fn one_that_fails_is_restarted_then_replaced_and_the_others_are_left_alone() {
    let policy = r#"{"restart": {"attempts": 1, "delay": "5s"}, "replace": {"delay": "5s"}}"#;
    let mut stage = Stage::new(1, policy, Clinic::believing(Verdict::Healthy));
    // Past the time in which nobody is replaced for being slow to come up.
    stage.run(65 * MINUTE);
    let before = stage.machines();
    stage.clinic.believe_of(before[0], Verdict::Unhealthy);
    stage.news();
    stage.run(Duration::from_secs(1));
    assert_eq!((stage.count(Class::Unhealthy), stage.count(Class::Serving)), (1, 2));
    stage.run(30 * MINUTE);
    let after = stage.machines();
    assert_eq!(after.len(), 3);
    assert!(!after.contains(&before[0]), "it was replaced");
    assert!(after.contains(&before[1]) && after.contains(&before[2]), "the others were left alone");
    assert_eq!((stage.restarts(), stage.count(Class::Serving)), (1, 3));
}

#[test]
fn an_instance_serves_only_once_it_passes() {
    let mut stage = Stage::new(2, "{}", Clinic::believing(Verdict::Starting));
    assert_eq!((stage.count(Class::Starting), stage.count(Class::Serving)), (3, 0));
    stage.clinic.believe(Verdict::Healthy);
    stage.news();
    stage.run(MINUTE);
    assert_eq!((stage.count(Class::Starting), stage.count(Class::Serving)), (0, 3));
    let health = stage.view().members[0].health.unwrap();
    assert_eq!(health.verdict, Verdict::Healthy);
}

#[test]
fn where_all_fail_nothing_is_touched() {
    let mut stage = Stage::new(3, "{}", Clinic::believing(Verdict::Healthy));
    let before = stage.machines();
    stage.clinic.believe(Verdict::Unhealthy);
    stage.news();
    stage.run(60 * MINUTE);
    assert_eq!((stage.machines(), stage.restarts()), (before, 0));
    let view = stage.view();
    let blocks = &view.report.as_ref().unwrap().blocks;
    assert!(blocks.iter().any(|block| matches!(block, Block::TooManyUnhealthy { .. })), "{blocks:?}");
}

#[test]
fn what_nobody_can_tell_changes_nothing() {
    let mut stage = Stage::new(4, "{}", Clinic::believing(Verdict::Healthy));
    let before = stage.machines();
    stage.clinic.believe(Verdict::Unknown);
    stage.news();
    stage.run(60 * MINUTE);
    assert_eq!((stage.machines(), stage.count(Class::Serving)), (before, 3));
}
