//! Instances on their places, one after the other.
//!
//! Owns what changes as instances are placed: how many each node, rack and data centre got, and who
//! is best next. Must never decide how many are placed, or where the first one goes when that
//! binds the others.

use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::answer::{Cost, Placement};
use super::contest::{Contender, Contests};
use super::field::{Field, Place, Spot, Stretch};
use super::rank::Rank;
use super::terms::wishes;
use crate::placement::inventory::NodeNumber;
use crate::placement::rule::Scope;

/// A stretch of a field with instances on it.
#[derive(Debug)]
pub(super) struct Board<'a> {
    field: &'a Field<'a>,
    stretch: Stretch,
    /// New instances, by place within the stretch: on nodes, in racks, in data centres.
    on_node: Vec<u32>,
    in_rack: Vec<u32>,
    in_data_centre: Vec<u32>,
}

impl<'a> Board<'a> {
    pub(super) fn new(field: &'a Field<'a>, stretch: &Stretch) -> Self {
        Self {
            field,
            stretch: stretch.clone(),
            on_node: vec![0; stretch.leaves.len()],
            in_rack: vec![0; stretch.racks.len()],
            in_data_centre: vec![0; stretch.data_centres.len()],
        }
    }

    /// One more on an open node.
    #[inline]
    pub(super) fn add(&mut self, spot: Spot) {
        self.on_node[spot.leaf - self.stretch.leaves.start] += 1;
        self.in_rack[spot.rack - self.stretch.racks.start] += 1;
        self.in_data_centre[spot.data_centre - self.stretch.data_centres.start] += 1;
    }

    /// One less where one was added.
    pub(super) fn take_back(&mut self, spot: Spot) {
        self.on_node[spot.leaf - self.stretch.leaves.start] -= 1;
        self.in_rack[spot.rack - self.stretch.racks.start] -= 1;
        self.in_data_centre[spot.data_centre - self.stretch.data_centres.start] -= 1;
    }

    /// How many are placed there: on the node, in its rack, in its data centre.
    #[inline]
    fn placed(&self, spot: Spot) -> [u32; 3] {
        [
            self.on_node[spot.leaf - self.stretch.leaves.start],
            self.in_rack[spot.rack - self.stretch.racks.start],
            self.in_data_centre[spot.data_centre - self.stretch.data_centres.start],
        ]
    }

    /// What the next one costs on an open node, all in all; [`Rank::NONE`] where it has no place.
    pub(super) fn rank(&self, spot: Spot) -> Rank {
        let of_places = self.rank_of_rack(spot.rack).plus(self.rank_of_data_centre(spot.data_centre));
        self.rank_of_node(spot.leaf).plus(of_places)
    }

    /// What the node alone makes of it.
    #[inline]
    fn rank_of_node(&self, leaf: usize) -> Rank {
        let terms = self.field.terms;
        let placed = self.on_node[leaf - self.stretch.leaves.start];
        if placed == 0 {
            return self.field.ranks[leaf];
        }
        if terms.own_far[Scope::Node as usize] as u32 != 0 {
            return Rank::NONE;
        }
        let (room, demand) = (self.field.room_on(leaf), terms.request.demand.row());
        let is_short = |(room, demand): (u32, u32)| u64::from(room) < u64::from(demand) * (u64::from(placed) + 1);
        if room.into_iter().zip(demand).any(is_short) {
            return Rank::NONE;
        }
        let left = room[0] - placed * terms.request.demand.memory_mib;
        let unkept = self.unkept(self.field.unkept_on(leaf), Scope::Node, placed);
        terms.rank_of_node(self.field.members_on(leaf) + placed, left, unkept)
    }

    #[inline]
    fn rank_of_rack(&self, rack: usize) -> Rank {
        self.rank_of_place(&self.field.racks[rack], Scope::Rack, self.in_rack[rack - self.stretch.racks.start])
    }

    #[inline]
    fn rank_of_data_centre(&self, number: usize) -> Rank {
        let placed = self.in_data_centre[number - self.stretch.data_centres.start];
        self.rank_of_place(&self.field.data_centres[number], Scope::DataCentre, placed)
    }

    /// What a rack or a data centre makes of it.
    fn rank_of_place(&self, place: &Place, scope: Scope, placed: u32) -> Rank {
        let terms = self.field.terms;
        if placed > 0 && terms.own_far[scope as usize] as u32 != 0 {
            return Rank::NONE;
        }
        let unkept = if place.is_known { self.unkept(place.unkept, scope, placed) } else { place.unkept };
        let wishes = if unkept == 0 { Rank::FREE } else { Rank::of_wishes(terms.weights.sum(unkept)) };
        wishes.plus(terms.rank_of_spread(scope, place.members + placed, place.is_known))
    }

    /// The wishes that are not kept once some of the new ones are in a place.
    #[inline]
    fn unkept(&self, before: u32, scope: Scope, placed: u32) -> u32 {
        let terms = self.field.terms;
        match placed {
            0 => before,
            _ => (before | wishes(terms.own_far[scope as usize])) & !wishes(terms.own_near[scope as usize]),
        }
    }

