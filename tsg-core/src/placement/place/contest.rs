//! Who is best of many, while one after the other changes.
//!
//! Owns many contests side by side. In a small one all contenders are compared anew when one
//! changes; a large one is a tree in which the better of two goes up, so that a change costs a
//! comparison for each of its levels. Must never depend on the order in which contenders stand: of
//! equal ones the node with the lower id wins.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::rank::Rank;

/// Up to so many contenders, comparing all of them takes less than a tree.
const SMALL_MAX: usize = 32;

/// A contender: what it costs, and the node that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contender {
    pub(super) rank: Rank,
    pub(super) node: u32,
}

impl Contender {
    /// Nobody.
    pub(super) const NONE: Self = Self { rank: Rank::NONE, node: 0 };
}

/// One contest among the others. Contenders go by where they stand among those of all contests.
#[derive(Debug)]
struct Span {
    /// Its contenders.
    start: u32,
    end: u32,
    /// Where its tree begins, if it is a large one: twice as long as the contenders are many.
    tree: u32,
    /// The best one.
    best: u32,
}

/// Contests, one after the other. Ids are those of all nodes, by number.
#[derive(Debug)]
pub(super) struct Contests<'a> {
    ids: &'a [u128],
    spans: Vec<Span>,
    /// What each contender costs,
    ranks: Vec<Rank>,
    /// and which node it stands for.
    nodes: Cow<'a, [u32]>,
    /// For each large contest: who won there, from the root down to the contenders themselves.
    /// The first place is not used.
    trees: Vec<u32>,
}

impl<'a> Contests<'a> {
    /// Contenders that play in so many contests, or will.
    pub(super) fn of(ids: &'a [u128], ranks: Vec<Rank>, nodes: Cow<'a, [u32]>, contests: usize) -> Self {
        Self { ids, spans: Vec::with_capacity(contests), ranks, nodes, trees: Vec::new() }
    }

    /// Plays a contest among more contenders.
    pub(super) fn add(&mut self, contenders: impl Iterator<Item = Contender>) {
        let before = self.ranks.len();
        for contender in contenders {
            self.ranks.push(contender.rank);
            self.nodes.to_mut().push(contender.node);
        }
        self.play(self.ranks.len() - before);
    }

    /// Plays a contest among so many of those that have not played yet; its number is one more
    /// than the last one's.
    pub(super) fn play(&mut self, count: usize) {
        let start = self.spans.last().map_or(0, |span| span.end as usize);
        let (end, tree) = (start + count, self.trees.len());
        let row = Row { ids: self.ids, ranks: &self.ranks, nodes: &self.nodes };
        let best = match count {
            0..=SMALL_MAX => row.best(start, end),
            _ => {
                self.trees.resize(tree + count, 0);
                self.trees.extend(start as u32..end as u32);
                let tree = &mut self.trees[tree..];
                (1..count).rev().for_each(|at| tree[at] = row.better(tree[2 * at], tree[2 * at + 1]));
                tree[1]
            }
        };
        self.spans.push(Span { start: start as u32, end: end as u32, tree: tree as u32, best });
    }

    /// Where the best one of a contest stands, among the contenders of all contests.
    #[inline]
    pub(super) fn best_at(&self, contest: usize) -> usize {
        self.spans[contest].best as usize
    }

    /// The best one of a contest.
    #[inline]
    pub(super) fn best(&self, contest: usize) -> Contender {
        let span = &self.spans[contest];
        if span.start == span.end {
            return Contender::NONE;
        }
        let at = span.best as usize;
        Contender { rank: self.ranks[at], node: self.nodes[at] }
    }

    /// Another one stands for a contender's place from now on.
    #[inline]
    pub(super) fn set(&mut self, contest: usize, at: usize, contender: Contender) {
        if self.nodes[at] != contender.node {
            self.nodes.to_mut()[at] = contender.node;
        }
        self.set_rank(contest, at, contender.rank);
    }

    /// A contender costs something else from now on.
    #[inline]
    pub(super) fn set_rank(&mut self, contest: usize, at: usize, rank: Rank) {
        self.ranks[at] = rank;
        let span = &mut self.spans[contest];
        let (start, end) = (span.start as usize, span.end as usize);
        let row = Row { ids: self.ids, ranks: &self.ranks, nodes: &self.nodes };
        let count = end - start;
        if count <= SMALL_MAX {
            span.best = row.best(start, end);
            return;
        }
        let tree = &mut self.trees[span.tree as usize..span.tree as usize + 2 * count];
        let (mut place, mut best) = (count + at - start, at as u32);
        while place > 1 {
            best = row.better(best, tree[place ^ 1]);
            place /= 2;
            tree[place] = best;
        }
        span.best = best;
    }
}

/// The contenders of all contests.
struct Row<'a> {
    ids: &'a [u128],
    ranks: &'a [Rank],
    nodes: &'a [u32],
}

impl Row<'_> {
    /// Whether the second of two that cost the same stands for the lower id.
    #[inline]
    fn is_lower(&self, first: usize, second: usize) -> bool {
        self.ids[self.nodes[second] as usize] < self.ids[self.nodes[first] as usize]
    }

    /// The best of those from `start` up to `end`.
    #[inline(always)]
    fn best(&self, start: usize, end: usize) -> u32 {
        let (mut best, mut least) = (start, Rank::NONE.number());
        for (at, rank) in (start..).zip(&self.ranks[start..end]) {
            let rank = rank.number();
            if rank <= least && (rank < least || self.is_lower(best, at)) {
                (best, least) = (at, rank);
            }
        }
        best as u32
    }

    /// The better of two.
    #[inline(always)]
    fn better(&self, first: u32, second: u32) -> u32 {
        let (one, other) = (self.ranks[first as usize].number(), self.ranks[second as usize].number());
        let is_second = other <= one && (other < one || self.is_lower(first as usize, second as usize));
        if is_second { second } else { first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_known_after_every_change() {
        let ids: Vec<u128> = (0..100).map(|node| node ^ 5).collect();
        let contender = |cost: u64, node: u32| Contender { rank: Rank::of_wishes(cost), node };
        for length in [1, 2, 7, SMALL_MAX, SMALL_MAX + 1, 63, 64, 77] {
            let mut contests = Contests::of(&ids, Vec::new(), Cow::default(), 3);
            contests.add([contender(0, 99)].into_iter());
            let mut all: Vec<Contender> = (0..length as u32).map(|node| contender(3, node)).collect();
            contests.add(all.iter().copied());
            contests.add([].into_iter());
            for step in 0..500 {
                let expected = (0..length).min_by_key(|one| (all[*one].rank, ids[all[*one].node as usize])).unwrap();
                // The first contest has one contender.
                assert_eq!((contests.best_at(1), contests.best(1)), (1 + expected, all[expected]), "{length} {step}");
                let place = step * 31 % length;
                all[place] = contender(step as u64 * 17 % 5, place as u32);
                contests.set(1, 1 + place, all[place]);
            }
            assert_eq!((contests.best(0), contests.best(2)), (contender(0, 99), Contender::NONE));
        }
    }
}
