//! What probers hear of one instance, column by column, and what is to be made of it.
//!
//! Owns the table language of `cases_health`, and a policy put together of its parts without any
//! of the ward's bookkeeping. Must never be reachable from production code.

pub mod plain;
pub mod warded;

use core::time::Duration;
use std::sync::Arc;

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;
use tsg_core::health::check::CheckSpec;
use tsg_core::health::fact::{Fact, Failure, Obstruction, Outcome};
use tsg_core::health::quorum::Ability;
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::verdict::Judgement;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::Verdict;

/// When the first column begins.
pub const BEGIN: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub fn second(count: i64) -> Timestamp {
    Timestamp::from_millis(BEGIN.as_millis() + count * 1000)
}

/// A check as it is written, with what a test says beside its purpose.
pub fn check(purpose: &str, fields: &str) -> CheckSpec {
    let text = format!(r#"{{"type": "tcp", "port": 22, "name": "{purpose}", "purpose": "{purpose}" {fields}}}"#);
    serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

/// Whoever judges one instance from what probers hear.
pub trait Judge {
    fn set_prober(&mut self, prober: u16, ability: Ability, now: Timestamp);
    fn note(&mut self, prober: u16, check: u16, fact: Fact, now: Timestamp);
    fn restart(&mut self, now: Timestamp);
    fn judgement(&mut self, now: Timestamp) -> Judgement;
}

/// What one prober hears of one check: a mark for each column.
#[derive(Debug, Clone)]
pub struct Row {
    pub check: u16,
    pub prober: u16,
    pub marks: String,
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub health: Arc<HealthSpec>,
    pub has_served: bool,
    pub rows: Vec<Row>,
    /// By prober: whether it reaches its control targets.
    pub abilities: Vec<(u16, String)>,
    /// Where the machine is started again.
    pub machine: String,
    pub expected: String,
}

/// What is read of a case while its lines come in.
struct Reading {
    case: Case,
    health: HealthSpec,
    fields: String,
}

/// The cases of a file.
pub fn cases(text: &str) -> Vec<Case> {
    text.split("\n## ").skip(1).map(case).collect()
}

fn case(text: &str) -> Case {
    let (name, body) = text.split_once('\n').expect("a name and lines");
    let (given, expected) = body.split_once("\n----\n").expect("what is given and what follows");
    let expected = expected.trim_end().to_owned();
    let (rows, abilities, machine) = (Vec::new(), Vec::new(), String::new());
    let health = HealthSpec::default();
    let empty = Arc::new(health.clone());
    let name = name.to_owned();
    let case = Case { name, health: empty, has_served: false, rows, abilities, machine, expected };
    let mut reading = Reading { case, health, fields: String::new() };
    given.lines().for_each(|line| reading.take(line));
    let Reading { mut case, health, .. } = reading;
    assert_eq!(health.check(), Ok(()), "{}", case.name);
    case.health = Arc::new(health);
    case
}

fn prober(name: &str) -> u16 {
    u16::from(name.bytes().next().expect("a letter") - b'a')
}

impl Reading {
    fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["served"] => self.case.has_served = true,
            ["machine", marks] => self.case.machine = marks.to_owned(),
            ["able", name, marks] => self.case.abilities.push((prober(name), marks.to_owned())),
            ["quorum", number] => self.health.quorum = number.parse().unwrap(),
            ["stale_after", number] => self.health.stale_after = number.parse().unwrap(),
            ["flapping", changes, within] => {
                self.health.flapping.changes = changes.parse().unwrap();
                self.health.flapping.within = within.parse().unwrap();
            }
            ["with", ref fields @ ..] => {
                let pair = |pair: &str| pair.split_once('=').map(|(key, value)| format!(r#", "{key}": {value}"#));
                self.fields = fields.iter().filter_map(|field| pair(field)).collect();
            }
            [purpose, name, marks] => {
                let check = self.check(purpose);
                self.case.rows.push(Row { check, prober: prober(name), marks: marks.to_owned() });
            }
            _ => panic!("{}: {line:?} says nothing", self.case.name),
        }
    }

    /// The place of a check, which is added when it is named first.
    fn check(&mut self, purpose: &str) -> u16 {
        let known = self.health.checks.iter().position(|check| check.name == purpose);
        let place = known.unwrap_or_else(|| {
            self.health.checks.push(check(purpose, &self.fields));
            self.health.checks.len() - 1
        });
        u16::try_from(place).unwrap()
    }
}

fn fact(mark: char, now: Timestamp) -> Option<Fact> {
    let (outcome, age) = match mark {
        '+' => (Outcome::Passed, 0),
        '~' => (Outcome::Degraded, 0),
        '-' => (Outcome::Failed(Failure::Refused), 0),
        '?' => (Outcome::Unjudged(Obstruction::Exhausted), 0),
        // Came too late: newer ones are known.
        '<' => (Outcome::Failed(Failure::Reset), 15),
        '.' => return None,
        _ => panic!("{mark:?} is no fact"),
    };
    Some(Fact { at: now.before(Duration::from_secs(age)), took: Duration::ZERO, outcome })
}

const fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Unknown => '?',
        Verdict::Starting => 'S',
        Verdict::Healthy => 'H',
        Verdict::Degraded => 'D',
        Verdict::Unhealthy => 'U',
        Verdict::Recovering => 'R',
    }
}

