//! Who is best of many, while one after the other changes.
//!
//! Owns many contests side by side. In a small one all contenders are compared anew when one
//! changes; a large one is a tree in which the better of two goes up, so that a change costs a
//! comparison for each of its levels. Must never depend on the order in which contenders stand: of
//! equal ones the node with the lower id wins.

use alloc::vec::Vec;
use core::ops::Range;

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

    /// Whether it is the better one of two.
    #[inline]
    pub(super) fn beats(&self, other: &Self, ids: &[u128]) -> bool {
        self.rank < other.rank || self.rank == other.rank && ids[self.node as usize] < ids[other.node as usize]
    }
}

/// One contest among the others.
#[derive(Debug)]
struct Span {
    /// Its contenders.
    start: u32,
    end: u32,
    /// Where its tree begins, if it is a large one: twice as long as the contenders are many.
    tree: u32,
    /// Where the best one stands.
    best: u32,
}

/// Contests, one after the other. Ids are those of all nodes, by number.
#[derive(Debug)]
pub(super) struct Contests<'a> {
    ids: &'a [u128],
    spans: Vec<Span>,
    contenders: Vec<Contender>,
    /// For each large contest: who won there, from the root down to the contenders themselves.
    /// The first place is not used.
    trees: Vec<u32>,
}

impl<'a> Contests<'a> {
    /// Room for so many contests and contenders.
    pub(super) fn with_capacity(ids: &'a [u128], contests: usize, contenders: usize) -> Self {
        let (spans, contenders) = (Vec::with_capacity(contests), Vec::with_capacity(contenders));
        Self { ids, spans, contenders, trees: Vec::new() }
    }

    /// Plays a contest among so many; its number is one more than the last one's.
    pub(super) fn add(&mut self, contenders: impl Iterator<Item = Contender>) {
        let start = self.contenders.len();
        self.contenders.extend(contenders);
        let (end, tree) = (self.contenders.len(), self.trees.len());
        let best = match end - start {
            0..=SMALL_MAX => best_of(&self.contenders[start..end], self.ids),
            length => {
                self.trees.resize(tree + length, 0);
                self.trees.extend(0..length as u32);
                let (ids, contenders) = (self.ids, &self.contenders[start..]);
                let tree = &mut self.trees[tree..];
                (1..length).rev().for_each(|at| play(tree, contenders, at, ids));
                tree[1]
            }
        };
        self.spans.push(Span { start: start as u32, end: end as u32, tree: tree as u32, best });
    }

    /// Where the best one stands in its contest, and what it is.
    #[inline]
    pub(super) fn best(&self, contest: usize) -> (usize, Contender) {
        let span = &self.spans[contest];
        let best = self.contenders.get((span.start + span.best) as usize).copied();
        (span.best as usize, best.filter(|_| span.start < span.end).unwrap_or(Contender::NONE))
    }

    /// Changes a contender.
    #[inline]
    pub(super) fn set(&mut self, contest: usize, place: usize, contender: Contender) {
        let span = &mut self.spans[contest];
        let range: Range<usize> = span.start as usize..span.end as usize;
        let contenders = &mut self.contenders[range];
        contenders[place] = contender;
        if contenders.len() <= SMALL_MAX {
            span.best = best_of(contenders, self.ids);
            return;
        }
        let tree = &mut self.trees[span.tree as usize..span.tree as usize + 2 * contenders.len()];
        let mut at = (contenders.len() + place) / 2;
        while at > 0 {
            play(tree, contenders, at, self.ids);
            at /= 2;
        }
        span.best = tree[1];
    }
}

/// Where the best of some stands.
#[inline]
fn best_of(contenders: &[Contender], ids: &[u128]) -> u32 {
    let Some((first, rest)) = contenders.split_first() else { return 0 };
    let mut best = (0, first);
    for (place, contender) in (1..).zip(rest) {
        if contender.beats(best.1, ids) {
            best = (place, contender);
        }
    }
    best.0
}

/// Who goes up at a place of a tree.
#[inline]
fn play(tree: &mut [u32], contenders: &[Contender], at: usize, ids: &[u128]) {
    let (left, right) = (tree[2 * at], tree[2 * at + 1]);
    let is_right = contenders[right as usize].beats(&contenders[left as usize], ids);
    tree[at] = if is_right { right } else { left };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_known_after_every_change() {
        let ids: Vec<u128> = (0..100).map(|node| node ^ 5).collect();
        let contender = |cost: u64, node: u32| Contender { rank: Rank::of_wishes(cost), node };
        for length in [1, 2, 7, SMALL_MAX, SMALL_MAX + 1, 63, 64, 77] {
            let mut contests = Contests::with_capacity(&ids, 3, 1 + length);
            contests.add([contender(0, 99)].into_iter());
            let mut all: Vec<Contender> = (0..length as u32).map(|node| contender(3, node)).collect();
            contests.add(all.iter().copied());
            contests.add([].into_iter());
            for step in 0..500 {
                let better = |best: usize, one: usize| if all[one].beats(&all[best], &ids) { one } else { best };
                let expected = (0..length).reduce(better).unwrap();
                assert_eq!(contests.best(1), (expected, all[expected]), "{length} {step}");
                let place = step * 31 % length;
                all[place] = contender(step as u64 * 17 % 5, place as u32);
                contests.set(1, place, all[place]);
            }
            assert_eq!((contests.best(0).1, contests.best(2).1), (contender(0, 99), Contender::NONE));
        }
    }
}
