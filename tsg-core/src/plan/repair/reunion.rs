//! A member that was to be replaced serves again, and so does its successor: one is too many.
//!
//! Owns which of the two goes. Must never let one go that serves before the other has proved
//! itself; removing is another step.

use alloc::vec::Vec;

use super::super::classify::detail_of;
use super::super::input::PlanInput;
use super::super::output::{Class, Reason};
use super::super::roster::{Roster, Standing};
use super::fate::{Fate, Ground};
use super::heirs::{Heir, Heirs, Link};
use super::pace::Condemned;
use crate::model::policy::Reconcile;

/// Gives one of each such two up, as far as the group has too many.
pub(super) fn reunite(input: &PlanInput<'_>, roster: &mut Roster, heirs: &Heirs) -> Vec<Condemned> {
    let mut given_up = Vec::new();
    for link in heirs.links() {
        await_return(roster, *link, &mut given_up);
        if roster.useful() > input.intent.capacity
            && let Some(condemned) = loser(input, roster, *link)
        {
            roster.set_fate(condemned.index, Fate::Condemned);
            given_up.push(condemned);
        }
    }
    given_up
}

/// One whose compute node is waited for, and whose place another one has taken meanwhile, is not
/// one too many before it is known whether it comes back.
fn await_return(roster: &mut Roster, link: Link, given_up: &mut Vec<Condemned>) {
    let Some((predecessor, successor)) = both(roster, link) else { return };
    let heir = Heir::of(successor);
    if predecessor.fate == Fate::Returns && predecessor.class == Class::Stranded && heir >= Heir::Coming {
        roster.set_fate(link.predecessor, Fate::Condemned);
        roster.returning = roster.returning.saturating_sub(1);
        given_up.push(Condemned { index: link.predecessor, ground: Ground::Lost, heir, reason: None });
    }
}

/// The one that goes, if both can be had.
fn loser(input: &PlanInput<'_>, roster: &Roster, link: Link) -> Option<Condemned> {
    let (predecessor, successor) = both(roster, link)?;
    let is_back = is_well(predecessor) && predecessor.is_useful();
    let is_there = is_well(successor) || matches!(successor.class, Class::Starting | Class::Stopped | Class::Unhealthy);
    if !is_back || !is_there || !successor.is_useful() || successor.fate == Fate::GivenUp {
        return None;
    }
    let member = input.members.get(link.predecessor as usize)?;
    let detail = detail_of(member, input).ok().flatten();
    let restarts = detail.map(|detail| detail.restarts).unwrap_or_default();
    let has_failed = restarts.within(input.policy.restart.interval.as_duration(), input.now) > 0;
    let is_original_kept = match input.policy.cn_loss.reconcile {
        // One that had to be restarted was given up for what it did itself.
        _ if has_failed => false,
        Reconcile::KeepOriginal => true,
        Reconcile::KeepReplacement => false,
        Reconcile::KeepHealthiest => is_better(predecessor, successor),
    };
    let (index, goes, stays) = if is_original_kept {
        (link.successor, successor, predecessor)
    } else {
        (link.predecessor, predecessor, successor)
    };
    let available = roster.proven();
    let reason = if has_failed {
        Reason::Succeeded { available, wanted: input.intent.capacity }
    } else {
        Reason::ReturnedLate { node: member.compute_node }
    };
    let heir = Heir::of(stays).max(Heir::Coming);
    (!goes.is_untouchable()).then_some(Condemned { index, ground: Ground::Unneeded, heir, reason: Some(reason) })
}

/// Healthy before not, the goal before other revisions, and then the one that has run for longer.
fn is_better(predecessor: Standing, successor: Standing) -> bool {
    let health = |standing: Standing| (is_well(standing), standing.is_current());
    health(predecessor) >= health(successor)
}

/// Whether discovery answers with it follows.
const fn is_well(standing: Standing) -> bool {
    matches!(standing.class, Class::Unlisted | Class::Serving)
}

fn both(roster: &Roster, link: Link) -> Option<(Standing, Standing)> {
    let standing = |index: u32| roster.standings.get(index as usize).copied();
    standing(link.predecessor).zip(standing(link.successor))
}
