//! What was found and not yet told.
//!
//! Owns how much is held while the server does not answer, and for how long. It must never tell a fact without its age.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tsg_core::health::fact::{Obstruction, Outcome};
use tsg_core::model::id::InstanceId;
use tsg_server::probe::{Ability, Finding, Report};
use tsg_server::remote::{CheckTag, FACT_AGE_MAX, FACTS_MAX, PushedFact};

/// When more are held, only the newest of each check stays.
const HELD_MAX: usize = 4 * FACTS_MAX;

/// The place of a check among those of its group, and what it asks. Probes know it by a number that is never another
/// check's: what is under way when checks change is still told of the one that it asked.
pub(crate) type Label = (u16, CheckTag);

/// What was found and not yet told, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Held {
    facts: VecDeque<HeldFact>,
    told: u64,
    /// So many stayed when it was cut down to the newest last.
    kept: usize,
    /// Whether a control target answers.
    pub(crate) ability: Option<Ability>,
    /// Why something could not be asked, since this was looked at last.
    pub(crate) obstruction: Option<Obstruction>,
    /// Whether the prober has ended.
    pub(crate) has_ended: bool,
}

#[derive(Debug, Clone, Copy)]
struct HeldFact {
    number: u64,
    instance: InstanceId,
    label: u16,
    began: Duration,
    took: Duration,
    outcome: Outcome,
}

impl Held {
    /// Takes in what the prober says.
    pub(crate) fn take_in(&mut self, report: Report, now: Duration) {
        match report {
            Report::Ability(ability) => self.ability = Some(ability),
            Report::Findings(findings) => findings.into_iter().for_each(|finding| self.hold(finding, now)),
        }
        if self.facts.len() > HELD_MAX.max(2 * self.kept) {
            self.keep_newest();
        }
    }

    fn hold(&mut self, Finding { instance, check, fact, waited }: Finding, now: Duration) {
        if let Outcome::Unjudged(obstruction) = fact.outcome {
            self.obstruction = Some(obstruction);
            return;
        }
        // It ended just now, or was not believed until now; the clock of the wall may be set meanwhile.
        let began = now.saturating_sub(fact.took + waited);
        self.told += 1;
        let (number, took, outcome) = (self.told, fact.took, fact.outcome);
        self.facts.push_back(HeldFact { number, instance, label: check, began, took, outcome });
    }

    /// Forgets all but the newest fact of each check.
    pub(crate) fn keep_newest(&mut self) {
        let mut seen = HashSet::new();
        let mut newest: VecDeque<HeldFact> = VecDeque::new();
        for fact in self.facts.drain(..).rev() {
            if seen.insert((fact.instance, fact.label)) {
                newest.push_front(fact);
            }
        }
        (self.kept, self.facts) = (newest.len(), newest);
    }

    /// Whether there is anything to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// The oldest facts, as many as go into one push; they stay until they are [`Held::told`].
    pub(crate) fn batch(&mut self, labels: &[Label], now: Duration) -> Vec<PushedFact> {
        self.facts.retain(|fact| now.saturating_sub(fact.began) < FACT_AGE_MAX);
        let told = self.facts.iter().filter_map(|fact| fact.told(labels, now));
        told.take(FACTS_MAX).collect()
    }

    /// Everything up to this number is told.
    pub(crate) fn forget(&mut self, number: u64) {
        self.facts.retain(|fact| fact.number > number);
    }
}

impl HeldFact {
    fn told(&self, labels: &[Label], now: Duration) -> Option<PushedFact> {
        let (check, tag) = labels.get(usize::from(self.label))?.clone();
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (age_ms, took_ms) = (millis(now.saturating_sub(self.began)), millis(self.took));
        let Self { number, instance, outcome, .. } = *self;
        Some(PushedFact { number, instance, check, tag, age_ms, took_ms, outcome })
    }
}

#[cfg(test)]
mod tests {
    use tsg_core::health::fact::{Fact, Failure};
    use tsg_core::model::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn finding(instance: u128, check: u16, outcome: Outcome) -> Finding {
        let fact = Fact { at: Timestamp::EPOCH, took: Duration::from_millis(500), outcome };
        Finding { instance: InstanceId::new(Uuid::from_u128(instance)), check, fact, waited: Duration::ZERO }
    }

    fn labels() -> Vec<Label> {
        ["http:80/a", "http:80/b"].map(|check| (0, CheckTag::of(&check.parse().unwrap()))).to_vec()
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(1_000_000 + millis)
    }

    #[test]
    fn a_fact_is_told_with_its_age_until_it_is_known_or_too_old() {
        let mut held = Held::default();
        held.take_in(Report::Findings(vec![finding(1, 1, Outcome::Passed)]), at(500));
        let told = held.batch(&labels(), at(800));
        assert_eq!((told[0].age_ms, told[0].took_ms, told[0].number), (800, 500, 1));
        assert_eq!(told[0].tag, labels()[1].1);
        assert_eq!(held.batch(&labels(), at(1800))[0].age_ms, 1800, "the answer was lost");
        held.take_in(Report::Findings(vec![finding(1, 1, Outcome::Failed(Failure::Refused))]), at(2500));
        held.forget(1);
        assert_eq!(held.batch(&labels(), at(2500)).iter().map(|fact| fact.number).collect::<Vec<_>>(), [2]);
        assert!(held.batch(&labels(), at(2000) + FACT_AGE_MAX).is_empty());
        assert!(held.is_empty());
    }

    #[test]
    fn failures_that_were_confirmed_together_are_as_old_as_they_are() {
        let mut held = Held::default();
        let failed = |waited| Finding { waited: Duration::from_millis(waited), ..finding(1, 0, Outcome::Passed) };
        held.take_in(Report::Findings(vec![failed(1_900), failed(900)]), at(3_000));
        let ages: Vec<u64> = held.batch(&labels(), at(3_000)).iter().map(|fact| fact.age_ms).collect();
        assert_eq!(ages, [2_400, 1_400]);
    }

    #[test]
    fn only_the_newest_of_each_check_is_held_for_a_server_that_does_not_answer() {
        let mut held = Held::default();
        for round in 0..HELD_MAX as u64 {
            let both = [0, 1].map(|check| finding(7, check, Outcome::Passed)).to_vec();
            held.take_in(Report::Findings(both), at(500 + round));
            assert!(held.facts.len() <= HELD_MAX);
        }
        let last = 2 * HELD_MAX as u64;
        assert_eq!(held.facts.back().map(|fact| fact.number), Some(last));
        held.keep_newest();
        assert_eq!(held.facts.iter().map(|fact| fact.number).collect::<Vec<_>>(), [last - 1, last]);
    }

    #[test]
    fn what_could_not_be_asked_is_no_fact() {
        let mut held = Held::default();
        held.take_in(Report::Findings(vec![finding(1, 0, Outcome::Unjudged(Obstruction::Forbidden))]), at(500));
        assert!(held.is_empty());
        assert_eq!(held.obstruction.take(), Some(Obstruction::Forbidden));
    }
}
