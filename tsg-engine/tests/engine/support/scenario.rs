//! Random scenarios: what the user does, what goes wrong, when engines die. Everything follows
//! from the seed, and a run is judged to its end.

use std::collections::BTreeSet;
use std::time::Duration;

use tsg_core::model::operation::Phase;
use tsg_engine::EngineHandle;
use tsg_sim::cloud::lock;
use tsg_sim::executor::Halt;
use tsg_sim::world::{Fault, FaultRule, LossAppearance, Operation, Rng, SimTime, Target, WorldSpec};

use super::oracle::{Oracle, Violation};
use super::ports::StoreFaults;
use super::site::{Running, Site, Wiring};

/// For how long things go wrong.
const CHAOS: Duration = Duration::from_secs(20 * 60);
/// How long after that everything must have settled: three quiet windows, the grace of a stuck
/// provisioning, the longest back-off, and some cycles.
const BOUND: Duration = Duration::from_secs(6 * 3600);
/// How long nothing may be asked for once everything has settled.
const CALM: Duration = Duration::from_secs(600);

/// Groups at most.
const GROUPS_MAX: u32 = 2;
/// How many groups are large enough for the view to come into doubt.
const LARGE_SHARE: f64 = 0.08;
/// How far the clock is off at most: beyond 300 s the data centre refuses every signature.
const CLOCK_OFF_MS: u64 = 250_000;
/// A protection is lifted within this.
const PROTECTION: Duration = Duration::from_secs(30);

/// Audit entries shown with a failure.
const STORY: usize = 40;

/// Something that happens at a moment.
#[derive(Debug, Clone, Copy)]
enum Act {
    MakeGroup {
        number: u32,
        capacity: u32,
    },
    Scale {
        number: u32,
        capacity: u32,
    },
    DeleteGroup {
        number: u32,
    },
    ChangeTemplate {
        number: u32,
    },
    Freeze {
        number: u32,
    },
    Unfreeze {
        number: u32,
    },
    Protect {
        choice: u64,
    },
    Unprotect,
    /// The credentials are refused from now on, or taken again.
    Deny {
        is_denied: bool,
    },
    /// The engines' wall clock is off by so much from now on.
    SetClock {
        offset_ms: i64,
    },
    CrashAfterPolls {
        polls: u64,
    },
    Crash,
    Pause {
        seconds: u64,
    },
    PauseInDispatch {
        seconds: u64,
    },
    StartSecond,
    StartIfNone,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub failure: Option<String>,
    pub trace: u64,
    /// The phase edges that were taken.
    pub edges: BTreeSet<(Phase, Phase)>,
    /// How many times an engine's view came into doubt.
    pub distrusts: u32,
}

/// Plays the scenario of a seed.
pub fn play(seed: u64, wiring: Wiring) -> Outcome {
    let mut play = Play::new(seed, wiring);
    let failure = play.run().err();
    Outcome {
        failure: failure.map(|failure| format!("{failure}\n{}", play.story())),
        trace: play.site.executor.trace(),
        edges: play.oracle.edges,
        distrusts: play.oracle.distrusts,
    }
}

struct Play {
    site: Site,
    oracle: Oracle,
    engines: Vec<Running>,
    rng: Rng,
    violation: Option<Violation>,
    /// The oldest engine is stopped for so long as soon as it has recorded that it will send.
    pause_in_dispatch: Option<Duration>,
}

impl Play {
    fn new(seed: u64, wiring: Wiring) -> Self {
        let site = Site::new(seed, WorldSpec::default(), wiring);
        Self {
            site,
            oracle: Oracle::default(),
            engines: Vec::new(),
            rng: Rng::for_purpose(seed, "scenario"),
            violation: None,
            pause_in_dispatch: None,
        }
    }

    fn run(&mut self) -> Result<(), String> {
        let acts = self.draw_acts();
        self.draw_faults();
        self.start();
        for (at, act) in acts {
            self.run_until(at)?;
            self.act(act);
            self.compare_store()?;
        }
        self.run_until(CHAOS)?;
        self.calm_down()?;
        self.settle()?;
        self.stay_calm()?;
        self.compare_store()
    }

