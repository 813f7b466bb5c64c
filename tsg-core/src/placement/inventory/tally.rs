//! How many of one kind stand on which compute node.
//!
//! Owns the choice between a list and a row: a few are a list of nodes, one entry for each, many a
//! row of counts by node. To add and to take away costs a step or two either way. Must never grow
//! beyond a row for a kind with few instances, however many nodes there are.

use alloc::vec;
use alloc::vec::Vec;

/// A list of this length is still looked through faster than a row is read.
const LIST_MIN: usize = 64;
/// Above `1 / LIST_SHARE` of the nodes a row takes little more memory than the list.
const LIST_SHARE: usize = 8;
/// How many entries are compared at a time.
const STRIDE: usize = 16;

/// Counts by node.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    total: u32,
    counts: Counts,
}

#[derive(Debug, Clone)]
enum Counts {
    /// The node of each one, in no order.
    List(Vec<u32>),
    /// How many, by node.
    Row(Vec<u32>),
}

impl Default for Tally {
    fn default() -> Self {
        Self { total: 0, counts: Counts::List(Vec::new()) }
    }
}

impl Tally {
    /// How many there are altogether.
    #[inline]
    pub(crate) const fn total(&self) -> u32 {
        self.total
    }

    /// One more on a node, of `nodes` that there are.
    #[inline]
    pub(super) fn add(&mut self, node: u32, nodes: usize) {
        self.total += 1;
        match &mut self.counts {
            Counts::List(list) if list.len() < LIST_MIN.max(nodes / LIST_SHARE) => list.push(node),
            Counts::Row(row) if (node as usize) < row.len() => row[node as usize] += 1,
            _ => self.add_to_row(node, nodes),
        }
    }

    #[cold]
    fn add_to_row(&mut self, node: u32, nodes: usize) {
        let length = nodes.max(node as usize + 1);
        if let Counts::List(list) = &self.counts {
            let mut row = vec![0; length];
            list.iter().for_each(|node| row[*node as usize] += 1);
            self.counts = Counts::Row(row);
        }
        if let Counts::Row(row) = &mut self.counts {
            row.resize(length.max(row.len()), 0);
            row[node as usize] += 1;
        }
    }

    /// One less on a node that has one.
    pub(super) fn remove(&mut self, node: u32, nodes: usize) {
        match &mut self.counts {
            Counts::List(list) => {
                let Some(found) = position(list, node) else { return };
                list.swap_remove(found);
            }
            Counts::Row(row) => row[node as usize] -= 1,
        }
        self.total -= 1;
        // Well below where the row began, so that nothing swings to and fro.
        if matches!(self.counts, Counts::Row(_)) && (self.total as usize) < LIST_MIN.max(nodes / LIST_SHARE) / 2 {
            let mut list = Vec::with_capacity(self.total as usize);
            self.each(|node, count| (0..count).for_each(|_| list.push(node)));
            self.counts = Counts::List(list);
        }
    }

    /// Every node that has some, with a count; a node may come several times.
    #[inline]
    pub(crate) fn each(&self, mut on: impl FnMut(u32, u32)) {
        match &self.counts {
            Counts::List(list) => list.iter().for_each(|node| on(*node, 1)),
            Counts::Row(row) => {
                (0..).zip(row).filter(|(_, count)| **count > 0).for_each(|(node, count)| on(node, *count));
            }
        }
    }
}

/// Where a node stands in a list.
fn position(list: &[u32], node: u32) -> Option<usize> {
    // Whole strides first: they are compared side by side.
    let stride =
        list.chunks_exact(STRIDE).position(|stride| stride.iter().fold(false, |any, one| any | (*one == node)));
    let start = stride.unwrap_or(list.len() / STRIDE) * STRIDE;
    list[start..].iter().position(|one| *one == node).map(|at| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(tally: &Tally, nodes: usize) -> Vec<u32> {
        let mut counts = vec![0; nodes];
        tally.each(|node, count| counts[node as usize] += count);
        counts
    }

    #[test]
    fn a_list_and_a_row_count_alike() {
        let (mut tally, mut expected) = (Tally::default(), vec![0; 200]);
        let node_of = |step: u32| step * 37 % 200;
        for step in 0..500 {
            tally.add(node_of(step), 200);
            expected[node_of(step) as usize] += 1;
        }
        assert!(matches!(tally.counts, Counts::Row(_)));
        for step in 0..480 {
            assert_eq!((counts(&tally, 200), tally.total()), (expected.clone(), 500 - step));
            tally.remove(node_of(step), 200);
            expected[node_of(step) as usize] -= 1;
        }
        assert!(matches!(tally.counts, Counts::List(_)));
        assert_eq!((counts(&tally, 200), tally.total()), (expected, 20));
    }

    #[test]
    fn nodes_that_come_later_have_counts_too() {
        let mut tally = Tally::default();
        (0..LIST_MIN as u32).for_each(|node| tally.add(node, LIST_MIN));
        tally.add(0, LIST_MIN);
        tally.add(900, 1_000);
        let mut last = (0, 0);
        tally.each(|node, count| last = (node, count));
        assert_eq!(last, (900, 1));
    }
}
