//! What stands against more replacements than are under way.
//!
//! Owns the order in which the reasons count, and how many replacements each lets through. Must
//! never name a member.

use super::super::input::PlanInput;
use super::fate::Ground;
use super::hold::Count;
use super::pace::Pace;
use super::suspend;
use crate::model::policy::{ReplaceMode, ReplaceOrder};

/// What stands against more replacements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Gate {
    /// Nothing but how many are under way.
    #[default]
    Open,
    /// Repairs are held, here or everywhere.
    Held,
    /// The policy leaves them to a person.
    LeftToPerson,
    /// They have not helped.
    Suspended,
    /// So many members are not up for other reasons.
    Siblings(u32),
}

/// The group must have this share of its members up, or failing, before one is replaced.
const UP_PERCENT: u64 = 90;

impl Gate {
    /// With so many members absent or coming up for other reasons.
    pub(super) fn of(input: &PlanInput<'_>, pace: &Pace, count: Count, absent: u32) -> Self {
        let capacity = u64::from(input.intent.capacity);
        let is_below = u64::from(absent) * 100 > capacity * (100 - UP_PERCENT);
        let waits_for_own = pace.order == ReplaceOrder::StopFirst && pace.in_flight >= pace.limit;
        if input.conditions.hold.is_some() || pace.memory.hold.is_some() {
            Self::Held
        } else if input.policy.replace.mode == ReplaceMode::DetectOnly || count.is_under_range {
            Self::LeftToPerson
        } else if pace.memory.suspension.is_some() {
            Self::Suspended
        } else if is_below && !waits_for_own {
            Self::Siblings(absent)
        } else {
            Self::Open
        }
    }

    /// How many replacements may be begun of members against which this speaks.
    pub(super) fn slots(self, pace: &Pace, input: &PlanInput<'_>, ground: Ground) -> u32 {
        let up_to = |most: u32| most.saturating_sub(pace.in_flight);
        let allowed = up_to(input.intent.orders.repairs_allowed);
        match self {
            Self::Siblings(_) => 0,
            Self::Open => up_to(pace.limit),
            // A person's word on one instance is stronger than what was found about the group.
            _ if ground == Ground::Marked => up_to(pace.limit).max(allowed),
            Self::Held => allowed.max(up_to(added_while_held(input))),
            Self::LeftToPerson if ground == Ground::Unneeded => up_to(pace.limit),
            Self::LeftToPerson => allowed,
            Self::Suspended => {
                let is_due = pace.memory.suspension.is_some_and(|suspension| suspend::is_due(&suspension, input.now));
                allowed.max(up_to(u32::from(is_due)))
            }
        }
    }
}

/// Successors that may be added, though nothing goes for them, while too many are unhealthy.
fn added_while_held(input: &PlanInput<'_>) -> u32 {
    let is_group = input.conditions.hold.is_none() && input.policy.max_unhealthy.add_while_held;
    if is_group { input.policy.update.bounds(input.policy.identity, input.intent.capacity).surge } else { 0 }
}
