//! Who comes first when there is not enough for all: deficit round robin with aging.
//!
//! Owns the line in which groups wait. Who had a turn goes to its end, so that the one who waited
//! longest is always first and nobody starves. Must never look at the clock to decide.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::count;
use crate::model::id::{AccountId, GroupId};
use crate::model::time::Timestamp;

/// Steps of one kind that a group gets at most in one assessment, whatever there is: as many as
/// its widest window of creates. Longer visits would let one group occupy the executor.
pub const VISIT_MAX: u32 = 256;

/// What a group asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The group.
    pub group: GroupId,
    /// Its account, which may run dry.
    pub account: AccountId,
    /// How many steps it would take.
    pub need: u32,
    /// How many it may take for its own sake.
    pub limit: u32,
}

/// A group that did not get all it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The group.
    pub group: GroupId,
    /// Since when: when it came, or had its last turn.
    pub since: Timestamp,
    /// What is left of a turn that was broken off because there was no more.
    pub credit: u32,
}

/// The groups that wait for one kind of step in one data centre.
///
/// ```
/// use tsg_core::model::id::{AccountId, GroupId};
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::storm::fair::{Claim, Line};
///
/// let id = uuid::Uuid::from_u128;
/// let claim = |group, need| Claim {
///     group: GroupId::new(id(group)),
///     account: AccountId::from_directory(id(9)),
///     need,
///     limit: need,
/// };
/// let mut accounts = [(AccountId::from_directory(id(9)), 1000)].into();
/// let mut line = Line::default();
/// // A single repair beside a scale-out by ten thousand: four to the one, and then the other.
/// let granted = line.serve(&[claim(1, 10_000), claim(2, 1)], 5, &mut accounts, Timestamp::EPOCH);
/// assert_eq!(granted, [(GroupId::new(id(1)), 4), (GroupId::new(id(2)), 1)]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Line(Vec<Waiting>);

/// A group in the line while it is served.
#[derive(Debug, Clone, Copy)]
struct Visit {
    claim: Claim,
    waiting: Waiting,
    granted: u32,
    /// Which turn of this assessment was its last whole one; 0 if it had none.
    last_turn: u64,
}

impl Line {
    /// Those who wait, the first in line first.
    pub fn waiting(&self) -> &[Waiting] {
        &self.0
    }

    /// Serves the line until the pool is empty or nobody can take more, and answers who gets how
    /// much, by group. Groups that are not there any more leave the line, new ones join at its
    /// end. Of two claims of one group the greater need counts.
    pub fn serve(
        &mut self,
        claims: &[Claim],
        mut pool: u32,
        accounts: &mut BTreeMap<AccountId, u32>,
        now: Timestamp,
    ) -> Vec<(GroupId, u32)> {
        let mut line = self.lined_up(claims, now);
        let (mut left, mut done) = (Vec::with_capacity(line.len()), Vec::new());
        let mut turns = 0;
        while let Some(mut visit) = line.pop_front() {
            let account = accounts.entry(visit.claim.account).or_default();
            let got = visit.take_turn(pool.min(*account));
            pool -= got;
            *account -= got;
            if visit.had_whole_turn(got) {
                turns += 1;
                visit.last_turn = turns;
                visit.waiting.since = now;
            }
            match visit.next_place(got) {
                Place::Done => done.push(visit),
                Place::Left => left.push(visit),
                Place::End => line.push_back(visit),
            }
        }
        left.sort_by_key(|visit| visit.last_turn);
        self.0 = left.iter().map(|visit| visit.waiting).collect();
        granted(left.into_iter().chain(done))
    }

    fn lined_up(&self, claims: &[Claim], now: Timestamp) -> VecDeque<Visit> {
        let mut new: BTreeMap<GroupId, Claim> = BTreeMap::new();
        for claim in claims.iter().filter(|claim| claim.need > 0) {
            let kept = new.entry(claim.group).or_insert(*claim);
            if (claim.need, claim.limit, claim.account) > (kept.need, kept.limit, kept.account) {
                *kept = *claim;
            }
        }
        let visit = |claim, waiting| Visit { claim, waiting, granted: 0, last_turn: 0 };
        let old = self.0.iter().filter_map(|waiting| Some(visit(new.remove(&waiting.group)?, *waiting)));
        let mut line: VecDeque<Visit> = old.collect();
        let mut new: Vec<Claim> = new.into_values().collect();
        new.sort_unstable_by_key(|claim| (claim.need, claim.group));
        line.extend(new.into_iter().map(|claim| visit(claim, Waiting { group: claim.group, since: now, credit: 0 })));
        line
    }
}