    /// The end of what was recorded, for a person who looks into a failure.
    fn story(&self) -> String {
        let timeline = &self.oracle.timeline;
        timeline[timeline.len().saturating_sub(STORY)..].join("\n")
    }

    fn second(&mut self) -> Duration {
        Duration::from_millis(self.rng.below(CHAOS.as_millis() as u64))
    }

    fn draw_acts(&mut self) -> Vec<(Duration, Act)> {
        let groups = 1 + self.rng.below(u64::from(GROUPS_MAX)) as u32;
        let mut acts = Vec::new();
        for number in 0..groups {
            let is_large = self.rng.chance(LARGE_SHARE);
            let capacity = if is_large { 12 + self.rng.below(9) } else { self.rng.below(6) } as u32;
            acts.push((Duration::from_secs(u64::from(number)), Act::MakeGroup { number, capacity }));
            for _ in 0..self.rng.below(3) {
                let act = Act::Scale { number, capacity: self.rng.below(7) as u32 };
                acts.push((self.second(), act));
            }
            if self.rng.chance(0.1) {
                acts.push((self.second(), Act::DeleteGroup { number }));
            }
            if self.rng.chance(0.1) {
                acts.push((self.second(), Act::ChangeTemplate { number }));
            }
            if self.rng.chance(0.08) {
                let at = self.second();
                acts.push((at, Act::Freeze { number }));
                acts.push((at + Duration::from_secs(1 + self.rng.below(600)), Act::Unfreeze { number }));
            }
        }
        self.draw_customer(&mut acts);
        for _ in 0..self.rng.below(4) {
            let at = self.second();
            let act = match self.rng.below(5) {
                0 => Act::Crash,
                1 => Act::CrashAfterPolls { polls: 1 + self.rng.below(60) },
                2 => Act::Pause { seconds: 1 + self.rng.below(700) },
                3 => {
                    acts.push((at + Duration::from_secs(1), Act::StartSecond));
                    Act::PauseInDispatch { seconds: 1 + self.rng.below(2_400) }
                }
                _ => Act::StartSecond,
            };
            acts.push((at, act));
            acts.push((at + Duration::from_secs(1 + self.rng.below(90)), Act::StartIfNone));
        }
        acts.retain(|(at, _)| *at < CHAOS);
        acts.sort_by_key(|(at, _)| *at);
        acts
    }

    /// What the customer and the operators of the machines below us do.
    fn draw_customer(&mut self, acts: &mut Vec<(Duration, Act)>) {
        if self.rng.chance(0.15) {
            let at = self.second();
            acts.push((at, Act::Protect { choice: self.rng.next_u64() }));
            acts.push((at + Duration::from_secs(self.rng.below(900)), Act::Unprotect));
        }
        if self.rng.chance(0.1) {
            let at = self.second();
            acts.push((at, Act::Deny { is_denied: true }));
            acts.push((at + Duration::from_secs(1 + self.rng.below(400)), Act::Deny { is_denied: false }));
        }
        if self.rng.chance(0.1) {
            let offset_ms = self.rng.below(2 * CLOCK_OFF_MS) as i64 - CLOCK_OFF_MS as i64;
            acts.push((self.second(), Act::SetClock { offset_ms }));
        }
    }

    /// Each seed has its own few kinds of trouble, so that rare pairs meet.
    fn draw_faults(&mut self) {
        let hide_ms = 1_000 + self.rng.below(290_000);
        let menu = [
            FaultRule::rate(Fault::LoseReply, 0.2),
            FaultRule::rate(Fault::LoseReply, 0.6).only(Operation::CreateMachine),
            FaultRule::rate(Fault::LoseRequest, 0.2),
            FaultRule::rate(Fault::LoseRequest, 0.5).only(Operation::CreateMachine),
            FaultRule::rate(Fault::HideRecord { for_ms: hide_ms }, 0.5),
            FaultRule::rate(Fault::ThrottleStorm, 0.3),
            FaultRule::rate(Fault::ProxyUnavailable, 0.3),
            FaultRule::rate(Fault::InternalError, 0.2),
            FaultRule::rate(Fault::ErrorAfterCreate, 0.5),
            FaultRule::rate(Fault::FailProvision, 0.4),
            FaultRule::rate(Fault::StickProvision, 0.1),
            FaultRule::rate(Fault::IgnoreDelete, 0.4),
            FaultRule::rate(Fault::NameRace, 0.5),
            FaultRule::rate(Fault::QuotaReached, 0.4),
            FaultRule::rate(Fault::NoCapacity, 0.4),
            FaultRule::rate(Fault::AccountDisabled, 0.3),
            Fault::ReadOnly { retry_after_s: Some(30) }.into(),
        ];
        for rule in menu {
            if self.rng.chance(0.2) {
                let (from, until) = self.window();
                lock(&self.site.world).switch_fault(rule.between(from, until)).unwrap();
            }
        }
        self.draw_blows();
        let is_store_bad = self.rng.chance(0.3);
        if is_store_bad {
            self.site.store.set_faults(StoreFaults { unavailable: 0.05, ambiguous: 0.1 });
        }
    }

