//! Who may be let go, and how early.
//!
//! Owns the ranks of the victim order and the age within a rank. Must never compare two members:
//! what a rank does not tell apart is told apart by [`choice`](super::choice).

use alloc::vec::Vec;

use super::super::Situation;
use super::super::balance::{Lane, Scope};
use super::super::classify::detail_of;
use super::super::draft::Step;
use super::super::identity;
use super::super::input::{Detail, Mark, Member, NodeState, PlanInput};
use super::super::output::{Class, PlanError, VictimRank};
use super::super::repair::fate::Fate;
use super::super::roster::{Standing, earliest};
use super::{advice, first_stage};
use crate::model::policy::{Identity, Preserve, ScaleInOrder, Shutdown};
use crate::model::time::Timestamp;

/// A candidate as one number: rank, then turn, then operation. Smaller ones go first.
///
/// Members are in order of their operations, so that the index stands for the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate(u64);

/// Bits of an index: [`MEMBERS_MAX`](super::super::output::MEMBERS_MAX) members.
const INDEX_BITS: u32 = 28;
const RANK_SHIFT: u32 = INDEX_BITS + 32;

impl Candidate {
    const fn new(rank: VictimRank, turn: u32, index: u32) -> Self {
        Self((rank as u64) << RANK_SHIFT | (turn as u64) << INDEX_BITS | index as u64)
    }

    pub(super) const fn index(self) -> u32 {
        (self.0 & ((1 << INDEX_BITS) - 1)) as u32
    }

    /// What decided that it goes.
    pub(super) const fn rank(self) -> VictimRank {
        VictimRank::ALL[(self.0 >> RANK_SHIFT) as usize]
    }

    /// Turn and operation, whatever the rank.
    pub(super) const fn turn(self) -> u64 {
        self.0 & ((1 << RANK_SHIFT) - 1)
    }

    /// The same member, if `rank` is a finer answer to why it goes than its place in line.
    pub(super) fn because(self, rank: VictimRank) -> Self {
        let is_in_line = matches!(self.rank(), VictimRank::Oldest | VictimRank::Newest | VictimRank::Drawn);
        if is_in_line { Self((rank as u64) << RANK_SHIFT | self.turn()) } else { self }
    }
}

/// Members that may be let go, and how many others there are.
#[derive(Debug, Default)]
pub(super) struct Field {
    /// Those that may go.
    pub victims: Vec<Candidate>,
    /// How many of them serve.
    pub serving: u32,
    /// How many of them take their time to go.
    pub staged: u32,
    /// Members that have to go whatever the capacity is.
    pub displaced: u32,
    /// Of those, the ones that may not, or not yet: nobody goes in their stead.
    pub displaced_stuck: u32,
    /// Those that may not go because they are protected or held.
    pub protected: u32,
    /// Those that should not go yet.
    pub spared: u32,
    /// Until when the first of these is spared.
    pub spared_until: Option<Timestamp>,
}

impl Field {
    /// The members of a lane whose instances may be let go.
    pub(super) fn of(input: &PlanInput<'_>, situation: &Situation, lane: &Lane) -> Result<Self, PlanError> {
        let mut field = Self { victims: Vec::with_capacity(input.members.len()), ..Self::default() };
        for ((member, standing), index) in input.members.iter().zip(&situation.roster.standings).zip(0_u32..) {
            if is_within(lane.scope, *standing) && standing.class != Class::Intended {
                field.add((member, index), *standing, lane, input)?;
            }
        }
        Ok(field)
    }

    fn add(
        &mut self,
        (member, index): (&Member, u32),
        standing: Standing,
        lane: &Lane,
        input: &PlanInput<'_>,
    ) -> Result<(), PlanError> {
        let detail = detail_of(member, input)?;
        let Some(rank) = rank_of(input, member, standing, (detail, lane)) else { return Ok(()) };
        let is_displaced = u32::from(standing.is_displaced());
        self.displaced += is_displaced;
        if standing.is_untouchable() {
            self.protected += 1;
            self.displaced_stuck += is_displaced;
        } else if let Some(until) = detail.and_then(|detail| advice::spared_until(input, standing, detail)) {
            self.spared += 1;
            earliest(&mut self.spared_until, Some(until));
        } else {
            self.serving += u32::from(standing.class == Class::Serving);
            self.staged += u32::from(is_staged(input, member, standing));
            self.victims.push(Candidate::new(rank, turn_of(input, member, standing, detail), index));
        }
        Ok(())
    }
}

/// Unsent creates of a scope: those that have no place, and the others.
pub(super) fn unsent(
    input: &PlanInput<'_>,
    situation: &Situation,
    scope: Scope,
) -> Result<(Vec<Candidate>, Vec<Candidate>), PlanError> {
    let (mut displaced, mut others) = (Vec::new(), Vec::new());
    for ((member, standing), index) in input.members.iter().zip(&situation.roster.standings).zip(0_u32..) {
        if standing.class == Class::Intended && !standing.is_stale() && is_within(scope, *standing) {
            let detail = detail_of(member, input)?;
            let candidate = Candidate::new(VictimRank::Unsent, turn_of(input, member, *standing, detail), index);
            if standing.is_displaced() { displaced.push(candidate) } else { others.push(candidate) }
        }
    }
    Ok((displaced, others))
}

