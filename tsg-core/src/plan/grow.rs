//! Step 5: plans new operations for what is lacking.
//!
//! Owns the slow start and the probing after a refusal. Must never plan more than there is room
//! for; the commit of the plan counts again.

use core::ops::Range;

use super::Situation;
use super::balance::{self, Lane, Scope};
use super::draft::Draft;
use super::identity;
use super::input::PlanInput;
use super::memory::{Course, RolloutState, Setback};
use super::order;
use super::ordinals::FreeOrdinals;
use super::output::{Class, Origin, PlanError, Reason};
use super::repair::fate::Fate;
use super::repair::{self, Succession, Successions};
use super::roster::Standing;
use crate::count;
use crate::model::id::OperationId;
use crate::model::time::Timestamp;

/// Plans creates as far as slots, slow start and budgets allow.
pub(super) fn grow(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<(), PlanError> {
    let balance = &situation.balance;
    if situation.pace.adds_nothing(input) && !is_rolling(situation) {
        return Ok(());
    }
    let lacking = balance::lacking(situation, draft);
    let missing = lacking.saturating_add(balance.canaries.map_or(0, |lane| lane.missing));
    let mut ordinals = FreeOrdinals::of(input)?;
    let nameable = ordinals.as_ref().map_or(u32::MAX, FreeOrdinals::left);
    let placeable = missing.min(balance.room(draft.kept)).min(nameable);
    draft.lacking = Some(missing);
    draft.without_slot = missing - placeable;
    let window = window(input, situation);
    let sendable = placeable.min(window.left);
    match window.closed_until {
        Some(until) => draft.backoff_until = (placeable > 0).then_some(until),
        None => draft.behind_window = (placeable - sendable, window.width),
    }
    let count = sendable.min(input.limits.creates);
    draft.over_budget += sendable - count;
    draft.expect_creates(count);
    if count > 0 {
        refuse_used_seed(input)?;
    }
    // What keeps the capacity comes before what tries a new revision.
    let of_main = count.min(lacking);
    let lanes = [(Some(&balance.main), of_main), (balance.canaries.as_ref(), count - of_main)];
    let mut successions = Successions::of(input, situation, draft)?;
    for (lane, count) in lanes.into_iter().filter_map(|(lane, count)| lane.zip(Some(count))) {
        let turns = turns(situation, lane, &successions);
        for nth in 0..count {
            let operation = identity::operation(input.seed, draft.creates);
            let ordinal = ordinals.as_mut().and_then(FreeOrdinals::take);
            let succession = if turns.contains(&nth) { successions.take(lane.scope) } else { None };
            draft.create(operation, lane.revision, reason(situation, lane, nth, succession.as_ref()));
            if ordinal.is_some() || succession.is_some() {
                let begun = succession.as_ref().map_or(origin(operation), |succession| succession.origin(operation));
                draft.origins.push(Origin { ordinal, ..begun });
            }
            if succession.is_some_and(|succession| succession.probe_of.is_some()) {
                repair::note_probe(input, draft, Some(operation));
            }
        }
    }
    Ok(())
}

/// How many creates there will be if no other step changes that.
pub(super) fn foreseen(input: &PlanInput<'_>, situation: &Situation) -> u32 {
    let balance = &situation.balance;
    let placeable = balance.missing().min(balance.room(0));
    placeable.min(window(input, situation).left).min(input.limits.creates)
}

/// Whether a rollout is under way: what is wrong may be what it mends. The first one has nothing
/// to mend.
fn is_rolling(situation: &Situation) -> bool {
    situation.steering.memory.course.is_some_and(|course| !course.is_first && !course.state.is_over())
}

/// Which of a lane's creates take the place of somebody: what is simply lacking comes before
/// them, what a rollout adds after.
fn turns(situation: &Situation, lane: &Lane, successions: &Successions) -> Range<u32> {
    let count = successions.count(lane.scope);
    match lane.scope {
        Scope::Current => 0..count,
        Scope::All | Scope::Other => {
            let lacking = situation.balance.wanted.saturating_sub(lane.useful);
            lacking.saturating_sub(count)..lacking
        }
    }
}

/// One that just fills up the capacity.
const fn origin(operation: OperationId) -> Origin {
    Origin { operation, replaces: None, retries: 0, ordinal: None, avoid: [None; 2] }
}

/// Why a lane's create number `nth` is planned: what lacks of the capacity comes first.
fn reason(situation: &Situation, lane: &Lane, nth: u32, succession: Option<&Succession>) -> Reason {
    let (wanted, useful) = (situation.balance.wanted, lane.useful);
    match (lane.scope, succession) {
        (Scope::All | Scope::Other, Some(succession)) => succession.reason(),
        (Scope::Current, _) => Reason::Canary { revision: lane.revision, of: lane.level },
        (Scope::All, None) if useful.saturating_add(nth) >= wanted => rolled(situation, lane.revision),
        (Scope::All | Scope::Other, None) => Reason::BelowCapacity { occupied: useful, wanted },
    }
}

/// What comes on top for a rollout, or for its way back.
fn rolled(situation: &Situation, to: u32) -> Reason {
    let course = situation.steering.memory.course;
    let is_back = |course: &Course| course.state == RolloutState::Reverting;
    course.filter(is_back).map_or(Reason::RolledOut { from: 0, to }, |course| {
        let from = course.target;
        Reason::RolledBack { from, to }
    })
}

/// A seed that was used before begins with an id that exists. Where that one is closed already,
/// the commit finds out: it demands that every record of a new operation is new.
fn refuse_used_seed(input: &PlanInput<'_>) -> Result<(), PlanError> {
    let first = identity::operation(input.seed, 0);
    match order::position(input.members, first) {
        Ok(_) => Err(PlanError::SeedReused(first)),
        Err(_) => Ok(()),
    }
}

/// Machines that may still come up. What was given up tries nothing any more, and would keep
/// everybody waiting who is to take its place.
fn coming_up(situation: &Situation) -> u32 {
    let is_coming = |standing: &&Standing| standing.class == Class::Starting && standing.fate == Fate::Stays;
    count::of(situation.roster.standings.iter().filter(is_coming).count())
}

/// How many creates may be unanswered.
struct Window {
    width: u32,
    left: u32,
    closed_until: Option<Timestamp>,
}

fn window(input: &PlanInput<'_>, situation: &Situation) -> Window {
    let balance = &situation.balance;
    let (width, busy) = match input.memory.create_backoff {
        Some(backoff) if input.now < backoff.until => {
            return Window { width: 0, left: 0, closed_until: Some(backoff.until) };
        }
        // The one that tries the ground has succeeded only when its machine is up.
        Some(backoff) if backoff.cause == Setback::ProvisioningFailed => {
            (1, balance.in_flight + balance.in_doubt + coming_up(situation))
        }
        Some(_) => (1, balance.in_flight + balance.in_doubt),
        // One in doubt has narrowed the window when it came into doubt; it keeps its own slot, but
        // must not close the window for as long as the doubt lasts.
        None => (input.memory.create_window.max(1), balance.in_flight),
    };
    Window { width, left: width.saturating_sub(busy), closed_until: None }
}
