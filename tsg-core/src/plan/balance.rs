//! Step 3, capacity: how many members there are, should be and may be.
//!
//! Owns all arithmetic on slots. Must never name a member; who goes is another step.

use super::input::PlanInput;
use super::output::Class;
use super::survey::Survey;
use crate::model::group::Lifecycle;

/// A group's slots.
#[derive(Debug, Clone, Copy)]
pub(super) struct Balance {
    /// How many instances there should be.
    pub wanted: u32,
    /// Slots taken, by members that are good for nothing any more as well.
    pub occupied: u32,
    /// Members that serve, or will without a replacement.
    pub useful: u32,
    /// Unsent creates that are not needed any more.
    pub cancels: u32,
    /// Instances that are not needed any more.
    pub deletes: u32,
    /// Instances that are lacking.
    pub missing: u32,
    /// How many more may exist just now.
    pub room: u32,
    /// Creates planned or sent that may still be answered.
    pub in_flight: u32,
    /// Creates that nobody will answer any more.
    pub in_doubt: u32,
    /// Machines that are not up yet.
    pub starting: u32,
}

impl Balance {
    pub(super) fn of(input: &PlanInput<'_>, survey: &Survey) -> Self {
        let count = |class| survey.counts.of(class);
        let wanted = match input.intent.lifecycle {
            Lifecycle::Active => input.intent.capacity,
            Lifecycle::Deleting => 0,
        };
        let occupied = survey.counts.total();
        // What is in doubt may never appear. With a surge its slot is filled at once; without,
        // `room` keeps it taken until the doubt is resolved.
        let useful = occupied - count(Class::Leaving) - count(Class::InDoubt) - survey.doomed();
        let cancels = count(Class::Intended).min(useful.saturating_sub(wanted));
        // A request without an answer is no reason to delete a machine that is there.
        let settled = useful - count(Class::Requested) - cancels;
        let ceiling = wanted.saturating_add(input.limits.surge);
        Self {
            wanted,
            occupied,
            useful,
            cancels,
            deletes: settled.saturating_sub(wanted),
            missing: wanted.saturating_sub(useful),
            room: ceiling.saturating_sub(occupied.saturating_add(input.limits.orphans)),
            in_flight: count(Class::Intended) + count(Class::Requested),
            in_doubt: count(Class::InDoubt),
            starting: count(Class::Starting),
        }
    }
}
