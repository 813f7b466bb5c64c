//! Who is best of many, while one after the other changes.
//!
//! Owns many contests side by side, each a tree in which the better of two goes up. To change one
//! contender costs a comparison for each of its levels. Must never depend on the order in which
//! contenders stand: of equal ones the node with the lower id wins.

use alloc::vec;
use alloc::vec::Vec;

use super::rank::Rank;

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
    pub(super) fn beats(&self, other: &Self, id_of: &impl Fn(u32) -> u128) -> bool {
        self.rank < other.rank || self.rank == other.rank && id_of(self.node) < id_of(other.node)
    }
}

/// Contests, one after the other.
#[derive(Debug, Default)]
pub(super) struct Contests {
    /// Where the contenders of each begin, and at the end how many there are.
    starts: Vec<u32>,
    contenders: Vec<Contender>,
    /// For each contest its tree without the lowest level: who won there. The first is not used.
    winners: Vec<u32>,
}

impl Contests {
    /// Room for so many contests and contenders.
    pub(super) fn with_capacity(contests: usize, contenders: usize) -> Self {
        let mut starts = Vec::with_capacity(contests + 1);
        starts.push(0);
        Self { starts, contenders: Vec::with_capacity(contenders), winners: vec![0; contenders] }
    }

    /// Adds a contender to the contest that is being put together.
    #[inline]
    pub(super) fn join(&mut self, contender: Contender) {
        self.contenders.push(contender);
    }

    /// Plays the contest that was put together; its number is one more than the last one's.
    pub(super) fn begin(&mut self, id_of: &impl Fn(u32) -> u128) {
        let contest = self.starts.len() - 1;
        self.starts.push(self.contenders.len() as u32);
        self.winners.resize(self.contenders.len(), 0);
        let (start, length) = self.span(contest);
        for at in (1..length).rev() {
            self.play(start, length, at, id_of);
        }
    }

    /// Where the best one stands in its contest, and what it is.
    #[inline]
    pub(super) fn best(&self, contest: usize) -> (usize, Contender) {
        let (start, length) = self.span(contest);
        match length {
            0 => (0, Contender::NONE),
            _ => {
                let best = self.winner(start, length, 1);
                (best, self.contenders[start + best])
            }
        }
    }

    /// Changes a contender.
    #[inline]
    pub(super) fn set(&mut self, contest: usize, place: usize, contender: Contender, id_of: &impl Fn(u32) -> u128) {
        let (start, length) = self.span(contest);
        self.contenders[start + place] = contender;
        let mut at = (length + place) / 2;
        while at > 0 {
            self.play(start, length, at, id_of);
            at /= 2;
        }
    }

    #[inline]
    fn span(&self, contest: usize) -> (usize, usize) {
        let (start, end) = (self.starts[contest] as usize, self.starts[contest + 1] as usize);
        (start, end - start)
    }

    #[inline]
    fn winner(&self, start: usize, length: usize, at: usize) -> usize {
        if at >= length { at - length } else { self.winners[start + at] as usize }
    }

    #[inline]
    fn play(&mut self, start: usize, length: usize, at: usize, id_of: &impl Fn(u32) -> u128) {
        let (left, right) = (self.winner(start, length, 2 * at), self.winner(start, length, 2 * at + 1));
        let is_right = self.contenders[start + right].beats(&self.contenders[start + left], id_of);
        self.winners[start + at] = if is_right { right } else { left } as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_known_after_every_change() {
        let id_of = |node: u32| u128::from(node ^ 5);
        let contender = |cost: u64, node: u32| Contender { rank: Rank::of_wishes(cost), node };
        for length in [1, 2, 3, 7, 8, 13] {
            let mut contests = Contests::with_capacity(2, 1 + length);
            contests.join(contender(0, 99));
            contests.begin(&id_of);
            let mut all: Vec<Contender> = (0..length as u32).map(|node| contender(3, node)).collect();
            all.iter().for_each(|one| contests.join(*one));
            contests.begin(&id_of);
            for step in 0..100 {
                let expected =
                    (0..length).reduce(|best, one| if all[one].beats(&all[best], &id_of) { one } else { best });
                assert_eq!(contests.best(1), (expected.unwrap(), all[expected.unwrap()]));
                let place = step * 31 % length;
                all[place] = contender(step as u64 * 17 % 5, place as u32);
                contests.set(1, place, all[place], &id_of);
            }
            assert_eq!(contests.best(0).1, contender(0, 99));
        }
    }
}