    /// Blows from outside: machines killed and stopped, compute nodes lost for a while.
    fn draw_blows(&mut self) {
        for _ in 0..self.rng.below(4) {
            let (from, until) = self.window();
            let machine = Target::Any;
            let mut world = lock(&self.site.world);
            let blow = match self.rng.below(3) {
                0 => Fault::KillInstance { machine },
                1 => Fault::StopInstance { machine },
                _ => {
                    let down = Fault::ServerDown { server: Target::Any, appearance: LossAppearance::Unknown };
                    // One alone, or most of them at the same moment.
                    let others = if self.rng.chance(0.3) { 9 } else { 0 };
                    for _ in 0..others {
                        world.switch_fault(FaultRule { from: Some(from), ..down.clone().into() }).unwrap();
                    }
                    for _ in 0..=others {
                        let up = FaultRule { from: Some(until), ..Fault::ServerUp { server: Target::Any }.into() };
                        world.switch_fault(up).unwrap();
                    }
                    down
                }
            };
            world.switch_fault(FaultRule { from: Some(from), ..blow.into() }).unwrap();
        }
    }

    fn window(&mut self) -> (SimTime, SimTime) {
        let start = lock(&self.site.world).now();
        let (a, b) = (self.second(), self.second());
        let at = |moment: Duration| start.plus_ms(moment.as_millis() as u64);
        (at(a.min(b)), at(a.max(b)))
    }

    fn start(&mut self) {
        let engine = self.site.start_engine();
        self.engines.push(engine);
    }

    fn handles(&self) -> Vec<EngineHandle> {
        self.engines.iter().map(|engine| engine.handle.clone()).collect()
    }

    fn act(&mut self, act: Act) {
        let site = &mut self.site;
        self.engines.retain(|engine| !site.executor.is_over(engine.task));
        let engines = self.handles();
        let oldest = self.engines.first().map(|engine| engine.task);
        match (act, oldest) {
            (Act::MakeGroup { number, capacity }, _) => self.site.make_group(number, capacity, engines),
            (Act::Scale { number, capacity }, _) => self.site.scale(number, capacity, engines),
            (Act::DeleteGroup { number }, _) => self.site.delete_group(number, engines),
            (Act::ChangeTemplate { number }, _) => self.site.change_template(number, engines),
            (Act::Freeze { number }, _) => self.site.freeze(number, Some("a look at it"), engines),
            (Act::Unfreeze { number }, _) => self.site.freeze(number, None, engines),
            (Act::Protect { choice }, _) => self.site.protect_one(choice),
            (Act::Unprotect, _) => self.site.unprotect_all(),
            (Act::Deny { is_denied }, _) => self.site.store.journal.deny(is_denied),
            (Act::SetClock { offset_ms }, _) => {
                self.oracle.clock_off = self.oracle.clock_off.max(Duration::from_millis(offset_ms.unsigned_abs()));
                self.site.time.set_wall_offset_ms(offset_ms);
            }
            (Act::CrashAfterPolls { polls }, Some(task)) => self.site.executor.crash_after_polls(task, polls),
            (Act::Crash, Some(task)) => {
                self.site.executor.crash(task);
                self.site.store.crash();
            }
            (Act::Pause { seconds }, Some(task)) => {
                let now = self.site.time.elapsed();
                self.site.executor.pause_at(task, now + Duration::from_millis(1), Duration::from_secs(seconds));
            }
            (Act::PauseInDispatch { seconds }, _) => self.pause_in_dispatch = Some(Duration::from_secs(seconds)),
            (Act::StartSecond, _) if self.engines.len() < 2 => self.start(),
            (Act::StartIfNone, None) => self.start(),
            _ => {}
        }
    }

