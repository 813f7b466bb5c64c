//! A hundred thousand targets and what is heard of them.
//!
//! Owns the facts that are fed to the policy, and the loop that it is compared with. Must never
//! hand both of them anything but the same facts in the same order.

pub mod workload;

use std::sync::Arc;
use std::time::Duration;

use tsg_core::health::fact::{Fact, Failure, Outcome};
use tsg_core::health::pulse::{Pulse, Thresholds};
use tsg_core::health::rota::{Ended, Rota};
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::ward::{Target, Ward};
use tsg_core::model::id::{GroupId, InstanceId};
use tsg_core::model::time::Timestamp;
use uuid::Uuid;

use crate::seeded::Seeded;

/// So many are probed.
pub const TARGETS: u32 = 100_000;
/// From one probe of a target to the next.
pub const INTERVAL_MS: i64 = 10_000;
/// How often it is asked what is due.
const LOOK_MS: i64 = 5;
/// Instances of a group.
const GROUP: usize = 100;

/// What the probes of one interval found, in the order in which they ended.
#[derive(Debug, Clone)]
pub struct Round {
    facts: Vec<(u32, Outcome)>,
}

impl Round {
    /// One target in a hundred fails, others each time.
    pub fn drawn(seed: u64) -> Self {
        let mut seeded = Seeded::new(seed);
        let outcome = |seeded: &mut Seeded| match seeded.below(100) {
            0 => Outcome::Failed(Failure::Refused),
            _ => Outcome::Passed,
        };
        let mut facts: Vec<(u32, Outcome)> = (0..TARGETS).map(|target| (target, outcome(&mut seeded))).collect();
        seeded.shuffle(&mut facts);
        Self { facts }
    }
}

/// The time after so many intervals.
fn after(rounds: i64) -> Timestamp {
    Timestamp::from_millis(rounds * INTERVAL_MS)
}

/// The defaults of a check.
///
/// # Panics
/// Never: the check is one.
fn health() -> HealthSpec {
    HealthSpec::of("http:8080/ping".parse().into_iter().collect())
}

/// What everybody keeps of a target: 32 bytes, and one counter of failures.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    newest: i64,
    failures: u64,
    is_down: bool,
    _rest: u64,
}

const _: () = assert!(size_of::<State>() == 32, "as large as a pulse");

/// The reference: a loop over such states, which knows no start window, no damping and no silence.
#[derive(Debug, Clone)]
pub struct StateLoop {
    states: Vec<State>,
    rounds: i64,
}

impl StateLoop {
    /// Of targets that are well.
    pub fn new() -> Self {
        Self { states: vec![State::default(); TARGETS as usize], rounds: 0 }
    }

    /// Takes one round in; tells how many are down.
    pub fn take(&mut self, round: &Round) -> u32 {
        self.rounds += 1;
        let at = after(self.rounds).as_millis();
        let mut down = 0;
        for (target, outcome) in &round.facts {
            let state = &mut self.states[*target as usize];
            state.newest = at;
            state.failures = if *outcome == Outcome::Passed { 0 } else { state.failures + 1 };
            state.is_down = state.failures >= 3;
            down += u32::from(state.is_down);
        }
        down
    }
}

impl Default for StateLoop {
    fn default() -> Self {
        Self::new()
    }
}

/// The policy: one pulse for each target.
#[derive(Debug, Clone)]
pub struct Pulses {
    pulses: Vec<Pulse>,
    thresholds: Thresholds,
    rounds: i64,
}

impl Pulses {
    /// Of targets that are well.
    pub fn new() -> Self {
        let health = health();
        let thresholds = Thresholds::of(&health, &health.checks[0]);
        let mut pulse = Pulse::unknown(Timestamp::EPOCH);
        for round in 1..=2 {
            pulse.note(Outcome::Passed, after(round), &thresholds);
        }
        Self { pulses: vec![pulse; TARGETS as usize], thresholds, rounds: 2 }
    }

    /// Takes one round in; tells how many changed.
    pub fn take(&mut self, round: &Round) -> u32 {
        self.rounds += 1;
        let at = after(self.rounds);
        let mut changed = 0;
        for (target, outcome) in &round.facts {
            changed += u32::from(self.pulses[*target as usize].note(*outcome, at, &self.thresholds));
        }
        changed
    }
}

impl Default for Pulses {
    fn default() -> Self {
        Self::new()
    }
}

/// The rota: one timer for each target.
#[derive(Debug, Clone)]
pub struct Beats {
    rota: Rota,
    due: Vec<u32>,
    now: i64,
}

impl Beats {
    /// All of them, spread over an interval.
    pub fn new(seed: u64) -> Self {
        let mut rota = Rota::new(Timestamp::EPOCH);
        let pacing = health().checks[0].pacing;
        let mut seeded = Seeded::new(seed);
        for target in 0..TARGETS {
            rota.set(target, instance(seeded.draw_wide()), 0, &pacing, Timestamp::EPOCH);
        }
        Self { rota, due: Vec::new(), now: 0 }
    }

    /// One interval passes; tells how many probes were due.
    pub fn pass(&mut self) -> usize {
        let mut probes = 0;
        for _ in 0..INTERVAL_MS / LOOK_MS {
            self.now += LOOK_MS;
            let now = Timestamp::from_millis(self.now);
            self.rota.due(now, &mut self.due);
            probes += self.due.len();
            for target in self.due.drain(..) {
                self.rota.done(target, Ended::Well, now);
            }
        }
        probes
    }
}

fn instance(bits: u128) -> InstanceId {
    InstanceId::new(Uuid::from_u128(bits))
}

/// A ward that hears of its instances by their ids.
#[derive(Debug, Clone)]
pub struct Hospital {
    ward: Ward,
    instances: Vec<InstanceId>,
    rounds: i64,
}

impl Hospital {
    /// In groups of a hundred, all of them well.
    pub fn new(seed: u64) -> Self {
        let mut seeded = Seeded::new(seed);
        let instances: Vec<InstanceId> = (0..TARGETS).map(|_| instance(seeded.draw_wide())).collect();
        let (mut ward, health) = (Ward::new(Timestamp::EPOCH), Arc::new(health()));
        for members in instances.chunks(GROUP) {
            let target = |instance: &InstanceId| Target {
                instance: *instance,
                began_at: Timestamp::EPOCH,
                has_served: true,
                was_ready: true,
            };
            let targets: Vec<Target> = members.iter().map(target).collect();
            ward.set_group(GroupId::new(Uuid::from_u128(seeded.draw_wide())), &health, &targets, Timestamp::EPOCH);
        }
        Self { ward, instances, rounds: 0 }
    }

    /// Takes one round in; tells how many groups changed.
    pub fn take(&mut self, round: &Round) -> usize {
        self.rounds += 1;
        let now = after(self.rounds);
        for (target, outcome) in &round.facts {
            let fact = Fact { at: now, took: Duration::ZERO, outcome: *outcome };
            self.ward.note(0, self.instances[*target as usize], 0, fact, now);
        }
        self.ward.advance(now);
        self.ward.take_changed().len()
    }
}
