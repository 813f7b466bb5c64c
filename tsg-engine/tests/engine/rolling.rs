//! Rolling updates of the production engine under faults: the engine dies anywhere, replies are
//! lost, and still the group is never above capacity and surge, arrives at its new revision, and
//! the revision is marked stable.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::oracle::Oracle;
use crate::support::ports::StoreFaults;
use crate::support::site::{Running, Site, Wiring, group_id};
use tsg_core::model::amount::Amount;
use tsg_core::model::operation::Phase;
use tsg_core::model::policy::Policy;
use tsg_core::model::span::Span;
use tsg_core::plan::memory::RolloutState;
use tsg_sim::cloud::lock;
use tsg_sim::executor::Halt;
use tsg_sim::world::{Fault, FaultRule, MachineId, Operation, Rng, Scalar, WorldSpec};

/// One quiet window for each step that loses its reply, and what follows from it.
const BOUND: Duration = Duration::from_secs(12 * 3600);
/// For how long requests and replies are lost.
const TROUBLE: Duration = Duration::from_secs(1800);
const SEEDS: u64 = 60;
const CAPACITY: u32 = 3;

struct Run {
    site: Site,
    oracle: Oracle,
    engine: Running,
    rng: Rng,
    at: String,
}

impl Run {
    fn begin(seed: u64) -> Self {
        let mut site = Site::new(seed, WorldSpec::default(), Wiring::default());
        let mut rng = Rng::for_purpose(seed, "rolling");
        site.policy = policy(&mut rng);
        let engine = site.start_engine();
        site.make_group(0, CAPACITY, vec![engine.handle.clone()]);
        let mut run = Self { site, oracle: Oracle::default(), engine, rng, at: format!("seed {seed}") };
        run.settle(1);
        run
    }

    /// A new template, while requests and replies are lost and the engine dies.
    fn update(&mut self) {
        let start = lock(&self.site.world).now();
        let rules = [
            FaultRule::rate(Fault::LoseReply, 0.2),
            FaultRule::rate(Fault::LoseRequest, 0.2),
            FaultRule::rate(Fault::LoseReply, 0.5).only(Operation::CreateMachine),
            FaultRule::rate(Fault::InternalError, 0.2),
            FaultRule::rate(Fault::ThrottleStorm, 0.2),
            FaultRule::rate(Fault::IgnoreDelete, 0.4),
        ];
        for rule in rules {
            if self.rng.chance(0.3) {
                let rule = rule.between(start, start.plus_ms(TROUBLE.as_millis() as u64));
                lock(&self.site.world).switch_fault(rule).unwrap();
            }
        }
        if self.rng.chance(0.3) {
            self.site.store.set_faults(StoreFaults { unavailable: 0.05, ambiguous: 0.1 });
        }
        self.site.change_template(0, vec![self.engine.handle.clone()]);
        for _ in 0..self.rng.below(4) {
            let polls = 1 + self.rng.below(400);
            self.site.executor.crash_after_polls(self.engine.task, polls);
            let pause = Duration::from_secs(1 + self.rng.below(300));
            self.run_for(pause);
        }
        self.run_for(TROUBLE);
        self.site.store.set_faults(StoreFaults::default());
        lock(&self.site.world).clear_faults();
    }

    fn run_for(&mut self, length: Duration) {
        let deadline = self.site.time.elapsed() + length;
        while self.site.time.elapsed() < deadline {
            self.run_until(deadline, |_| false);
        }
    }

    /// Runs, judged, until a moment, `is_over`, or the engine is dead; then there is another.
    fn run_until(&mut self, deadline: Duration, is_over: impl Fn(&Oracle) -> bool) -> Halt {
        let Self { site, oracle, engine, at, .. } = self;
        let (world, time, store) = (site.world.clone(), site.time.clone(), site.store.clone());
        let halt = site.executor.run_until(deadline, |executor| {
            Site::catch_up(&world, &time);
            let world = lock(&world);
            oracle.judge(&store.news(oracle.progress()), &world).unwrap_or_else(|violation| {
                panic!("{at}: {violation:?}\n{}", oracle.timeline.join("\n"));
            });
            executor.is_over(engine.task) || (is_over(oracle) && oracle.unsettled(&world).is_none())
        });
        if site.executor.is_over(engine.task) {
            self.engine = self.site.start_engine();
        }
        halt
    }

