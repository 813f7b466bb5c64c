//! Step 2, roster: where every member stands, and what becomes of it by itself.
//!
//! Owns the one pass over the members that all later steps work from. Made only when something
//! goes on in a group; a steady one is done after the survey. Must never compare two members.

use alloc::vec::Vec;
use core::time::Duration;

use super::classify::{classify, detail_of, overdue_at};
use super::input::{Detail, Mark, Member, PlanInput, Sighting};
use super::ordinals::{self, Displacement};
use super::output::{Class, ClassCounts, PlanError, Reason};
use super::repair::Outlook;
use super::repair::fate::{Fate, Ground, LastResort, Verdict, fate_of, is_left_alone};
use super::rollout::change::{Change, change_of};
use super::rollout::goal::Goal;
use super::survey::serves_plainly;
use crate::count;
use crate::model::instance::InstanceState;
use crate::model::operation::Phase;
use crate::model::time::Timestamp;

/// Where one member stands: two bytes beside its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Its class.
    pub class: Class,
    /// What repair makes of it.
    pub fate: Fate,
    /// What it takes to make it one of the goal.
    pub change: Change,
    traits: u8,
}

const PROVEN: u8 = 1;
const UNTOUCHABLE: u8 = 1 << 1;
const STALE: u8 = 1 << 2;
const DISPLACED: u8 = 1 << 3;
const DOUBLE: u8 = 1 << 5;
const FAILED: u8 = 1 << 4;

impl Standing {
    /// Whether it has served long enough to count on.
    pub(super) const fn is_proven(self) -> bool {
        self.traits & PROVEN != 0
    }

    /// Whether nobody may take it away: the cloud protects it, or a person holds it.
    pub(super) const fn is_untouchable(self) -> bool {
        self.traits & UNTOUCHABLE != 0
    }

    /// Whether it is an unsent create of a revision that nobody wants any more.
    pub(super) const fn is_stale(self) -> bool {
        self.traits & STALE != 0
    }

    /// Whether it has no place in a group with ordinals: it goes, whatever the capacity is.
    pub(super) const fn is_displaced(self) -> bool {
        self.traits & DISPLACED != 0
    }

    /// Whether that is because another member is the one to keep its ordinal.
    pub(super) const fn is_double(self) -> bool {
        self.traits & DOUBLE != 0
    }

    /// Whether it came to nothing, as far as a rollout is concerned.
    pub(super) const fn is_failed(self) -> bool {
        self.traits & FAILED != 0
    }

    /// Whether it needs no change.
    pub(super) const fn is_current(self) -> bool {
        matches!(self.change, Change::None)
    }

    /// Whether it serves, or will without a replacement.
    pub(super) const fn is_useful(self) -> bool {
        !matches!(self.class, Class::Leaving | Class::InDoubt | Class::Retiring | Class::Kept)
            && !matches!(self.fate, Fate::Doomed | Fate::Condemned)
            && !self.is_stale()
            && !self.is_displaced()
    }
}

/// Counts of the members that are alike in whether they need a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// Those that serve, or will without a replacement.
    pub useful: u32,
    /// Those that serve.
    pub serving: u32,
    /// Those that have served long enough to count on.
    pub proven: u32,
    /// Creates among the useful ones that were not sent yet.
    pub intended: u32,
    /// Creates among the useful ones that were not answered yet.
    pub requested: u32,
    /// Those that came to nothing: given up, dead, or never healthy.
    pub failed: u32,
}

