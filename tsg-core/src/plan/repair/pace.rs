//! What repair may do in this plan: who is replaced now, and who keeps its slot for a while.
//!
//! Owns the limits of one group; those across groups come with the input. Must never act.

use alloc::vec::Vec;

use super::super::input::{Member, NodeState, PlanInput};
use super::super::memory::{Backoff, RepairMemory, Setback, SuspensionCause};
use super::super::output::{Class, Reason};
use super::super::roster::{Condemnable, Roster, Standing, earliest};
use super::fate::{Fate, Ground, LastResort};
use super::gate::Gate;
use super::heirs::{Heir, Heirs};
use super::{Outlook, hold, reunion, suspend};
use crate::count;
use crate::model::policy::{Identity, ReplaceOrder};
use crate::protocol::create::Refusal;

/// What repair may do in this plan.
#[derive(Debug, Default)]
pub(in super::super) struct Pace {
    /// Repairs at once, at most.
    pub limit: u32,
    /// Instances over the capacity that replacements may use, so that nothing goes before its
    /// successor has proved itself.
    pub surge: u32,
    /// What is remembered, but for what follows from the steps of this plan.
    pub memory: RepairMemory,
    /// Those who are replaced now, and how far their successors have come.
    pub(super) condemned: Vec<Condemned>,
    /// What stands against more replacements.
    pub(super) gate: Gate,
    /// How many more could be replaced, were it not for that.
    pub(super) withheld: u32,
    /// The members against the limit of `max_unhealthy`.
    pub(super) count: Option<hold::Count>,
    /// Whether a successor is made before its predecessor goes.
    pub(super) order: ReplaceOrder,
    /// Replacements under way.
    pub(super) in_flight: u32,
}

/// A member that is replaced now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condemned {
    pub index: u32,
    pub ground: Ground,
    pub heir: Heir,
    /// Why, where that does not follow from the member itself.
    pub reason: Option<Reason>,
}

impl Pace {
    /// Decides who is replaced now; everybody else that is given up keeps its slot.
    pub(in super::super) fn set(input: &PlanInput<'_>, outlook: &Outlook, roster: &mut Roster) -> Self {
        let mut pace = Self {
            limit: input.policy.replace.in_flight.at_least_one_of(input.intent.capacity),
            memory: outlook.memory,
            order: order(input, roster),
            ..Self::default()
        };
        let is_moving = roster.condemned > 0 || roster.useful() > input.intent.capacity;
        let heirs = if is_moving { Heirs::of(input) } else { Heirs::default() };
        let count = hold::Count::of(input, roster, superseded(input, roster, &heirs));
        pace.memory.hold = hold::in_force(input, count);
        pace.count = Some(count);
        if is_moving {
            pace.choose(input, roster, &heirs);
        }
        if pace.gate == Gate::Open {
            pace.gate = Gate::of(input, &pace, count, 0);
        }
        pace.surge = pace.surge_of(input, roster);
        pace
    }

    fn choose(&mut self, input: &PlanInput<'_>, roster: &mut Roster, heirs: &Heirs) {
        self.condemned = reunion::reunite(input, roster, heirs);
        let (mut fresh, mut settled_twice, mut unready) = (Vec::new(), count::of(self.condemned.len()), 0);
        for found in core::mem::take(&mut roster.condemnable) {
            let heir = heirs.heir(found.index, roster);
            // What is not needed at all is the scale-in's to take, in its own order. That cancels
            // first what was not sent yet, which may as well take this one's place.
            let is_spare = roster.settled() >= input.intent.capacity;
            if found.ground == Ground::Unneeded && heir == Heir::None && is_spare {
                roster.set_fate(found.index, Fate::Stays);
                continue;
            }
            settled_twice += u32::from(matches!(heir, Heir::Proven | Heir::Broken));
            let class = roster.standings[found.index as usize].class;
            unready += u32::from(found.ground == Ground::Unneeded && class == Class::Starting);
            self.in_flight += u32::from(matches!(heir, Heir::Coming | Heir::Proving));
            if heir == Heir::None {
                fresh.push(found);
            } else {
                self.condemned.push(Condemned { index: found.index, ground: found.ground, heir, reason: None });
            }
        }
        // The condemned stand for the places that they are to leave, until their successors do; but
        // what only comes up is not there, whether it may stay or not.
        let standing_in = roster.condemned.saturating_sub(settled_twice).saturating_sub(unready);
        let there = (roster.useful() - coming(roster)).saturating_add(standing_in);
        self.admit(input, roster, fresh, input.intent.capacity.saturating_sub(there));
    }

    /// Lets as many begin as may, and gives the others their slots back.
    fn admit(&mut self, input: &PlanInput<'_>, roster: &mut Roster, mut fresh: Vec<Condemnable>, absent: u32) {
        if self.order == ReplaceOrder::StopFirst {
            self.in_flight = self.in_flight.max(absent);
        }
        if fresh.iter().any(|found| found.is_spent) {
            let retries = input.policy.replace.max_retries;
            suspend::suspend(&mut self.memory, input, SuspensionCause::RetriesSpent { retries });
        }
        let Some(count) = self.count else { return };
        self.gate = Gate::of(input, self, count, absent);
        fresh.sort_unstable_by_key(|found| {
            let class = roster.standings[found.index as usize].class;
            (found.ground, class == Class::Serving, input.members[found.index as usize].sequence, found.index)
        });
        let mut begun = Vec::new();
        for found in fresh {
            if count::of(begun.len()) < self.gate.slots(self, input, found.ground) {
                begun.push(found);
            } else {
                self.withheld += u32::from(withhold(input, roster, found));
            }
        }
        for found in begun {
            // Those who keep their slots may be as many as there are places.
            if found.ground == Ground::Unneeded && roster.settled() >= input.intent.capacity {
                roster.set_fate(found.index, Fate::Stays);
                continue;
            }
            let Condemnable { index, ground, .. } = found;
            self.condemned.push(Condemned { index, ground, heir: Heir::None, reason: None });
        }
    }