fn mark(marks: &str, column: usize) -> Option<char> {
    marks.chars().nth(column)
}

impl Case {
    fn columns(&self) -> usize {
        self.rows.iter().map(|row| row.marks.len()).max().unwrap_or(0)
    }

    /// What a judge says, column by column, in the form of what is expected.
    pub fn played(&self, judge: &mut impl Judge) -> String {
        let interval = self.health.checks.first().map_or(Duration::ZERO, |check| check.pacing.interval.as_duration());
        let (mut verdicts, mut ready, mut causes) = (String::new(), String::new(), String::new());
        for column in 0..self.columns() {
            let now = BEGIN.after(interval * u32::try_from(column).unwrap());
            self.play(column, now, judge);
            let judgement = judge.judgement(now);
            verdicts.push(letter(judgement.verdict));
            ready.push(if judgement.is_ready { 'y' } else { 'n' });
            causes.push(judgement.cause.map_or('.', |cause| char::from(b'0' + u8::try_from(cause.check).unwrap())));
        }
        let named = |name: &str| self.expected.lines().any(|line| line.starts_with(name));
        let lines = [("verdict", verdicts), ("ready", ready), ("cause", causes)];
        let lines = lines.into_iter().filter(|(name, _)| named(name));
        lines.map(|(name, marks)| format!("{name:<7} {marks}")).collect::<Vec<_>>().join("\n")
    }

    fn play(&self, column: usize, now: Timestamp, judge: &mut impl Judge) {
        if mark(&self.machine, column) == Some('R') {
            judge.restart(now);
        }
        for (prober, marks) in &self.abilities {
            let ability = if mark(marks, column) == Some('n') { Ability::Abstains } else { Ability::Able };
            judge.set_prober(*prober, ability, now);
        }
        for row in &self.rows {
            if let Some(fact) = mark(&row.marks, column).and_then(|mark| fact(mark, now)) {
                judge.note(row.prober, row.check, fact, now);
            }
        }
    }
}

/// How many inputs each property is tried on, and which.
pub fn config() -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let cases = number("TSG_CASES").map_or(CASES, |cases| u32::try_from(cases).expect("a small number"));
    // The same inputs each time, so that a change is blamed for what it breaks; others by hand.
    let rng_seed = RngSeed::Fixed(number("TSG_SEED").unwrap_or(SEED));
    ProptestConfig { failure_persistence: None, rng_seed, ..ProptestConfig::with_cases(cases) }
}

const CASES: u32 = if cfg!(debug_assertions) { 300 } else { 30_000 };
const SEED: u64 = 0x7467_7321;
