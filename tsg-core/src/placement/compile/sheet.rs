//! The affinity rules that are sent.
//!
//! Owns their number and their strength. Must never hold a hard one beside a soft one.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::same::Wording;
use super::view::Resident;
use crate::placement::rule::{Direction, Operator, Strength};

/// The most affinity rules that are sent for one instance.
pub const AFFINITY_MAX: usize = 64;

/// Affinity rules of one strength.
#[derive(Debug)]
pub(super) struct Sheet {
    strength: Strength,
    rules: Vec<String>,
    known: BTreeSet<String>,
    /// How many are kept free.
    reserve: usize,
}

impl Sheet {
    pub(super) const fn new(strength: Strength, reserve: usize) -> Self {
        Self { strength, rules: Vec::new(), known: BTreeSet::new(), reserve }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.rules.len()
    }

    pub(super) fn is_soft(&self) -> bool {
        self.strength == Strength::Soft
    }

    /// Adds all of them, or none if they are too many.
    pub(super) fn add(&mut self, direction: Direction, wordings: &[Wording]) -> bool {
        let operator = Operator { direction, strength: self.strength };
        let mut new: Vec<String> = wordings.iter().map(|wording| wording.with(operator)).collect();
        new.retain(|rule| !self.known.contains(rule));
        if self.rules.len() + new.len() + self.reserve > AFFINITY_MAX {
            return false;
        }
        self.known.extend(new.iter().cloned());
        self.rules.extend(new);
        true
    }

    /// Adds the one that is followed, for which there is room kept.
    pub(super) fn lead(&mut self, leader: &Resident<'_>) {
        self.reserve = 0;
        self.add(Direction::Near, &[Wording::of_instance(leader)]);
    }

    pub(super) fn into_rules(self) -> Vec<String> {
        self.rules
    }
}
