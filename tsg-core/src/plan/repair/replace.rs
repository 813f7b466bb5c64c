//! Replaced members go, and what takes their place.
//!
//! Owns when a member that is replaced may go, and what a successor is told of it. Must never let
//! a member go before its successor has proved itself, as long as there is room for both.

use alloc::vec::Vec;

use super::super::Situation;
use super::super::balance::Scope;
use super::super::classify::detail_of;
use super::super::draft::Draft;
use super::super::input::{Member, PlanInput};
use super::super::memory::Suspension;
use super::super::output::{Class, Origin, PlanError, Reason, Wait};
use super::super::roster::Standing;
use super::fate::{Fate, Ground, fate_of};
use super::gate::Gate;
use super::heirs::Heir;
use super::lineage::{retries_inherited, retries_of_successor};
use super::pace::Condemned;
use super::{node, note_young, remove, suspend};
use crate::count;
use crate::model::id::OperationId;
use crate::model::time::Timestamp;

/// Lets those go that may.
pub(super) fn replace(input: &PlanInput<'_>, situation: &Situation, draft: &mut Draft) -> Result<(), PlanError> {
    let mut kept: Option<(u32, Timestamp)> = None;
    let (mut own, mut others) = (Vec::new(), Vec::new());
    let mut proving = 0;
    for condemned in situation.pace.condemned.iter().filter(|condemned| !draft.is_taken(condemned.index)) {
        let member = &input.members[condemned.index as usize];
        let until = node::kept_until(member.compute_node, input).filter(|_| condemned.ground == Ground::Lost);
        let is_succeeded = condemned.heir == Heir::Proven;
        match until {
            Some(until) if is_succeeded || condemned.heir >= Heir::Coming => {
                let (count, first) = kept.unwrap_or((0, until));
                kept = Some((count + 1, first.min(until)));
            }
            _ if is_succeeded => own.push(*condemned),
            _ => others.push(*condemned),
        }
        proving += u32::from(condemned.heir == Heir::Proving);
    }
    report(situation, draft, kept, proving);
    let spare = surplus(situation, draft, others.len());
    for condemned in &own {
        let_go(input, situation, draft, condemned)?;
    }
    let left = let_others_go(input, situation, draft, others, spare)?;
    if left > 0 && proving == 0 {
        let is_fresh =
            |standing: &&Standing| standing.class == Class::Serving && standing.is_useful() && !standing.is_proven();
        let fresh = situation.roster.standings.iter().filter(is_fresh);
        wait_for_proof(situation, draft, count::of(fresh.count()));
    }
    Ok(())
}

/// Says what those wait for that do not go.
fn report(situation: &Situation, draft: &mut Draft, kept: Option<(u32, Timestamp)>, proving: u32) {
    if let Some((count, until)) = kept {
        // One that nobody has given up has no end.
        if until.as_millis() < i64::MAX {
            draft.waits.push(Wait::NodeGrace { count, until });
            draft.wake(Some(until));
        }
    }
    wait_for_proof(situation, draft, proving);
}

/// Says that so many have to prove themselves first.
fn wait_for_proof(situation: &Situation, draft: &mut Draft, count: u32) {
    if let Some(until) = situation.roster.next_proven.filter(|_| count > 0) {
        draft.waits.push(Wait::Proving { count, until });
        draft.wake(Some(until));
    }
}

/// How many of the condemned are not needed, even if no successor proves itself. Others that were
/// given up keep their places, so that no successor is made for those: each would wait for the other.
fn surplus(situation: &Situation, draft: &Draft, condemned: usize) -> u32 {
    let proven = situation.roster.proven().saturating_sub(draft.serving_taken);
    let keeps_place = |standing: &Standing| standing.fate == Fate::GivenUp && standing.class != Class::Serving;
    let standings = situation.roster.standings.iter().zip(0_u32..);
    let in_place = standings.filter(|(standing, index)| keeps_place(standing) && !draft.is_taken(*index)).count();
    let there = proven.saturating_add(count::of(condemned + in_place));
    there.saturating_sub(situation.balance.wanted)
}

/// Lets those go that have no proven successor, as far as they can be spared, and says how many of
/// them stay without one on its way.
fn let_others_go(
    input: &PlanInput<'_>,
    situation: &Situation,
    draft: &mut Draft,
    mut others: Vec<Condemned>,
    mut spare: u32,
) -> Result<u32, PlanError> {
    let mut left = 0;
    let standings = &situation.roster.standings;
    let retries = |member: &Member| detail_of(member, input).ok().flatten().map(|detail| detail.lineage.retries);
    // The worst first; of a chain the older ones, so that the newest hands its count on.
    others.sort_by_cached_key(|condemned| {
        let member = &input.members[condemned.index as usize];
        (standings[condemned.index as usize].class, retries(member), member.sequence, condemned.index)
    });
    for condemned in &others {
        let is_first = !situation.pace.needs_heir(input, &situation.roster, condemned);
        if is_first && condemned.heir <= Heir::Broken {
            let_go(input, situation, draft, condemned)?;
        } else if spare > 0 {
            spare -= 1;
            let_go(input, situation, draft, condemned)?;
        } else {
            left += u32::from(condemned.heir == Heir::None);
        }
    }
    Ok(left)
}