    /// Runs until everybody is of this revision, and it is stable.
    fn settle(&mut self, revision: u32) {
        let deadline = self.site.time.elapsed() + BOUND;
        let is_there = |oracle: &Oracle| {
            let open = || oracle.operations.values().filter(|operation| !operation.phase.is_closed());
            let is_done = |operation: &tsg_core::model::operation::Operation| {
                operation.revision == revision && operation.errand.is_none() && operation.phase == Phase::Ready
            };
            oracle.stable(group_id(0)) == revision && open().all(is_done)
        };
        loop {
            let halt = self.run_until(deadline, is_there);
            let is_settled = self.oracle.unsettled(&lock(&self.site.world)).is_none();
            if halt == Halt::Satisfied && is_settled && is_there(&self.oracle) {
                return;
            }
            if halt != Halt::Satisfied {
                let why = self.oracle.unsettled(&lock(&self.site.world));
                let memory = self.oracle.memory(group_id(0));
                panic!("{}: revision {revision} {why:?} {memory:?}\n{}", self.at, self.oracle.timeline.join("\n"));
            }
        }
    }

    /// What the machines' own tags say of the revision, and how many say so.
    fn tagged(&self) -> BTreeMap<(String, bool), u32> {
        let world = lock(&self.site.world);
        let mut tagged = BTreeMap::new();
        for machine in world.live_machines(self.site.world_account) {
            let text = |key: &str| match machine.tags.get(key) {
                Some(Scalar::Text(text)) => text.clone(),
                _ => String::new(),
            };
            *tagged.entry((text("tsgver"), text("role") == "edge")).or_default() += 1;
        }
        tagged
    }

    fn machines(&self) -> Vec<MachineId> {
        let world = lock(&self.site.world);
        let mut ids: Vec<_> = world.live_machines(self.site.world_account).map(|machine| machine.id).collect();
        ids.sort_unstable();
        ids
    }
}

/// Rolling, with deadlines that a lost reply does not run into.
fn policy(rng: &mut Rng) -> Box<Policy> {
    let mut policy = Box::<Policy>::default();
    policy.update.max_surge = Amount::Count(1 + rng.below(2) as u32);
    policy.update.max_unavailable = Amount::Count(rng.below(2) as u32);
    policy.update.healthy_deadline = Span::from_hours(4);
    policy.update.progress_deadline = Span::from_hours(11);
    policy.update.bake_time = Span::from_secs(rng.below(120));
    policy
}

#[test]
fn labels_change_in_place_and_the_new_revision_becomes_stable_whoever_crashes() {
    for seed in 0..SEEDS {
        let mut run = Run::begin(seed);
        let before = run.machines();
        run.update();
        run.settle(2);
        let labelled = BTreeMap::from([(("v2".to_owned(), true), CAPACITY)]);
        assert_eq!(run.tagged(), labelled, "{}", run.at);
        assert_eq!(run.machines(), before, "{}: nothing was replaced for a label", run.at);
    }
}

#[test]
fn another_image_takes_other_instances_and_never_more_than_the_surge() {
    for seed in 0..SEEDS {
        let mut run = Run::begin(seed);
        let before = run.machines();
        run.site.second_template = run.site.third_template;
        run.update();
        run.settle(2);
        let after = run.machines();
        assert!(before.iter().all(|id| !after.contains(id)), "{}: {before:?} {after:?}", run.at);
        let memory = run.oracle.memory(group_id(0)).unwrap();
        let states = [RolloutState::Successful];
        assert!(memory.rollout.course.is_none_or(|course| states.contains(&course.state)), "{}: {memory:?}", run.at);
    }
}
