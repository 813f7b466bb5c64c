//! The policy without any bookkeeping: every pulse is asked each time. Owns nothing but the order
//! in which its parts are called; must never take a short cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use tsg_core::health::fact::Fact;
use tsg_core::health::pulse::{Pulse, Thresholds};
use tsg_core::health::quorum::{Ability, Poll};
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::verdict::{Finding, Judgement};
use tsg_core::model::time::Timestamp;

use super::Judge;

pub struct Plain {
    health: Arc<HealthSpec>,
    began_at: Timestamp,
    has_served: bool,
    abilities: BTreeMap<u16, Ability>,
    pulses: BTreeMap<(u16, u16), Pulse>,
    judgement: Judgement,
}

impl Plain {
    pub fn new(health: Arc<HealthSpec>, began_at: Timestamp, has_served: bool, now: Timestamp) -> Self {
        let judgement = if has_served { Judgement::unknown(now) } else { Judgement::starting(began_at) };
        Self { health, began_at, has_served, abilities: BTreeMap::new(), pulses: BTreeMap::new(), judgement }
    }

    pub fn forget_prober(&mut self, prober: u16, now: Timestamp) {
        self.abilities.remove(&prober);
        self.pulses.retain(|(of, _), _| *of != prober);
        self.judgement(now);
    }

    fn thresholds(&self, check: u16) -> Thresholds {
        Thresholds::of(&self.health, &self.health.checks[usize::from(check)])
    }

    fn fresh_pulse(&self, check: u16) -> Pulse {
        let thresholds = self.thresholds(check);
        if self.has_served { Pulse::unknown(self.began_at) } else { Pulse::starting(self.began_at, &thresholds) }
    }

    fn finding(&self, check: u16, now: Timestamp) -> Finding {
        let thresholds = self.thresholds(check);
        let mut poll = Poll::new(now, &thresholds);
        poll.hear(&self.fresh_pulse(check), Ability::Abstains);
        for ((prober, _), pulse) in self.pulses.iter().filter(|((_, of), _)| *of == check) {
            poll.hear(pulse, self.abilities.get(prober).copied().unwrap_or_default());
        }
        let purpose = self.health.checks[usize::from(check)].purpose;
        Finding { purpose, standing: poll.standing(self.health.quorum), failure: poll.failure() }
    }
}

impl Judge for Plain {
    fn set_prober(&mut self, prober: u16, ability: Ability, now: Timestamp) {
        self.abilities.insert(prober, ability);
        self.judgement(now);
    }

    fn note(&mut self, prober: u16, check: u16, fact: Fact, now: Timestamp) {
        let (thresholds, fresh) = (self.thresholds(check), self.fresh_pulse(check));
        let pulse = self.pulses.entry((prober, check)).or_insert(fresh);
        pulse.note(fact.outcome, fact.at.min(now), &thresholds);
        self.judgement(now);
    }

    fn restart(&mut self, now: Timestamp) {
        let judgement = self.judgement.started_again(now);
        let anew = Self::new(self.health.clone(), now, false, now);
        *self = Self { abilities: self.abilities.clone(), judgement, ..anew };
    }

    fn judgement(&mut self, now: Timestamp) -> Judgement {
        let checks = 0..u16::try_from(self.health.checks.len()).unwrap();
        let findings: Vec<Finding> = checks.map(|check| self.finding(check, now)).collect();
        self.judgement = self.judgement.then(now, findings);
        self.judgement
    }
}
