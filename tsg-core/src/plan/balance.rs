//! Step 5, capacity: how many members there are, should be and may be.
//!
//! Owns all arithmetic on slots. Must never name a member; who goes is another step.

use super::Situation;
use super::draft::Draft;
use super::input::PlanInput;
use super::output::Class;
use super::repair::Pace;
use super::rollout::{Goal, Gone, Steering};
use super::roster::{Part, Roster};
use crate::model::group::Lifecycle;

/// Members that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of them.
    All,
    /// Those that are of the goal: canaries, while they prove themselves.
    Current,
    /// The rest, while there are canaries.
    Other,
}

/// How many members of a scope there are and should be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane {
    /// Which members.
    pub scope: Scope,
    /// What new ones are made from.
    pub revision: u32,
    /// How many there should be.
    pub level: u32,
    /// Members that serve, or will without a replacement.
    pub useful: u32,
    /// Unsent creates that are not needed any more.
    pub cancels: u32,
    /// Instances that are not needed any more.
    pub deletes: u32,
    /// Instances that are lacking.
    pub missing: u32,
}

impl Lane {
    fn of(scope: Scope, revision: u32, level: u32, allowance: Allowance, part: Part) -> Self {
        // An unsent create is never what the surge is there for.
        let cancels = part.intended.min(part.useful.saturating_sub(allowance.most));
        let most = allowance.with(part.useful - cancels);
        // A request without an answer is no reason to delete a machine that is there.
        let settled = part.useful - part.requested - cancels;
        Self {
            scope,
            revision,
            level,
            useful: part.useful,
            cancels,
            deletes: settled.saturating_sub(most),
            missing: level.saturating_sub(part.useful),
        }
    }
}

/// A group's slots.
#[derive(Debug, Clone, Copy)]
pub(super) struct Balance {
    /// How many instances there should be.
    pub wanted: u32,
    /// Slots taken, by members that are good for nothing any more as well.
    pub occupied: u32,
    /// Everybody, or everybody but the canaries.
    pub main: Lane,
    /// The canaries, while there are any.
    pub canaries: Option<Lane>,
    /// Members that the policies allow at most.
    allowed: u32,
    /// Members that there is room for, beside what is kept.
    most: u32,
    /// Machines that might be ours.
    orphans: u32,
    /// Serving members that no step of ours goes below.
    pub floor: u32,
    /// Creates planned or sent that may still be answered.
    pub in_flight: u32,
    /// Creates that nobody will answer any more.
    pub in_doubt: u32,
}

impl Balance {
    pub(super) fn of(input: &PlanInput<'_>, roster: &Roster, goal: &Goal, steering: &Steering, pace: &Pace) -> Self {
        let wanted = match input.intent.lifecycle {
            Lifecycle::Active => input.intent.capacity,
            Lifecycle::Deleting => 0,
        };
        let count = |class| roster.counts.of(class);
        // Unsent creates of a revision that nobody wants any more are given up in this plan.
        let occupied = roster.occupied() - roster.stale;
        let (main, canaries) = lanes(wanted, roster, goal, steering);
        let extra = steering.surge.saturating_add(steering.canaries.unwrap_or(0));
        let allowed = wanted.saturating_add(extra.max(input.limits.surge)).saturating_add(pace.surge);
        Self {
            wanted,
            occupied,
            main,
            canaries,
            allowed,
            most: most(input, roster),
            orphans: input.limits.orphans,
            floor: wanted.saturating_sub(steering.unavailable),
            in_flight: count(Class::Intended) - roster.stale + count(Class::Requested),
            in_doubt: count(Class::InDoubt),
        }
    }

    /// How many more may exist, with `kept` of the members put aside in this plan: those take no
    /// slot any more, but still their room.
    pub(super) fn room(&self, kept: u32) -> u32 {
        let ceiling = self.allowed.saturating_add(kept).min(self.most);
        ceiling.saturating_sub(self.occupied.saturating_add(self.orphans))
    }

    /// Instances that are lacking.
    pub(super) fn missing(&self) -> u32 {
        self.main.missing.saturating_add(self.canaries.map_or(0, |lane| lane.missing))
    }
}

/// What there is room for, beside what is kept.
fn most(input: &PlanInput<'_>, roster: &Roster) -> u32 {
    input.limits.most_instances.saturating_sub(roster.counts.of(Class::Kept))
}

fn lanes(wanted: u32, roster: &Roster, goal: &Goal, steering: &Steering) -> (Lane, Option<Lane>) {
    if let Some(canaries) = steering.canaries {
        let main = Lane::of(Scope::Other, goal.filler, wanted, Allowance::exactly(wanted), roster.other);
        let allowance = Allowance::exactly(canaries);
        return (main, Some(Lane::of(Scope::Current, goal.revision, canaries, allowance, roster.current)));
    }
    let everybody = roster.current.plus(roster.other);
    let level = level(wanted, steering, roster.current.proven, steering.movable);
    (Lane::of(Scope::All, goal.filler, level, Allowance::during(wanted, steering), everybody), None)
}

/// How many there may be before any is let go for the capacity: a rollout that has more than it
/// needs lets go of those that are to be replaced, not of whomever.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    wanted: u32,
    /// At most, the surge included.
    most: u32,
    /// Members that the surge is there for.
    movable: u32,
}

impl Allowance {
    const fn exactly(wanted: u32) -> Self {
        Self { wanted, most: wanted, movable: 0 }
    }

    /// More than there are places to fill is never needed.
    fn during(wanted: u32, steering: &Steering) -> Self {
        let on_top = steering.surge.min(steering.movable).min(wanted);
        Self { wanted, most: wanted.saturating_add(on_top), movable: steering.movable }
    }

    /// With so many there. What a surge is there for may itself be among those that are let go.
    fn with(self, useful: u32) -> u32 {
        let above = useful.saturating_sub(self.wanted);
        if useful <= self.most {
            return self.most;
        }
        self.most.min(self.wanted.saturating_add(self.movable.saturating_sub(above)))
    }
}

/// How many there should be: new ones come on top as long as old ones are left for them to take
/// the place of, and until the last of them has proved itself.
fn level(wanted: u32, steering: &Steering, proven: u32, movable: u32) -> u32 {
    let unproven = steering.cap.min(wanted).saturating_sub(proven);
    wanted.saturating_add(steering.surge.min(movable).min(unproven))
}

/// Instances that the main lane lacks once everything in the plan so far has been done.
pub(super) fn lacking(situation: &Situation, draft: &Draft) -> u32 {
    let Situation { roster, balance, steering, .. } = situation;
    if balance.canaries.is_some() {
        return balance.main.missing;
    }
    let gone = Gone::of(situation, draft);
    let movable = steering.movable.saturating_sub(gone.moved);
    let level = level(balance.wanted, steering, roster.current.proven - gone.current_proven, movable);
    level.saturating_sub(balance.main.useful - gone.useful)
}