    /// Instances over the capacity. Those on lost nodes serve nobody and cannot be removed before
    /// their nodes come back, so that they come on top of everything.
    fn surge_of(&self, input: &PlanInput<'_>, roster: &Roster) -> u32 {
        let most = self.limit.max(input.intent.orders.repairs_allowed);
        let (mut lost, mut others) = (dead_on_lost_nodes(input, roster), 0_u32);
        for condemned in self.condemned.iter().filter(|condemned| self.needs_heir(input, roster, condemned)) {
            let count = if condemned.ground == Ground::Lost { &mut lost } else { &mut others };
            *count += 1;
        }
        others.min(most).saturating_add(lost)
    }

    /// Whether a member goes only after its successor has proved itself. As long as there is room,
    /// one that serves does, whatever the order, and one that may come back.
    pub(super) fn needs_heir(&self, input: &PlanInput<'_>, roster: &Roster, condemned: &Condemned) -> bool {
        let is_serving = roster.standings[condemned.index as usize].class == Class::Serving;
        self.order == ReplaceOrder::StartFirst
            || ((is_serving || condemned.ground == Ground::Lost) && has_room(input, roster))
    }

    /// Whether another one has taken a condemned member's place already.
    pub(super) fn is_superseded(&self, index: u32) -> bool {
        let has_heir = |condemned: &&Condemned| matches!(condemned.heir, Heir::Proven | Heir::Broken);
        self.condemned.iter().filter(has_heir).any(|condemned| condemned.index == index)
    }

    /// Whether lacking capacity is not made up for: what is new would likely share the fault.
    pub(in super::super) fn adds_nothing(&self, input: &PlanInput<'_>) -> bool {
        self.memory.hold.is_some()
            && !input.policy.max_unhealthy.add_while_held
            && input.intent.orders.repairs_allowed == 0
    }
}

fn order(input: &PlanInput<'_>, roster: &Roster) -> ReplaceOrder {
    if has_room(input, roster) { input.policy.replace.order } else { ReplaceOrder::StopFirst }
}

/// Whether there can be one instance more than wanted.
fn has_room(input: &PlanInput<'_>, roster: &Roster) -> bool {
    let most = input.limits.most_instances.saturating_sub(roster.counts.of(Class::Kept));
    input.policy.identity == Identity::Unordered && most > input.intent.capacity && !is_quota_used_up(input)
}

/// Gives one whose replacement may not begin its slot back, and answers whether it waits for that: one
/// that nobody came for in all the time for which restarts count is restarted once more.
fn withhold(input: &PlanInput<'_>, roster: &mut Roster, found: Condemnable) -> bool {
    match found.last_resort {
        Some(LastResort { at, reason }) if at <= input.now => {
            roster.set_fate(found.index, Fate::Restarts);
            roster.restartable.push((found.index, reason));
            false
        }
        last_resort => {
            roster.set_fate(found.index, Fate::GivenUp);
            earliest(&mut roster.next_change, last_resort.map(|resort| resort.at));
            true
        }
    }
}

/// Whether the cloud said so, a short while ago.
fn is_quota_used_up(input: &PlanInput<'_>) -> bool {
    let is_quota = |backoff: Backoff| backoff.cause == Setback::Refused(Refusal::Quota);
    input.memory.create_backoff.is_some_and(|backoff| is_quota(backoff) && backoff.until > input.now)
}

/// Members that count as unhealthy and whose place another one has taken already.
fn superseded(input: &PlanInput<'_>, roster: &Roster, heirs: &Heirs) -> u32 {
    let is_lost_counted = !hold::is_single_loss(input);
    let is_superseded = |found: &&Condemnable| {
        let is_counted = found.ground == Ground::Broken || (found.ground == Ground::Lost && is_lost_counted);
        is_counted && matches!(heirs.heir(found.index, roster), Heir::Proven | Heir::Broken)
    };
    count::of(roster.condemnable.iter().filter(is_superseded).count())
}

/// Members that come up.
fn coming(roster: &Roster) -> u32 {
    let is_coming = |standing: &&Standing| {
        matches!(standing.class, Class::Intended | Class::Requested | Class::Starting)
            && standing.is_useful()
            && standing.fate != Fate::GivenUp
    };
    count::of(roster.standings.iter().filter(is_coming).count())
}

/// Those that are being deleted, or will be as soon as may be: they cannot go before their nodes
/// come back.
fn dead_on_lost_nodes(input: &PlanInput<'_>, roster: &Roster) -> u32 {
    if input.conditions.nodes.is_empty() {
        return 0;
    }
    let is_stuck = |member: &Member| matches!(input.conditions.node(member.compute_node), Some(NodeState::Lost { .. }));
    let members = input.members.iter().zip(&roster.standings);
    let is_dead = |standing: &Standing| standing.class == Class::Leaving || standing.fate == Fate::Doomed;
    let stuck = members.filter(|(member, standing)| is_dead(standing) && is_stuck(member));
    count::of(stuck.count())
}