const fn is_within(scope: Scope, standing: Standing) -> bool {
    match scope {
        Scope::All => true,
        Scope::Current => standing.is_current(),
        Scope::Other => !standing.is_current(),
    }
}

/// Whether it is drained or shut down first, so that others have to wait for their turn.
pub(super) fn is_staged(input: &PlanInput<'_>, member: &Member, standing: Standing) -> bool {
    let stop = &input.policy.stop;
    let is_plain = stop.drain.delay.is_zero()
        && stop.drain.timeout.is_zero()
        && stop.shutdown == Shutdown::Immediate
        && stop.preserve == Preserve::Never;
    !is_plain && matches!(first_stage(input, member, standing), Step::Drain | Step::Stop)
}

/// How early a member goes; `None` for those that a scale-in does not touch.
fn rank_of(
    input: &PlanInput<'_>,
    member: &Member,
    standing: Standing,
    (detail, lane): (Option<&Detail>, &Lane),
) -> Option<VictimRank> {
    let by_class = rank_of_class(input, standing)?;
    if standing.is_displaced() {
        return Some(VictimRank::BeyondOrdinals);
    }
    // Given up: repair removes it, or it is not counted. And one that has its place in a group
    // with ordinals stays, however unwell, since nobody else can take that place.
    let has_place = input.policy.identity == Identity::Ordinal && detail.is_some_and(|detail| detail.ordinal.is_some());
    if standing.fate == Fate::Condemned || has_place {
        return None;
    }
    let is_named = detail.is_some_and(|detail| detail.marks.has(Mark::Named));
    let is_late = standing.class == Class::Starting && is_never_healthy(input, member, detail);
    let is_leaving_node =
        matches!(input.conditions.node(member.compute_node), Some(node) if !matches!(node, NodeState::Returned { .. }));
    Some(match by_class {
        _ if is_named => VictimRank::Named,
        _ if is_late => VictimRank::Broken,
        rank if is_leaving_node && rank > VictimRank::Evacuated => VictimRank::Evacuated,
        rank if standing.class == Class::Serving && is_old(lane, member, standing) => rank.min(VictimRank::OldRevision),
        rank => rank,
    })
}

fn rank_of_class(input: &PlanInput<'_>, standing: Standing) -> Option<VictimRank> {
    if standing.is_stale() || standing.fate == Fate::Doomed {
        return None;
    }
    match standing.class {
        // On their way out already, or resolved first.
        Class::Leaving | Class::Intended | Class::Requested | Class::InDoubt | Class::Retiring | Class::Kept => None,
        Class::Failed | Class::Overdue | Class::Stopped => Some(VictimRank::Broken),
        Class::Unhealthy => Some(VictimRank::Unhealthy),
        Class::Missing | Class::OutOfContact | Class::Stranded => Some(VictimRank::OutOfContact),
        Class::Starting | Class::Unlisted => Some(VictimRank::Starting),
        Class::Serving => Some(in_line(input.policy.scale_in.order)),
    }
}

const fn in_line(order: ScaleInOrder) -> VictimRank {
    match order {
        ScaleInOrder::Oldest => VictimRank::Oldest,
        ScaleInOrder::Newest => VictimRank::Newest,
        ScaleInOrder::Random => VictimRank::Drawn,
    }
}

/// Whether a member is not of the revision that its lane is on: beside canaries that is the stable
/// one.
const fn is_old(lane: &Lane, member: &Member, standing: Standing) -> bool {
    match lane.scope {
        Scope::All | Scope::Current => !standing.is_current(),
        Scope::Other => member.revision != lane.revision,
    }
}

fn is_never_healthy(input: &PlanInput<'_>, member: &Member, detail: Option<&Detail>) -> bool {
    let asked_at = detail.map_or(member.phase_since, |detail| detail.asked_at);
    asked_at.after(input.policy.update.healthy_deadline.as_duration()) <= input.now
}

/// Who is before whom within a rank.
fn turn_of(input: &PlanInput<'_>, member: &Member, standing: Standing, detail: Option<&Detail>) -> u32 {
    if let Some(ordinal) = detail.and_then(|detail| detail.ordinal).filter(|_| standing.is_displaced()) {
        return turn_of_displaced(standing, ordinal);
    }
    match input.policy.scale_in.order {
        ScaleInOrder::Oldest => member.sequence,
        ScaleInOrder::Newest => u32::MAX - member.sequence,
        ScaleInOrder::Random => identity::lot(input.intent.group, member.operation),
    }
}

/// Doubles first: there must not be two of one identity. Then the highest ordinal.
fn turn_of_displaced(standing: Standing, ordinal: u32) -> u32 {
    const DOUBLES_END: u32 = 1 << 31;
    let from_above = (DOUBLES_END - 1).saturating_sub(ordinal);
    if standing.is_double() { from_above } else { DOUBLES_END + from_above }
}
