//! A group whose instances are asked how they are, and somebody who answers for them.
//!
//! Owns what is believed. Must never look at the instances: a test says how they are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tsg_core::health::contact::Contact;
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::verdict::Judgement;
use tsg_core::model::id::{GroupId, InstanceId};
use tsg_core::model::policy::Policy;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::Verdict;
use tsg_core::plan::output::Class;
use tsg_core::ports::{Clock as _, Health};
use tsg_engine::{Explanation, GroupView, Occurrence, Rehearsal, Repair, Topic};
use tsg_sim::cloud::lock;
use tsg_sim::virtual_time::VirtualTime;
use tsg_sim::world::{Operation, TruthEvent, WorldSpec};

use super::diary::Diary;
use super::oracle::Oracle;
use super::site::{Running, Site, Wiring, group_id};

pub const MINUTE: Duration = Duration::from_secs(60);

/// Believes what it is told to.
pub struct Clinic {
    time: Mutex<Option<VirtualTime>>,
    of_all: Mutex<(Verdict, Timestamp)>,
    of_one: Mutex<BTreeMap<InstanceId, (Verdict, Timestamp)>>,
    heard: Mutex<BTreeMap<InstanceId, Contact>>,
    changed: Mutex<Vec<GroupId>>,
}

impl Clinic {
    pub fn believing(verdict: Verdict) -> Arc<Self> {
        let of_all = Mutex::new((verdict, Timestamp::EPOCH));
        let (time, of_one, heard) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { time, of_all, of_one, heard, changed: Mutex::default() })
    }

    fn now(&self) -> Timestamp {
        self.time.lock().unwrap().as_ref().map(|time| time.now()).unwrap_or_default()
    }

    pub fn believe(&self, verdict: Verdict) {
        *self.of_all.lock().unwrap() = (verdict, self.now());
        self.changed.lock().unwrap().push(group_id(0));
    }

    /// What is heard of one that fails, which is no news of its health.
    pub fn hear_of(&self, instance: InstanceId, contact: Contact) {
        self.heard.lock().unwrap().insert(instance, contact);
    }

    pub fn believe_of(&self, instance: InstanceId, verdict: Verdict) {
        self.of_one.lock().unwrap().insert(instance, (verdict, self.now()));
        self.changed.lock().unwrap().push(group_id(0));
    }
}

impl Health for Clinic {
    fn judgement(&self, instance: InstanceId) -> Option<Judgement> {
        let known = self.of_one.lock().unwrap().get(&instance).copied();
        let (verdict, since) = known.unwrap_or(*self.of_all.lock().unwrap());
        let is_ready = matches!(verdict, Verdict::Healthy | Verdict::Unknown);
        Some(Judgement { verdict, is_ready, ..Judgement::unknown(since) })
    }

    fn contact(&self, instance: InstanceId) -> Contact {
        self.heard.lock().unwrap().get(&instance).copied().unwrap_or(Contact::Silent)
    }

    fn take_changed(&self) -> Vec<GroupId> {
        std::mem::take(&mut self.changed.lock().unwrap())
    }
}

pub struct Stage {
    pub site: Site,
    pub oracle: Oracle,
    pub engine: Running,
    pub clinic: Arc<Clinic>,
    pub diary: Arc<Diary>,
}

impl Stage {
    /// A group of three with a check, once its machines run.
    pub fn new(seed: u64, policy: &str, clinic: Arc<Clinic>) -> Self {
        Self::at(Site::new(seed, WorldSpec::default(), Wiring::default()), policy, clinic)
    }

    /// The same at a site that was made ready for it.
    pub fn at(site: Site, policy: &str, clinic: Arc<Clinic>) -> Self {
        Self::of(site, 3, policy, clinic)
    }

    /// The same with so many instances.
    pub fn of(mut site: Site, capacity: u32, policy: &str, clinic: Arc<Clinic>) -> Self {
        *clinic.time.lock().unwrap() = Some(site.time.clone());
        let diary = Arc::new(Diary::default());
        site.health = Some(clinic.clone());
        site.witness = Some(diary.clone());
        site.policy = Box::new(serde_json::from_str::<Policy>(policy).unwrap());
        site.checks = Some(Box::new(HealthSpec::of(vec!["http:8080/ping".parse().unwrap()])));
        let engine = site.start_engine();
        site.make_group(0, capacity, vec![engine.handle.clone()]);
        let mut stage = Self { site, oracle: Oracle::default(), engine, clinic, diary };
        stage.run(10 * MINUTE);
        assert_eq!(stage.machines().len(), capacity as usize);
        stage
    }

    /// Lets time pass, judged.
    pub fn run(&mut self, length: Duration) {
        self.site.run_judged(&mut self.oracle, length);
    }

    /// Lets time pass while whoever is restarted is judged as the ward judges it: it failed, and has
    /// not passed since.
    pub fn run_recovering(&mut self, length: Duration) {
        for _ in 0..length.as_secs() {
            self.diary.take();
            self.run(Duration::from_secs(1));
            let restarted = self.diary.what().into_iter().filter_map(|what| match what {
                Occurrence::Repaired { of, by: Repair::Restart, .. } => of.instance,
                _ => None,
            });
            restarted.for_each(|instance| self.clinic.believe_of(instance, Verdict::Recovering));
            self.news();
        }
    }

    pub fn news(&self) {
        self.engine.handle.note_health();
    }

    pub fn view(&self) -> Arc<GroupView> {
        self.engine.handle.group(group_id(0)).unwrap()
    }

    pub fn machines(&self) -> Vec<InstanceId> {
        let world = lock(&self.site.world);
        world.live_machines(self.site.world_account).map(|machine| InstanceId::new(machine.id.0)).collect()
    }

    pub fn count(&self, class: Class) -> u32 {
        self.view().report.as_ref().unwrap().counts.of(class)
    }

    /// What the engine would do, with another capacity or its own.
    pub fn rehearse(&mut self, capacity: Option<u32>) -> Rehearsal {
        let (handle, heard) = (self.engine.handle.clone(), Arc::<Mutex<Option<Rehearsal>>>::default());
        let note = heard.clone();
        self.site.do_now(async move {
            *note.lock().unwrap() = handle.rehearse(group_id(0), capacity).await.map(Result::unwrap);
        });
        heard.lock().unwrap().take().unwrap()
    }

    /// Why the group, or an instance of it, stands as it does.
    pub fn explain(&mut self, topic: Topic) -> Explanation {
        let (handle, heard) = (self.engine.handle.clone(), Arc::<Mutex<Option<Explanation>>>::default());
        let note = heard.clone();
        self.site.do_now(async move {
            *note.lock().unwrap() = handle.explain(group_id(0), topic).await.map(Result::unwrap);
        });
        heard.lock().unwrap().take().unwrap()
    }

    /// Restarts that reached the cloud.
    pub fn restarts(&self) -> usize {
        let world = lock(&self.site.world);
        let is_restart = |event: &TruthEvent| {
            matches!(event, TruthEvent::RequestReceived { operation: Operation::ActOnMachine, .. })
        };
        world.truth().iter().filter(|record| is_restart(&record.event)).count()
    }
}