/// All members of a group.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// One for each member, in their order.
    pub standings: Vec<Standing>,
    /// Where they stand.
    pub counts: ClassCounts,
    /// Those that need no change.
    pub current: Part,
    /// Those that do.
    pub other: Part,
    /// How many are of another revision than the wanted one.
    pub old_revision: u32,
    /// Unsent creates of a revision that nobody wants any more.
    pub stale: u32,
    /// Those that are dead and deleted whatever the capacity is.
    pub doomed: u32,
    /// Those that are given up, and go once a successor has proved itself.
    pub condemned: u32,
    /// Which those are, and what speaks against them, as they were found.
    pub condemnable: Vec<Condemnable>,
    /// Those that fail, whatever is done about it.
    pub broken: u32,
    /// Those that are given up because their compute nodes are lost.
    pub lost: u32,
    /// Those that fail and that a person told repair to leave alone.
    pub left_alone: u32,
    /// Those whose compute node is waited for.
    pub returning: u32,
    /// Those on a lost compute node that nobody replaces, and the node of the first.
    pub stuck: Option<(u32, u32)>,
    /// Those to be started or restarted, but later.
    pub waiting: u32,
    /// Of those, the ones that run.
    pub restarting: u32,
    /// Those that were restarted because they failed, and have not passed since.
    pub recovering: u32,
    /// Those to be started or restarted now, and why, as they were found.
    pub restartable: Vec<(u32, Reason)>,
    /// Stopped ones that are not there yet.
    pub stopping: u32,
    /// Of those that serve, the ones that were told to restart and not seen since.
    interrupted: u32,
    /// When time alone changes something, whatever it is; the earliest.
    pub next_change: Option<Timestamp>,
    /// When the next start or restart is due.
    pub next_restart: Option<Timestamp>,
    /// When the next given up member may be replaced.
    pub next_replace: Option<Timestamp>,
    /// When the next serving member counts as proven.
    pub next_proven: Option<Timestamp>,
    /// When the next compute node was waited for long enough.
    pub next_return: Option<Timestamp>,
}

/// A member that is given up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condemnable {
    /// Which.
    pub index: u32,
    /// What speaks against it.
    pub ground: Ground,
    /// Whether its place was filled anew as often as the policy allows.
    pub is_spent: bool,
    /// What is left to it if nobody takes its place.
    pub last_resort: Option<LastResort>,
}

impl Roster {
    /// Takes in all members of an input whose members are in order.
    pub(super) fn of(input: &PlanInput<'_>, goal: &Goal, outlook: &Outlook) -> Result<Self, PlanError> {
        let mut roster = Self { standings: Vec::with_capacity(input.members.len()), ..Self::default() };
        let displaced = ordinals::displaced(input)?;
        for (member, index) in input.members.iter().zip(0_u32..) {
            let known = match displaced.binary_search_by_key(&index, |(index, _)| *index) {
                Ok(found) if displaced[found].1 == Displacement::Double => DISPLACED | DOUBLE,
                Ok(_) => DISPLACED,
                Err(_) => 0,
            };
            roster.add(member, known, input, (goal, outlook))?;
        }
        Ok(roster)
    }

    /// Members that serve, but for those that were told to restart and not seen since.
    pub(super) const fn serving(&self) -> u32 {
        self.counts.of(Class::Serving) - self.interrupted
    }

    /// Members that have served long enough to count on.
    pub(super) const fn proven(&self) -> u32 {
        self.current.proven + self.other.proven
    }

    /// Members that serve, or will without a replacement.
    pub(super) const fn useful(&self) -> u32 {
        self.current.useful + self.other.useful
    }

    /// The useful ones but for creates that were not sent yet.
    pub(super) const fn settled(&self) -> u32 {
        self.useful() - self.current.intended - self.other.intended
    }

    /// Slots taken, by members that are good for nothing any more as well.
    pub(super) fn occupied(&self) -> u32 {
        self.counts.total() - self.counts.of(Class::Kept)
    }

    /// Gives a member another fate than the one it was found with.
    pub(super) fn set_fate(&mut self, index: u32, fate: Fate) {
        let Some(standing) = self.standings.get_mut(index as usize) else { return };
        let before = *standing;
        standing.fate = fate;
        let after = *standing;
        self.condemned -= u32::from(before.fate == Fate::Condemned);
        self.condemned += u32::from(after.fate == Fate::Condemned);
        self.part(before).remove(before);
        self.part(after).add(after);
    }

