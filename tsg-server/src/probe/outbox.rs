//! What a prober has found and not yet handed over.
//!
//! Owns the batches. Must never hold more than [`HELD_MAX`], what is still running and what is in
//! doubt, and never hand over a fact that was found while the control targets did not answer, nor a
//! failure that may have been.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;
use tsg_core::health::fact::{Fact, Outcome};
use tsg_core::model::id::InstanceId;

use super::counts::Counters;
use super::doubt::Doubt;

/// What a prober says.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// What it found, oldest first.
    Findings(Vec<Finding>),
    /// Its control targets answer, or do not any more. While they do not, it has no findings.
    /// Nothing of this kind was said: it is able.
    Ability(Ability),
}

/// Whether a prober can believe what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// A control target answers, or there are none.
    Able,
    /// No control target answers.
    Unable,
}

/// One probe of one check of one instance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// The instance.
    pub instance: InstanceId,
    /// The number of the check.
    pub check: u16,
    /// What was found.
    pub fact: Fact,
    /// For how long after its end it was not believed.
    pub waited: Duration,
}

/// When a failure is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// There is nothing to compare it with.
    AtOnce,
    /// Once a control target has answered that was asked after it was found.
    OnceConfirmed,
}

/// Findings in one batch.
const BATCH: usize = 256;
/// How long the first one of a batch waits for others.
const PATIENCE: Duration = Duration::from_millis(10);
/// While this many have not been taken, nothing more is probed.
const HELD_MAX: usize = 4 * BATCH;

/// What has not been handed over.
pub struct Outbox {
    reports: mpsc::Sender<Report>,
    findings: Vec<Finding>,
    belief: Belief,
    /// What failed since a control target answered.
    doubt: Doubt,
    flush_at: Option<Instant>,
    /// What has been said, and what is to be said.
    said: Ability,
    ability: Ability,
    counters: Arc<Counters>,
}

impl Outbox {
    /// An empty one.
    pub fn new(reports: mpsc::Sender<Report>, counters: Arc<Counters>, belief: Belief) -> Self {
        counters.set_ability(Ability::Able);
        Self {
            reports,
            findings: Vec::new(),
            belief,
            doubt: Doubt::default(),
            flush_at: None,
            said: Ability::Able,
            ability: Ability::Able,
            counters,
        }
    }

    /// Whether whoever takes the findings has fallen behind.
    pub fn is_full(&self) -> bool {
        self.findings.len() >= HELD_MAX
    }

    /// When there is something to hand over.
    pub const fn flush_at(&self) -> Option<Instant> {
        self.flush_at
    }

    /// Takes in what was found.
    pub fn put(&mut self, finding: Finding, now: Instant) {
        if self.ability == Ability::Unable {
            self.counters.withheld();
            return;
        }
        if self.belief == Belief::OnceConfirmed && matches!(finding.fact.outcome, Outcome::Failed(_)) {
            if self.doubt.put(finding, now).is_some() {
                self.counters.withheld();
            }
            return;
        }
        self.add(finding, now);
    }

    /// A control target answered that was asked at some time: what was found to fail before, failed
    /// by itself.
    pub fn confirm(&mut self, asked: Instant, now: Instant) {
        self.doubt.confirm(asked, now).into_iter().for_each(|found| self.add(found, now));
    }

    /// A check of an instance is another one from now on, or none.
    pub fn forget(&mut self, instance: InstanceId, check: u16) {
        self.doubt.forget(instance, check);
    }

    fn add(&mut self, finding: Finding, now: Instant) {
        self.findings.push(finding);
        let patience = if self.findings.len() < BATCH { PATIENCE } else { Duration::ZERO };
        let flush_at = now + patience;
        self.flush_at = Some(self.flush_at.map_or(flush_at, |at| at.min(flush_at)));
    }

    /// The control targets answer, or do not. What was found and not handed over is not believed
    /// then: it may have been found in the same way.
    pub fn set_ability(&mut self, ability: Ability, now: Instant) {
        if self.ability == ability {
            return;
        }
        self.ability = ability;
        self.counters.set_ability(ability);
        let held = self.findings.drain(..).len() + self.doubt.clear();
        (0..held).for_each(|_| self.counters.withheld());
        self.flush_at = Some(now);
    }

    /// Hands over what it is time for.
    pub fn flush(&mut self, now: Instant) {
        if self.flush_at.is_none_or(|at| at > now) {
            return;
        }
        self.flush_at = None;
        if self.hand_over().is_err() {
            self.flush_at = Some(now + PATIENCE);
        }
    }

    fn hand_over(&mut self) -> Result<(), TrySendError<()>> {
        if self.said != self.ability {
            self.reports.try_reserve()?.send(Report::Ability(self.ability));
            self.said = self.ability;
        }
        if !self.findings.is_empty() {
            self.reports.try_reserve()?.send(Report::Findings(std::mem::take(&mut self.findings)));
        }
        Ok(())
    }
}