/// Where a group goes after its turn.
enum Place {
    /// It has all it asked for.
    Done,
    /// It can take no more in this assessment.
    Left,
    /// To the end of the line.
    End,
}

impl Visit {
    fn need(&self) -> u32 {
        self.claim.need - self.granted
    }

    fn limit(&self) -> u32 {
        self.claim.limit.min(VISIT_MAX).saturating_sub(self.granted).min(self.need())
    }

    /// Takes what is due, as far as it is there; what was due and not there is owed.
    fn take_turn(&mut self, there: u32) -> u32 {
        let due = if self.waiting.credit > 0 { self.waiting.credit } else { weight(self.need()) };
        let wanted = due.min(self.limit());
        let got = wanted.min(there);
        self.waiting.credit = if got > 0 { wanted - got } else { self.waiting.credit };
        self.granted += got;
        got
    }

    fn had_whole_turn(&self, got: u32) -> bool {
        got > 0 && self.waiting.credit == 0
    }

    fn next_place(&self, got: u32) -> Place {
        if self.need() == 0 {
            return Place::Done;
        }
        if self.had_whole_turn(got) && self.limit() > 0 { Place::End } else { Place::Left }
    }
}

/// Steps in one turn. Who needs more gets more, but never so much that somebody who needs one
/// step waits noticeably: at CloudAPI's ten requests a second the longest turn takes 0.4 s.
const fn weight(need: u32) -> u32 {
    match need {
        0..=15 => 1,
        16..=255 => 2,
        _ => 4,
    }
}

fn granted(visits: impl Iterator<Item = Visit>) -> Vec<(GroupId, u32)> {
    let served = visits.filter(|visit| visit.granted > 0);
    let mut granted: Vec<(GroupId, u32)> = served.map(|visit| (visit.claim.group, visit.granted)).collect();
    granted.sort_unstable();
    granted
}

/// Divides a pool among data centres: nobody gets more than it can use, and those who could use
/// more get the same. Single tokens that are left over go round, on from `last`.
pub(super) fn divide(mut pool: u32, demands: &BTreeMap<u32, u32>, last: &mut Option<u32>) -> BTreeMap<u32, u32> {
    let mut by_demand: Vec<(u32, u32)> = demands.iter().map(|(place, demand)| (*demand, *place)).collect();
    by_demand.sort_unstable();
    let mut shares = BTreeMap::new();
    let mut rest = by_demand.as_slice();
    while let Some(((demand, place), others)) = rest.split_first() {
        let count = count::of(rest.len());
        if *demand > pool / count {
            break;
        }
        pool -= demand;
        shares.insert(*place, *demand);
        rest = others;
    }
    let Some(count) = u32::try_from(rest.len()).ok().filter(|count| *count > 0) else { return shares };
    let (each, over) = (pool / count, (pool % count) as usize);
    shares.extend(rest.iter().map(|(_, place)| (*place, each)));
    let mut round: Vec<u32> = rest.iter().map(|(_, place)| *place).collect();
    round.sort_unstable_by_key(|place| (last.is_some_and(|last| *place <= last), *place));
    for place in round.into_iter().take(over) {
        shares.entry(place).and_modify(|share| *share += 1);
        *last = Some(place);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_over_goes_round() {
        let demands = [(1, 5), (2, 5), (7, 1)].into();
        let mut last = None;
        let firsts: Vec<u32> = (0..4)
            .map(|_| divide(1, &demands, &mut last).into_iter().find(|(_, share)| *share > 0).unwrap_or_default().0)
            .collect();
        assert_eq!(firsts, [1, 2, 7, 1]);
        assert_eq!(divide(6, &demands, &mut last), [(1, 2), (2, 3), (7, 1)].into());
        assert_eq!(divide(100, &demands, &mut last), demands);
        assert_eq!(divide(5, &BTreeMap::new(), &mut last), BTreeMap::new());
    }

    #[test]
    fn who_needs_just_an_even_share_gets_no_more() {
        let mut last = None;
        assert_eq!(divide(5, &[(1, 2), (2, 9)].into(), &mut last), [(1, 2), (2, 3)].into());
        assert_eq!(last, None, "nothing was left over");
    }
}
