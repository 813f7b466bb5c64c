//! The instances of one kind, and how many of them stand on which compute node.
//!
//! Owns a list with an entry for each, and beside a long list a row of counts by node, so that
//! nobody reads through thousands of entries to find hundreds of nodes. To add and to take away
//! costs a step either way. Must never have a row for a kind with few instances, however many
//! nodes there are.

use alloc::vec;
use alloc::vec::Vec;

/// A list of this length is still read faster than a row.
const LIST_MIN: usize = 64;
/// Above `1 / LIST_SHARE` of the nodes a row takes little more memory than the list.
const LIST_SHARE: usize = 8;

/// An instance and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) node: u32,
    pub(super) instance: u32,
}

/// Those of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members {
    list: Vec<Member>,
    /// How many, by node; empty while the list is short.
    row: Vec<u32>,
}

impl Members {
    /// How many there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The list, with room for so many more, until it is put back.
    pub(super) fn take_list(&mut self, additional: usize) -> Vec<Member> {
        let mut list = core::mem::take(&mut self.list);
        list.reserve_exact(additional);
        list
    }

    /// A list that grew comes back, with `nodes` nodes there.
    pub(super) fn put_back(&mut self, list: Vec<Member>, nodes: usize) {
        self.list = list;
        if !self.row.is_empty() || self.list.len() > longest_list(nodes) {
            self.row = vec![0; nodes];
            self.list.iter().for_each(|member| self.row[member.node as usize] += 1);
        }
    }

    /// One more, with `nodes` nodes there; its place in the list.
    #[inline]
    pub(super) fn add(&mut self, member: Member, nodes: usize) -> u32 {
        self.list.push(member);
        if !self.row.is_empty() || self.list.len() > longest_list(nodes) {
            self.count_up(member.node, nodes);
        }
        self.list.len() as u32 - 1
    }

    #[cold]
    fn count_up(&mut self, node: u32, nodes: usize) {
        let length = nodes.max(node as usize + 1);
        if self.row.is_empty() {
            self.row = vec![0; length];
            self.list.iter().for_each(|member| self.row[member.node as usize] += 1);
            return;
        }
        if length > self.row.len() {
            self.row.resize(length, 0);
        }
        self.row[node as usize] += 1;
    }

    /// Takes the one at a place away; the instance that stands there now, if another one does.
    #[inline]
    pub(super) fn remove(&mut self, place: u32, nodes: usize) -> Option<u32> {
        let gone = self.list.swap_remove(place as usize);
        if !self.row.is_empty() {
            self.row[gone.node as usize] -= 1;
            // Well below where the row began, so that nothing swings to and fro.
            if self.list.len() < longest_list(nodes) / 2 {
                self.row = Vec::new();
            }
        }
        self.list.get(place as usize).map(|member| member.instance)
    }

    /// Where the one at a place stands.
    #[inline]
    pub(super) fn node(&self, place: u32) -> u32 {
        self.list[place as usize].node
    }

    /// The one at a place goes to another node; the one it comes from.
    #[inline]
    pub(super) fn shift(&mut self, place: u32, node: u32, nodes: usize) -> u32 {
        let before = core::mem::replace(&mut self.list[place as usize].node, node);
        if !self.row.is_empty() {
            self.row[before as usize] -= 1;
            self.count_up(node, nodes);
        }
        before
    }

    /// Calls for every node that has some, with a count; a node may come several times.
    #[inline]
    pub(crate) fn each_node(&self, mut on: impl FnMut(u32, u32)) {
        match self.row.is_empty() {
            true => self.list.iter().for_each(|member| on(member.node, 1)),
            false => {
                let counts = (0..).zip(&self.row).filter(|(_, count)| **count > 0);
                counts.for_each(|(node, count)| on(node, *count));
            }
        }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = Member> + '_ {
        self.list.iter().copied()
    }
}

/// How long a list without a row may be.
#[inline]
fn longest_list(nodes: usize) -> usize {
    LIST_MIN.max(nodes / LIST_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(members: &Members, nodes: usize) -> Vec<u32> {
        let mut counts = vec![0; nodes];
        members.each_node(|node, count| counts[node as usize] += count);
        counts
    }

    #[test]
    fn a_list_counts_alike_with_a_row_and_without() {
        let (mut members, mut expected) = (Members::default(), vec![0; 200]);
        let node_of = |step: u32| step * 37 % 200;
        for step in 0..500 {
            assert_eq!(members.add(Member { node: node_of(step), instance: step }, 200), step);
            expected[node_of(step) as usize] += 1;
        }
        assert!(!members.row.is_empty());
        members.shift(7, 3, 200);
        (expected[node_of(7) as usize], expected[3]) = (expected[node_of(7) as usize] - 1, expected[3] + 1);
        for step in (20..500_u32).rev() {
            assert_eq!(counts(&members, 200), expected);
            let place = step % 20;
            let gone = members.list[place as usize];
            let moved = members.remove(place, 200);
            assert_eq!(moved, (members.len() > place as usize).then(|| members.list[place as usize].instance));
            expected[gone.node as usize] -= 1;
        }
        assert!(members.row.is_empty());
        assert_eq!((counts(&members, 200), members.len()), (expected, 20));
    }

    #[test]
    fn nodes_that_come_later_have_counts_too() {
        let mut members = Members::default();
        (0..=LIST_MIN as u32).for_each(|instance| _ = members.add(Member { node: 0, instance }, LIST_MIN));
        members.add(Member { node: 900, instance: 99 }, 1_000);
        let mut last = (0, 0);
        members.each_node(|node, count| last = (node, count));
        assert_eq!(last, (900, 1));
    }
}
