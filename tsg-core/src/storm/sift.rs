//! Which outcomes count.
//!
//! Owns what is left out: the word of probers that cannot even reach their own targets, of those
//! that stand alone, of checks that are broken, and everything from data centres that are not
//! seen. Must never turn a failure into a pass; what does not count was not checked.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::correlate::Bucket;
use super::input::{GroupFacts, InstanceFacts, Outcome, Probe, StormInput};

/// An input, and whom not to believe in it.
#[derive(Debug, Clone)]
pub(super) struct Sifted<'a> {
    pub(super) input: &'a StormInput<'a>,
    seen: &'a BTreeSet<u32>,
    /// Of each group, whether its data centre is seen: what is asked for each instance costs no
    /// search.
    is_group_seen: Vec<bool>,
    /// Prober and data centre.
    abstaining: BTreeSet<(u32, u32)>,
    probers: BTreeSet<u32>,
    checks: BTreeSet<u32>,
}

/// An instance, where it is and how it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) facts: &'a InstanceFacts,
    pub(super) group: &'a GroupFacts,
    pub(super) outcome: Outcome,
}

impl<'a> Sifted<'a> {
    /// Leaves out what is not seen, and probers that fail their own targets.
    pub(super) fn new(input: &'a StormInput<'a>, seen: &'a BTreeSet<u32>) -> Self {
        let failing = input.probers.iter().filter(|facts| matches!(facts.canary, Probe::Failing { .. }));
        let abstaining = failing.map(|facts| (facts.prober, facts.data_centre)).collect();
        let is_group_seen = input.groups.iter().map(|group| seen.contains(&group.data_centre)).collect();
        Self { input, seen, is_group_seen, abstaining, probers: BTreeSet::new(), checks: BTreeSet::new() }
    }

    /// Leaves out the probers and checks among these as well.
    pub(super) fn without(&self, distrusted: impl Iterator<Item = Bucket>) -> Self {
        let mut sifted = self.clone();
        for bucket in distrusted {
            match bucket {
                Bucket::Prober(prober) => _ = sifted.probers.insert(prober),
                Bucket::Check(check) => _ = sifted.checks.insert(check),
                _ => {}
            }
        }
        sifted
    }

    /// Whether a data centre is seen.
    pub(super) fn is_seen(&self, data_centre: u32) -> bool {
        self.seen.contains(&data_centre)
    }

    /// All instances of known groups.
    pub(super) fn instances(&self) -> impl Iterator<Item = Seen<'a>> + '_ {
        self.input.instances.iter().filter_map(|facts| self.look_at(facts))
    }

    /// Those that fail: few, as a rule.
    pub(super) fn failing(&self) -> impl Iterator<Item = Seen<'a>> + '_ {
        let failing = self.input.instances.iter().filter(|facts| facts.outcome.is_failing());
        failing.filter_map(|facts| self.look_at(facts)).filter(|seen| seen.outcome.is_failing())
    }

    #[inline]
    fn look_at(&self, facts: &'a InstanceFacts) -> Option<Seen<'a>> {
        let group = self.input.groups.get(facts.group as usize)?;
        Some(Seen { facts, group, outcome: self.outcome(facts, group) })
    }

    #[inline]
    fn outcome(&self, facts: &InstanceFacts, group: &GroupFacts) -> Outcome {
        let is_left_out = !self.is_group_seen.get(facts.group as usize).is_some_and(|is_seen| *is_seen)
            || self.abstaining.contains(&(facts.prober, group.data_centre))
            || self.probers.contains(&facts.prober)
            || self.checks.contains(&facts.check);
        if is_left_out { Outcome::Unchecked } else { facts.outcome }
    }
}