    /// What was applied is in the store, whatever crashed meanwhile, and nothing else.
    fn compare_store(&mut self) -> Result<(), String> {
        self.violation = self.oracle.compare(&self.site.store.contents()).err();
        self.judge()
    }

    fn judge(&mut self) -> Result<(), String> {
        match &self.violation {
            None => Ok(()),
            Some(violation) => Err(format!(
                "invariant {} broken {} s after the start: {}",
                violation.invariant,
                self.site.time.elapsed().as_secs(),
                violation.what
            )),
        }
    }

    /// Runs to a moment and judges every step on the way.
    fn run_until(&mut self, moment: Duration) -> Result<(), String> {
        loop {
            let Self { site, oracle, violation, pause_in_dispatch, .. } = self;
            let (world, time, store) = (site.world.clone(), site.time.clone(), site.store.clone());
            let announced = oracle.creates_announced();
            let halt = site.executor.run_until(moment, |_| {
                Site::catch_up(&world, &time);
                *violation = oracle.judge(&store.news(oracle.progress()), &lock(&world)).err();
                let is_dispatching = pause_in_dispatch.is_some() && oracle.creates_announced() > announced;
                violation.is_some() || is_dispatching
            });
            self.judge()?;
            if halt != Halt::Satisfied {
                return Ok(());
            }
            let engine = self.engines.iter().find(|engine| !self.site.executor.is_over(engine.task));
            if let (Some(length), Some(engine)) = (self.pause_in_dispatch.take(), engine) {
                self.site.executor.pause_at(engine.task, self.site.time.elapsed(), length);
            }
        }
    }

    /// Everything that was wrong is put right; protections go once their machines answer again.
    fn calm_down(&mut self) -> Result<(), String> {
        self.site.store.set_faults(StoreFaults::default());
        self.site.store.journal.deny(false);
        self.site.time.set_wall_offset_ms(0);
        {
            let mut world = lock(&self.site.world);
            world.clear_faults();
            let up = FaultRule::from(Fault::ServerUp { server: Target::Any });
            for _ in 0..12 {
                let _ = world.switch_fault(up.clone());
            }
        }
        let groups: Vec<_> = (0..GROUPS_MAX).collect();
        groups.into_iter().for_each(|number| self.act(Act::Unfreeze { number }));
        for _ in 0..3 {
            self.act(Act::Unprotect);
            self.run_until(self.site.time.elapsed() + PROTECTION)?;
        }
        Ok(())
    }

    /// Every group comes to what its user wants.
    fn settle(&mut self) -> Result<(), String> {
        loop {
            // A crash that was planned before may still come.
            self.act(Act::StartIfNone);
            let Self { site, oracle, engines, violation, .. } = self;
            let (world, time, store) = (site.world.clone(), site.time.clone(), site.store.clone());
            let halt = site.executor.run_until(CHAOS + BOUND, |executor| {
                Site::catch_up(&world, &time);
                let world = lock(&world);
                *violation = oracle.judge(&store.news(oracle.progress()), &world).err();
                let is_dead = engines.iter().all(|engine| executor.is_over(engine.task));
                violation.is_some() || is_dead || oracle.unsettled(&world).is_none()
            });
            self.judge()?;
            match (halt, self.oracle.unsettled(&lock(&self.site.world))) {
                (Halt::Satisfied, None) => return Ok(()),
                (Halt::Satisfied, Some(_)) => {}
                (halt, why) => {
                    return Err(format!("invariant 33: not settled ({halt:?}): {}", why.unwrap_or_default()));
                }
            }
        }
    }

    /// And then nothing more is asked for.
    fn stay_calm(&mut self) -> Result<(), String> {
        let before = self.oracle.announcements();
        let moment = self.site.time.elapsed() + CALM;
        self.run_until(moment)?;
        match self.oracle.announcements() {
            after if after == before => Ok(()),
            after => Err(format!("invariant 33: {} requests after everything had settled", after - before)),
        }
    }
}