    /// The next one on an open node, as it is told.
    #[inline]
    pub(super) fn placement(&self, spot: Spot, rank: Rank) -> Placement {
        let (terms, placed) = (self.field.terms, self.placed(spot));
        let (node, [room, ..]) = (self.field.nodes[spot.leaf], self.field.room_on(spot.leaf));
        let places = [self.field.racks[spot.rack].members, self.field.data_centres[spot.data_centre].members];
        Placement {
            node: NodeNumber(node),
            cost: Cost::of(rank),
            memory_left_mib: room - placed[0] * terms.request.demand.memory_mib,
            members: [self.field.members_on(spot.leaf) + placed[0], places[0] + placed[1], places[1] + placed[2]],
            unkept: if terms.wishes.is_empty() { 0 } else { self.unkept_at(spot, placed) },
        }
    }

    /// The wishes that the next one does not keep on an open node.
    fn unkept_at(&self, spot: Spot, placed: [u32; 3]) -> u32 {
        let of_place = |place: &Place, scope: Scope| match place.is_known {
            true => self.unkept(place.unkept, scope, placed[scope as usize]),
            false => place.unkept,
        };
        self.unkept(self.field.unkept_on(spot.leaf), Scope::Node, placed[0])
            | of_place(&self.field.racks[spot.rack], Scope::Rack)
            | of_place(&self.field.data_centres[spot.data_centre], Scope::DataCentre)
    }
}

/// Who is best next on a board.
#[derive(Debug)]
pub(super) struct Race<'a> {
    pub(super) board: Board<'a>,
    /// A contest for each rack among its nodes, one for each data centre among the best of its
    /// racks, and one among the best of those.
    nodes: Contests<'a>,
    racks: Contests<'a>,
    data_centres: Contests<'a>,
}

impl<'a> Race<'a> {
    /// On a board on which nothing was placed yet.
    pub(super) fn new(board: Board<'a>) -> Self {
        let ranks = board.field.ranks[board.stretch.leaves.clone()].to_vec();
        Self::with_ranks(board, ranks)
    }

    /// The same with the ranks of all open nodes at hand.
    pub(super) fn with_ranks(board: Board<'a>, ranks: Vec<Rank>) -> Self {
        let (field, stretch, ids) = (board.field, board.stretch.clone(), board.field.terms.nodes.ids());
        let mut race = Self {
            nodes: Contests::of(ids, ranks, Cow::Borrowed(&field.nodes[stretch.leaves.clone()]), stretch.racks.len()),
            racks: Contests::of(ids, Vec::new(), Cow::default(), stretch.data_centres.len()),
            data_centres: Contests::of(ids, Vec::new(), Cow::default(), 1),
            board,
        };
        for rack in stretch.racks.clone() {
            race.nodes.play(overlap(&field.racks[rack].inside, &stretch.leaves).len());
        }
        for data_centre in stretch.data_centres.clone() {
            let racks = overlap(&field.data_centres[data_centre].inside, &stretch.racks);
            let (nodes, board) = (&race.nodes, &race.board);
            race.racks.add(racks.map(|rack| board.best_of_rack(nodes, rack)));
        }
        let (racks, board) = (&race.racks, &race.board);
        race.data_centres.add(stretch.data_centres.map(|number| board.best_of_data_centre(racks, number)));
        race
    }

    /// The open node that is best next, and what it costs.
    #[inline]
    pub(super) fn best(&self) -> Option<(Spot, Rank)> {
        let (data_centre, rank) = (self.data_centres.best_at(0), self.data_centres.best(0).rank);
        if rank == Rank::NONE {
            return None;
        }
        let stretch = &self.board.stretch;
        let rack = stretch.racks.start + self.racks.best_at(data_centre);
        let leaf = stretch.leaves.start + self.nodes.best_at(rack - stretch.racks.start);
        Some((Spot { leaf, rack, data_centre: stretch.data_centres.start + data_centre }, rank))
    }

    /// Places one on an open node.
    #[inline]
    pub(super) fn add(&mut self, spot: Spot) {
        self.board.add(spot);
        let (stretch, Spot { leaf, rack, data_centre }) = (&self.board.stretch, spot);
        let (rack_at, data_centre_at) = (rack - stretch.racks.start, data_centre - stretch.data_centres.start);
        self.nodes.set_rank(rack_at, leaf - stretch.leaves.start, self.board.rank_of_node(leaf));
        self.racks.set(data_centre_at, rack_at, self.board.best_of_rack(&self.nodes, rack));
        self.data_centres.set(0, data_centre_at, self.board.best_of_data_centre(&self.racks, data_centre));
    }
}

impl Board<'_> {
    /// The best node of a rack, with what the rack makes of it.
    #[inline]
    fn best_of_rack(&self, nodes: &Contests<'_>, rack: usize) -> Contender {
        let best = nodes.best(rack - self.stretch.racks.start);
        Contender { rank: best.rank.plus(self.rank_of_rack(rack)), ..best }
    }

    #[inline]
    fn best_of_data_centre(&self, racks: &Contests<'_>, number: usize) -> Contender {
        let best = racks.best(number - self.stretch.data_centres.start);
        Contender { rank: best.rank.plus(self.rank_of_data_centre(number)), ..best }
    }
}

/// What two ranges have in common.
#[inline]
fn overlap(one: &Range<usize>, other: &Range<usize>) -> Range<usize> {
    one.start.max(other.start)..one.end.min(other.end)
}
