//! How many repairs may be under way at once.
//!
//! Owns the limits of one group; those across groups come with the input. Must never choose who
//! is repaired.

use super::super::input::PlanInput;
use super::super::roster::Roster;
use crate::model::policy::{Identity, ReplaceOrder};

/// How many repairs may be under way at once.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Pace {
    /// Replacements at once, at most.
    pub limit: u32,
    /// Instances over the capacity that replacements may use, so that nothing goes before its
    /// successor has proved itself.
    pub surge: u32,
}

impl Pace {
    pub(in super::super) fn of(input: &PlanInput<'_>, roster: &Roster) -> Self {
        let replace = &input.policy.replace;
        let limit = replace.in_flight.at_least_one_of(input.intent.capacity);
        let is_start_first = replace.order == ReplaceOrder::StartFirst && input.policy.identity == Identity::Unordered;
        Self { limit, surge: if is_start_first { roster.condemned.min(limit) } else { 0 } }
    }
}