fn let_go(
    input: &PlanInput<'_>,
    situation: &Situation,
    draft: &mut Draft,
    condemned: &Condemned,
) -> Result<(), PlanError> {
    let index = condemned.index;
    let (member, standing) = (&input.members[index as usize], situation.roster.standings[index as usize]);
    let is_asked = condemned.ground == Ground::Marked;
    let is_held = situation.pace.gate == Gate::Held && input.intent.orders.repairs_allowed == 0;
    if draft.is_taken(index) {
        return Ok(());
    }
    if is_held && !is_asked {
        draft.held_removals += 1;
        return Ok(());
    }
    if standing.class == Class::Serving && !is_asked {
        let left = situation.roster.serving().saturating_sub(draft.serving_taken);
        if left <= situation.balance.floor {
            draft.under_floor += 1;
            return Ok(());
        }
    }
    let detail = detail_of(member, input)?;
    let own = fate_of(member, standing.class, detail, input, &situation.outlook).reason();
    let Some(reason) = condemned.reason.or(own) else { return Ok(()) };
    if remove(input, draft, (member, index), standing, reason)? {
        if condemned.ground == Ground::Broken {
            note_young(input, draft, member, detail);
        }
        if is_probe(situation, condemned) && condemned.heir == Heir::None {
            note_probe(input, draft, None);
        }
    }
    Ok(())
}

/// What is to take the place of a member.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Succession {
    /// Whose place.
    pub predecessor: OperationId,
    /// How many replacements of that place died young before.
    pub retries: u8,
    /// Compute nodes that were no good.
    pub avoid: [Option<u32>; 2],
    /// Whether the predecessor is of the goal.
    pub is_current: bool,
    /// Set when it is to show whether repairs help again: since when they are suspended.
    pub probe_of: Option<Timestamp>,
}

impl Succession {
    const fn is_within(&self, scope: Scope) -> bool {
        match scope {
            Scope::All => true,
            Scope::Current => self.is_current,
            Scope::Other => !self.is_current,
        }
    }

    /// Why it is made.
    pub(in super::super) const fn reason(&self) -> Reason {
        match self.probe_of {
            Some(since) => Reason::ProbeRepair { since },
            None => Reason::Succeeds { predecessor: self.predecessor, retries: self.retries },
        }
    }

    /// What it begins with.
    pub(in super::super) const fn origin(&self, operation: OperationId) -> Origin {
        let (replaces, retries, avoid) = (Some(self.predecessor), self.retries, self.avoid);
        Origin { operation, replaces, retries, ordinal: None, avoid }
    }
}

/// The successors that are to be made, the most urgent first.
#[derive(Debug, Default)]
pub(in super::super) struct Successions(Vec<Succession>);

impl Successions {
    /// Those of all members that are replaced and stay for as long as that takes.
    pub(in super::super) fn of(input: &PlanInput<'_>, situation: &Situation, draft: &Draft) -> Result<Self, PlanError> {
        let mut successions = Vec::new();
        for condemned in &situation.pace.condemned {
            if condemned.heir == Heir::None && !draft.is_taken(condemned.index) {
                successions.push(succession(input, situation, condemned)?);
            }
        }
        Ok(Self(successions))
    }

    /// How many belong to a scope.
    pub(in super::super) fn count(&self, scope: Scope) -> u32 {
        count::of(self.0.iter().filter(|succession| succession.is_within(scope)).count())
    }

    /// The next one of a scope.
    pub(in super::super) fn take(&mut self, scope: Scope) -> Option<Succession> {
        let place = self.0.iter().position(|succession| succession.is_within(scope))?;
        Some(self.0.remove(place))
    }
}

fn succession(input: &PlanInput<'_>, situation: &Situation, condemned: &Condemned) -> Result<Succession, PlanError> {
    let member = &input.members[condemned.index as usize];
    let (detail, memory) = (detail_of(member, input)?, &situation.outlook.memory);
    let retries = match condemned.ground {
        Ground::Broken | Ground::Marked => retries_of_successor(member, detail, input, memory),
        Ground::Lost | Ground::Unneeded => retries_inherited(member, detail, input, memory),
    };
    let since = situation.pace.memory.suspension.map(|suspension: Suspension| suspension.since);
    Ok(Succession {
        predecessor: member.operation,
        retries,
        avoid: node::avoided(member, detail, input),
        is_current: situation.roster.standings[condemned.index as usize].is_current(),
        probe_of: since.filter(|_| is_probe(situation, condemned)),
    })
}

fn is_probe(situation: &Situation, condemned: &Condemned) -> bool {
    situation.pace.gate == Gate::Suspended && condemned.ground != Ground::Marked
}

/// Remembers that a probe was begun, and its member once it is planned.
pub(in super::super) fn note_probe(input: &PlanInput<'_>, draft: &mut Draft, probe: Option<OperationId>) {
    if let Some(memory) = &mut draft.repair_memory {
        suspend::note_probe(memory, probe, input.now);
    }
}