    fn add(
        &mut self,
        member: &Member,
        known: u8,
        input: &PlanInput<'_>,
        (goal, outlook): (&Goal, &Outlook),
    ) -> Result<(), PlanError> {
        if input.conditions.nodes.is_empty() && serves_plainly(member, goal.revision) {
            self.add_plain(member, known, input);
            return Ok(());
        }
        let class = classify(member, input)?;
        let detail = detail_of(member, input)?;
        let fate = fate_of(member, class, detail, input, outlook);
        let change = change_of(member, detail, goal, input);
        let proven_at = proven_at(member, class, detail, input);
        let is_proven = proven_at.is_some_and(|at| at <= input.now);
        let is_held = detail.is_some_and(|detail| detail.marks.has(Mark::Held));
        let is_stale = class == Class::Intended && goal.has_outlived(member.revision);
        let traits = known
            | (u8::from(is_proven) * PROVEN)
            | (u8::from(is_held || member.is_protected()) * UNTOUCHABLE)
            | (u8::from(is_stale) * STALE)
            | (u8::from(is_failed(member, class, detail, fate, input)) * FAILED);
        let standing = Standing { class, fate: fate.kind(), change, traits };
        self.standings.push(standing);
        self.counts.0[class as usize] += 1;
        self.stale += u32::from(is_stale);
        self.old_revision += u32::from(member.revision != input.intent.revision && class != Class::Kept);
        if !is_proven {
            earliest(&mut self.next_proven, proven_at);
        }
        if let Some(until) = interrupted_until(class, detail, input) {
            self.interrupted += 1;
            earliest(&mut self.next_change, Some(until).filter(|at| *at > input.now));
        }
        self.add_fate(member, class, fate, input);
        self.add_illness(class, detail, fate);
        self.part(standing).add(standing);
        Ok(())
    }

    /// What [`Self::add`] comes to for a member that simply serves: most of them, also where
    /// something goes on.
    fn add_plain(&mut self, member: &Member, known: u8, input: &PlanInput<'_>) {
        let proven_at = proven_at(member, Class::Serving, None, input);
        let is_proven = proven_at.is_some_and(|at| at <= input.now);
        let traits = known | (u8::from(is_proven) * PROVEN) | (u8::from(member.is_protected()) * UNTOUCHABLE);
        let standing = Standing { class: Class::Serving, fate: Fate::Stays, change: Change::None, traits };
        self.standings.push(standing);
        self.counts.0[Class::Serving as usize] += 1;
        self.old_revision += u32::from(member.revision != input.intent.revision);
        if !is_proven {
            earliest(&mut self.next_proven, proven_at);
        }
        self.current.add(standing);
    }

    fn part(&mut self, standing: Standing) -> &mut Part {
        if standing.is_current() { &mut self.current } else { &mut self.other }
    }

    fn add_fate(&mut self, member: &Member, class: Class, fate: Verdict, input: &PlanInput<'_>) {
        match fate.kind() {
            Fate::Stays => earliest(&mut self.next_change, fate.due_at()),
            Fate::Doomed => self.doomed += 1,
            Fate::Condemned => {
                self.condemned += 1;
                earliest(&mut self.next_change, fate.due_at());
            }
            Fate::GivenUp => earliest(&mut self.next_replace, fate.due_at()),
            Fate::Restarts => {
                let index = count::of(self.standings.len() - 1);
                self.restartable.extend(fate.reason().map(|reason| (index, reason)));
            }
            Fate::Recovers => {
                self.recovering += 1;
                earliest(&mut self.next_change, fate.due_at());
            }
            Fate::Waits => {
                self.waiting += 1;
                self.restarting += u32::from(class == Class::Unhealthy);
                earliest(&mut self.next_restart, fate.due_at());
            }
            Fate::Returns => match fate.due_at() {
                Some(until) => {
                    self.returning += 1;
                    self.next_return = Some(self.next_return.map_or(until, |known| known.min(until)));
                }
                None => {
                    let (count, first) = self.stuck.unwrap_or((0, member.compute_node));
                    self.stuck = Some((count + 1, first));
                }
            },
        }
        if class == Class::Stopped && member.sighting == Sighting::Present(InstanceState::Stopping) {
            self.stopping += 1;
        }
        if class == Class::Starting && is_on_probation(member) {
            earliest(&mut self.next_change, Some(overdue_at(member, input.timing)));
        }
    }
}

impl Roster {
    /// Counts those that fail.
    fn add_illness(&mut self, class: Class, detail: Option<&Detail>, fate: Verdict) {
        if fate.kind() == Fate::Condemned {
            let (ground, is_spent, last_resort) = (fate.ground(), fate.is_spent(), fate.last_resort());
            let index = count::of(self.standings.len() - 1);
            self.condemnable.push(Condemnable { index, ground, is_spent, last_resort });
        }
        self.lost += u32::from(fate.kind() == Fate::Condemned && fate.ground() == Ground::Lost);
        self.broken += u32::from(is_broken(class, detail, fate));
        let is_failing = matches!(class, Class::Failed | Class::Overdue | Class::Stopped | Class::Unhealthy);
        self.left_alone += u32::from(is_failing && is_left_alone(detail));
    }
}

