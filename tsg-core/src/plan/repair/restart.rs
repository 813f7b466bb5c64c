//! Starts of stopped members and restarts of those that run and are not well.
//!
//! Owns how many at once. Must never restart a member that serves.

use super::super::Situation;
use super::super::classify::detail_of;
use super::super::draft::{Choice, Draft, Step};
use super::super::input::{Member, PlanInput};
use super::super::order;
use super::super::output::{Class, PlanError};
use super::fate::Fate;
use super::gate::Gate;
use super::heirs::Heir;
use super::pace::Condemned;

/// Starts and restarts whom it may, and returns how many it does not because repairs are held.
pub(super) fn restart(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<u32, PlanError> {
    let mut room = Room::of(situation);
    for &(index, reason) in &situation.roster.restartable {
        let (member, standing) = (&input.members[index as usize], situation.roster.standings[index as usize]);
        if standing.fate != Fate::Restarts || draft.is_taken(index) {
            continue;
        }
        let (step, left) = match standing.class {
            Class::Unhealthy => (Step::Restart, &mut room.restarts),
            _ => (Step::Start, &mut room.starts),
        };
        // The repair that has a slot already goes on with it.
        let has_slot = step == Step::Restart && !room.is_held && is_under_way(input, situation, member);
        if *left == 0 && !has_slot {
            room.held_back(step, draft);
        } else if draft.starts >= input.limits.starts {
            draft.over_budget += 1;
        } else {
            *left -= u32::from(!has_slot);
            draft.starts += 1;
            draft.act(member, Choice { index, class: standing.class, step }, reason)?;
        }
    }
    Ok(room.held)
}

/// Whether a member was made to take the place of one that is replaced now, and comes up: waiting for
/// the end of that replacement, it would wait for itself.
fn is_under_way(input: &PlanInput<'_>, situation: &Situation, member: &Member) -> bool {
    let detail = detail_of(member, input).ok().flatten();
    let predecessor = detail.and_then(|detail| order::position(input.members, detail.replaces?).ok());
    let is_it = |condemned: &Condemned| Some(condemned.index as usize) == predecessor && condemned.heir == Heir::Coming;
    situation.pace.condemned.iter().any(is_it)
}

/// How many more may be begun.
struct Room {
    starts: u32,
    restarts: u32,
    is_held: bool,
    held: u32,
}

impl Room {
    /// To start what is stopped takes nothing from anybody: it is done in a held group as well,
    /// though one after the other. A restart takes a machine away that runs.
    fn of(situation: &Situation) -> Self {
        let (roster, pace) = (&situation.roster, &situation.pace);
        let busy = roster.waiting + roster.recovering + roster.counts.of(Class::Starting);
        if pace.gate == Gate::Held {
            return Self { starts: 1_u32.saturating_sub(busy), restarts: 0, is_held: true, held: 0 };
        }
        let under_way = pace.in_flight.saturating_add(roster.restarting).saturating_add(roster.recovering);
        let restarts = pace.limit.saturating_sub(under_way);
        Self { starts: u32::MAX, restarts, is_held: false, held: 0 }
    }

    fn held_back(&mut self, step: Step, draft: &mut Draft) {
        match step {
            Step::Restart if !self.is_held => draft.behind_repairs += 1,
            _ => self.held += 1,
        }
    }
}
