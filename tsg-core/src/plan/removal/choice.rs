//! The choice among those that may be let go: the first difference decides.
//!
//! Owns the order of the differences: rank, the guest's advice, crowding, place in line. Must
//! never sort more than it has to: where all of a kind go, nothing is compared.

use alloc::vec::Vec;

use super::super::Situation;
use super::super::classify::detail_of;
use super::super::input::PlanInput;
use super::super::output::{PlanError, VictimRank};
use super::advice::Advice;
use super::candidate::Candidate;
use super::crowding;

/// Whether those chosen are needed in the order in which they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequence {
    /// All of them go now: any order will do.
    Any,
    /// Only the first of them go now.
    InOrder,
}

/// The `count` members that go first.
pub(super) fn choose(
    input: &PlanInput<'_>,
    situation: &Situation,
    victims: Vec<Candidate>,
    count: usize,
    sequence: Sequence,
) -> Result<Vec<Candidate>, PlanError> {
    if count >= victims.len() && sequence == Sequence::Any {
        return Ok(victims);
    }
    let present = victims.iter().fold(0_u32, |present, victim| present | 1 << victim.rank() as u32);
    let mut chosen = Vec::with_capacity(count.min(victims.len()));
    for rank in VictimRank::ALL.into_iter().filter(|rank| present >> *rank as u32 & 1 == 1) {
        let equals: Vec<Candidate> = victims.iter().copied().filter(|victim| victim.rank() == rank).collect();
        let rest = count - chosen.len();
        match (rest, sequence) {
            (0, _) => break,
            (_, Sequence::Any) if rest >= equals.len() => chosen.extend(equals),
            _ => choose_equals(input, situation, equals, rest, &mut chosen)?,
        }
    }
    Ok(chosen)
}

/// At most `count` of a rank, in the order in which they go.
fn choose_equals(
    input: &PlanInput<'_>,
    situation: &Situation,
    mut equals: Vec<Candidate>,
    count: usize,
    chosen: &mut Vec<Candidate>,
) -> Result<(), PlanError> {
    if equals.first().is_some_and(|victim| victim.rank() == VictimRank::BeyondOrdinals) {
        equals.sort_unstable();
        chosen.extend(equals.into_iter().take(count));
        return Ok(());
    }
    let advised = by_advice(input, equals)?;
    // What those are compared with that go whatever their place: the first one that stays.
    let stays = advised.get(count).or(advised.last()).map(|(advice, _)| *advice).unwrap_or_default();
    let mut rest = count.min(advised.len());
    for kind in advised.chunk_by(|one, next| one.0 == next.0) {
        if rest == 0 {
            break;
        }
        let advice = kind.first().map(|(advice, _)| *advice).unwrap_or_default();
        let members: Vec<Candidate> = kind.iter().map(|(_, victim)| *victim).collect();
        let taken = crowding::fullest_first(input, situation, &members, chosen, rest.min(members.len()));
        rest -= taken.len();
        let finer = match (advice.is_busy != stays.is_busy, advice.cost != stays.cost) {
            (true, _) => Some(VictimRank::Idle),
            (false, true) => Some(VictimRank::Cheap),
            (false, false) => None,
        };
        chosen.extend(taken.into_iter().map(|victim| finer.map_or(victim, |rank| victim.because(rank))));
    }
    Ok(())
}

/// Those with the least to say for keeping them first.
fn by_advice(input: &PlanInput<'_>, equals: Vec<Candidate>) -> Result<Vec<(Advice, Candidate)>, PlanError> {
    if input.details.is_empty() {
        return Ok(equals.into_iter().map(|victim| (Advice::default(), victim)).collect());
    }
    let mut advised = Vec::with_capacity(equals.len());
    for victim in equals {
        let detail = detail_of(&input.members[victim.index() as usize], input)?;
        advised.push((Advice::of(input, detail), victim));
    }
    advised.sort_unstable();
    Ok(advised)
}