impl Part {
    /// Both together.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            useful: self.useful + other.useful,
            serving: self.serving + other.serving,
            proven: self.proven + other.proven,
            intended: self.intended + other.intended,
            requested: self.requested + other.requested,
            failed: self.failed + other.failed,
        }
    }

    fn remove(&mut self, standing: Standing) {
        self.failed -= u32::from(standing.is_failed());
        if !standing.is_useful() {
            return;
        }
        self.useful -= 1;
        self.serving -= u32::from(standing.class == Class::Serving);
        self.proven -= u32::from(standing.is_proven());
        self.intended -= u32::from(standing.class == Class::Intended);
        self.requested -= u32::from(standing.class == Class::Requested);
    }

    fn add(&mut self, standing: Standing) {
        self.failed += u32::from(standing.is_failed());
        if !standing.is_useful() {
            return;
        }
        self.useful += 1;
        self.serving += u32::from(standing.class == Class::Serving);
        self.proven += u32::from(standing.is_proven());
        self.intended += u32::from(standing.class == Class::Intended);
        self.requested += u32::from(standing.class == Class::Requested);
    }
}

/// From when on a serving member counts as proven. One that was told to restart has not served
/// since, even if nobody has looked at it again yet.
fn proven_at(member: &Member, class: Class, detail: Option<&Detail>, input: &PlanInput<'_>) -> Option<Timestamp> {
    let healthy = input.policy.update.min_healthy_time.as_duration();
    let seen_at = member.state_since.max(member.phase_since).after(healthy);
    let told_at = detail.and_then(|detail| detail.restarts.last_at()).map(|at| at.after(healthy.max(LOOK)));
    (class == Class::Serving).then(|| told_at.map_or(seen_at, |at| at.max(seen_at)))
}

/// Until when at least a serving member that was told to restart, or resized, does not count as one
/// that serves: until it can be seen again.
fn interrupted_until(class: Class, detail: Option<&Detail>, input: &PlanInput<'_>) -> Option<Timestamp> {
    let told_at = detail.filter(|_| class == Class::Serving)?.restarts.last_at()?;
    let is_unseen = told_at >= input.view.taken_at;
    Some(told_at.after(LOOK)).filter(|until| is_unseen || *until > input.now)
}

/// What it takes at least until a restart can be seen.
const LOOK: Duration = Duration::from_secs(1);

/// Whether a member came to nothing, as far as a rollout is concerned: the loss of a compute node
/// says nothing about a revision.
fn is_failed(member: &Member, class: Class, detail: Option<&Detail>, fate: Verdict, input: &PlanInput<'_>) -> bool {
    if matches!(fate.reason(), Some(Reason::NodeLost { .. } | Reason::NodeDraining { .. })) {
        return false;
    }
    if matches!(class, Class::Failed | Class::Overdue) || matches!(fate.kind(), Fate::Condemned | Fate::GivenUp) {
        return true;
    }
    matches!(class, Class::Starting | Class::Unhealthy) && fails_at(member, detail, input) <= input.now
}

/// Whether a member counts as unhealthy for the group as a whole: it fails, or is given up because
/// it did. One that a person holds does not.
pub(super) fn is_broken(class: Class, detail: Option<&Detail>, fate: Verdict) -> bool {
    let is_held = detail.is_some_and(|detail| detail.marks.has(Mark::Held));
    let is_given_up = matches!(fate.kind(), Fate::Condemned | Fate::GivenUp) && fate.ground() == Ground::Broken;
    is_given_up || (class == Class::Unhealthy && !is_held)
}

/// When a member that is not healthy yet has failed.
pub(super) fn fails_at(member: &Member, detail: Option<&Detail>, input: &PlanInput<'_>) -> Timestamp {
    asked_at(member, detail).after(input.policy.update.healthy_deadline.as_duration())
}

/// When a member was asked for, as far as is known.
pub(super) fn asked_at(member: &Member, detail: Option<&Detail>) -> Timestamp {
    detail.map_or(member.phase_since, |detail| detail.asked_at)
}

/// Whether the passing of time alone will make a starting member overdue.
fn is_on_probation(member: &Member) -> bool {
    member.phase == Phase::Bound && member.sighting == Sighting::Present(InstanceState::Provisioning)
}

pub(super) fn earliest(slot: &mut Option<Timestamp>, at: Option<Timestamp>) {
    *slot = match (*slot, at) {
        (Some(known), Some(at)) => Some(known.min(at)),
        (known, at) => known.or(at),
    };
}
