//! The short circuit: when much is unhealthy at once, repairs do more harm than good.
//!
//! Owns the count against `max_unhealthy` and when the hold ends. Must never act.

use core::time::Duration;

use super::super::Situation;
use super::super::classify::detail_of;
use super::super::draft::Draft;
use super::super::input::{NodeState, PlanInput};
use super::super::memory::Hold;
use super::super::output::{Action, PlanError};
use super::super::roster::{Roster, is_broken};
use super::fate::{Fate, Ground, fate_of};
use crate::model::time::Timestamp;

/// Members against the limit, by what is seen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// How many are unhealthy or vanished.
    pub unhealthy: u32,
    /// How many may be.
    pub limit: u32,
    /// Fewer than the policy has repaired at all.
    pub is_under_range: bool,
}

impl Count {
    /// Without those whose place another one has taken already, be it well or not: one place
    /// counts once.
    pub(super) fn of(input: &PlanInput<'_>, roster: &Roster, superseded: u32) -> Self {
        Self::with(input, unhealthy(input, roster).saturating_sub(superseded))
    }

    fn with(input: &PlanInput<'_>, unhealthy: u32) -> Self {
        let policy = &input.policy.max_unhealthy;
        let (least, limit) = match policy.range {
            Some([least, most]) => (least, most),
            None => (0, policy.limit_of(input.intent.capacity)),
        };
        Self { unhealthy, limit, is_under_range: unhealthy < least }
    }

    pub(super) const fn is_over(self) -> bool {
        self.unhealthy > self.limit
    }
}

fn unhealthy(input: &PlanInput<'_>, roster: &Roster) -> u32 {
    let lost = if is_single_loss(input) { 0 } else { roster.lost };
    roster.broken.saturating_add(lost).saturating_add(input.limits.lost_recently)
}

/// Whether one compute node is lost and all is well otherwise. Its members pass through the rate
/// limit of lost nodes; counted here as well, they would keep a small group from ever healing.
pub(super) fn is_single_loss(input: &PlanInput<'_>) -> bool {
    let is_bad = |state| matches!(state, NodeState::Lost { .. } | NodeState::Suspect { .. });
    input.conditions.hold.is_none()
        && input.conditions.nodes.iter().filter(|condition| is_bad(condition.state)).count() < 2
}

/// The hold in force: one that is over is none.
pub(super) fn in_force(input: &PlanInput<'_>, count: Count) -> Option<Hold> {
    match input.memory.repair.hold {
        None if count.is_over() => Some(Hold { since: input.now, under_since: None }),
        Some(hold) if !count.is_over() && hold.under_since.is_some_and(|since| ends_at(input, since) <= input.now) => {
            None
        }
        hold => hold,
    }
}

/// What to remember of it once the plan was carried out: what the plan removes does not count any
/// more.
pub(super) fn remembered(
    input: &PlanInput<'_>,
    situation: &Situation,
    draft: &Draft,
) -> Result<Option<Hold>, PlanError> {
    let (Some(hold), Some(count)) = (situation.pace.memory.hold, situation.pace.count) else { return Ok(None) };
    let left = count.unhealthy.saturating_sub(removed(input, situation, draft)?);
    let under_since = match Count::with(input, left).is_over() {
        true => None,
        false => Some(hold.under_since.unwrap_or(input.now)),
    };
    Ok(Some(Hold { under_since, ..hold }))
}

/// When a hold ends whose group has been under the limit since then.
pub(super) fn ends_at(input: &PlanInput<'_>, under_since: Timestamp) -> Timestamp {
    under_since.after(input.policy.max_unhealthy.clear_after.as_duration().max(Duration::from_millis(1)))
}

/// How many of those that count are removed by this plan.
fn removed(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> Result<u32, PlanError> {
    let is_single_loss = is_single_loss(input);
    let mut removed = 0;
    for (planned, index) in draft.actions.iter().zip(&draft.targets) {
        let is_removal = matches!(planned.action, Action::Delete { .. } | Action::Drain { .. } | Action::Stop { .. });
        let (member, standing) = (&input.members[*index as usize], situation.roster.standings[*index as usize]);
        if is_removal && !situation.pace.is_superseded(*index) {
            let detail = detail_of(member, input)?;
            let fate = fate_of(member, standing.class, detail, input, &situation.outlook);
            let is_lost = fate.kind() == Fate::Condemned && fate.ground() == Ground::Lost && !is_single_loss;
            removed += u32::from(is_lost || is_broken(standing.class, detail, fate));
        }
    }
    Ok(removed)
}
