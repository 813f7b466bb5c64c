//! Instances on their places, one after the other.
//!
//! Owns what changes as instances are placed: how many each node, rack and data centre got, and who
//! is best next. Must never decide how many are placed, or where the first one goes when that
//! binds the others.

use super::answer::{Cost, Placement};
use super::contest::{Contender, Contests};
use super::field::{Field, Place, Stretch, wishes};
use super::rank::Rank;
use super::request::Packing;
use crate::placement::inventory::NodeNumber;
use crate::placement::rule::Scope;
use alloc::vec;
use alloc::vec::Vec;

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

    fn rack_of(&self, leaf: usize) -> usize {
        self.field.leaves[leaf].rack as usize
    }

    /// One more on an open node.
    #[inline]
    pub(super) fn add(&mut self, leaf: usize) {
        let rack = self.rack_of(leaf);
        self.on_node[leaf - self.stretch.leaves.start] += 1;
        self.in_rack[rack - self.stretch.racks.start] += 1;
        self.in_data_centre[self.field.racks[rack].parent as usize - self.stretch.data_centres.start] += 1;
    }

    /// One less where one was added.
    pub(super) fn take_back(&mut self, leaf: usize) {
        let rack = self.rack_of(leaf);
        self.on_node[leaf - self.stretch.leaves.start] -= 1;
        self.in_rack[rack - self.stretch.racks.start] -= 1;
        self.in_data_centre[self.field.racks[rack].parent as usize - self.stretch.data_centres.start] -= 1;
    }

    /// What the next one costs on an open node, all in all; [`Rank::NONE`] where it has no place.
    pub(super) fn rank(&self, leaf: usize) -> Rank {
        let rack = self.rack_of(leaf);
        let data_centre = self.field.racks[rack].parent as usize;
        self.rank_of_node(leaf).plus(self.rank_of_rack(rack)).plus(self.rank_of_data_centre(data_centre))
    }

    /// What the node alone makes of it.
    #[inline]
    fn rank_of_node(&self, leaf: usize) -> Rank {
        let terms = self.field.terms;
        let facts = &self.field.leaves[leaf];
        let placed = self.on_node[leaf - self.stretch.leaves.start];
        let room = &terms.nodes.room[facts.node as usize];
        let mut weight = facts.weight;
        if placed > 0 {
            let demand = terms.request.demand.row();
            let is_short = room
                .iter()
                .zip(demand)
                .any(|(room, demand)| u64::from(*room) < u64::from(demand) * (u64::from(placed) + 1));
            if is_short || terms.own_far[Scope::Node as usize] as u32 != 0 {
                return Rank::NONE;
            }
            weight = terms.weights.sum(self.unkept(facts.unkept, Scope::Node, placed));
        }
        let order = match terms.request.packing {
            Packing::Loose => u32::MAX - self.memory_left(leaf),
            Packing::Tight => self.memory_left(leaf),
        };
        let members = facts.members + placed;
        let rank = Rank::of_wishes(weight).plus(Rank::of_node(members, order));
        match &terms.spread[Scope::Node as usize] {
            None => rank,
            Some(_) => rank.plus(self.spread_rank(Scope::Node, members)),
        }
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
        let wishes = Rank::of_wishes(terms.weights.sum(unkept));
        match &terms.spread[scope as usize] {
            None => wishes,
            Some(_) if !place.is_known => wishes.plus(Rank::of_unknown_place()),
            Some(_) => wishes.plus(self.spread_rank(scope, place.members + placed)),
        }
    }

    /// What it costs to be spread to a place that has members.
    fn spread_rank(&self, scope: Scope, members: u32) -> Rank {
        let Some(spread) = &self.field.terms.spread[scope as usize] else { return Rank::FREE };
        let round = spread.max_skew.map_or(0, |size| members / size.get());
        Rank::of_round(round).plus(Rank::of_weighed(members, spread.weight))
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

    /// Memory left on an open node.
    #[inline]
    fn memory_left(&self, leaf: usize) -> u32 {
        let terms = self.field.terms;
        let placed = self.on_node[leaf - self.stretch.leaves.start];
        let [room, ..] = terms.nodes.room[self.field.leaves[leaf].node as usize];
        room - placed * terms.request.demand.memory_mib
    }

    /// The next one on an open node, as it is told.
    pub(super) fn placement(&self, leaf: usize) -> Placement {
        let (facts, rack) = (&self.field.leaves[leaf], self.rack_of(leaf));
        let (rack_facts, number) = (&self.field.racks[rack], self.field.racks[rack].parent as usize);
        let data_centre = &self.field.data_centres[number];
        let placed = [
            self.on_node[leaf - self.stretch.leaves.start],
            self.in_rack[rack - self.stretch.racks.start],
            self.in_data_centre[number - self.stretch.data_centres.start],
        ];
        let of_place = |place: &Place, scope: Scope| match place.is_known {
            true => self.unkept(place.unkept, scope, placed[scope as usize]),
            false => place.unkept,
        };
        let of_places = of_place(rack_facts, Scope::Rack) | of_place(data_centre, Scope::DataCentre);
        let [rounds, wishes, crowding] = self.rank(leaf).levels();
        Placement {
            node: NodeNumber(facts.node),
            cost: Cost { rounds, wishes, crowding },
            memory_left_mib: self.memory_left(leaf),
            members: [facts.members + placed[0], rack_facts.members + placed[1], data_centre.members + placed[2]],
            unkept: self.unkept(facts.unkept, Scope::Node, placed[0]) | of_places,
        }
    }
}

/// Who is best next on a board.
#[derive(Debug)]
pub(super) struct Race<'a> {
    pub(super) board: Board<'a>,
    /// A contest for each rack among its nodes, one for each data centre among the best of its
    /// racks, and one among the best of those.
    nodes: Contests,
    racks: Contests,
    data_centres: Contests,
}

impl<'a> Race<'a> {
    pub(super) fn new(board: Board<'a>) -> Self {
        let (field, stretch) = (board.field, board.stretch.clone());
        let mut race = Self {
            nodes: Contests::with_capacity(stretch.racks.len(), stretch.leaves.len()),
            racks: Contests::with_capacity(stretch.data_centres.len(), stretch.racks.len()),
            data_centres: Contests::with_capacity(1, stretch.data_centres.len()),
            board,
        };
        let id_of = |node| field.terms.nodes.id(node);
        for rack in stretch.racks.clone() {
            let inside = &field.racks[rack].inside;
            let leaves = inside.start.max(stretch.leaves.start)..inside.end.min(stretch.leaves.end);
            leaves.for_each(|leaf| race.nodes.join(race.board.contender(leaf)));
            race.nodes.begin(&id_of);
        }
        for data_centre in stretch.data_centres.clone() {
            let inside = &field.data_centres[data_centre].inside;
            let racks = inside.start.max(stretch.racks.start)..inside.end.min(stretch.racks.end);
            racks.for_each(|rack| race.racks.join(race.best_of_rack(rack)));
            race.racks.begin(&id_of);
        }
        stretch.data_centres.for_each(|number| race.data_centres.join(race.best_of_data_centre(number)));
        race.data_centres.begin(&id_of);
        race
    }

    /// The open node that is best next, and what it costs.
    #[inline]
    pub(super) fn best(&self) -> Option<(usize, Rank)> {
        let (data_centre, contender) = self.data_centres.best(0);
        if contender.rank == Rank::NONE {
            return None;
        }
        let stretch = &self.board.stretch;
        let (place, _) = self.racks.best(data_centre);
        let inside = &self.board.field.data_centres[stretch.data_centres.start + data_centre].inside;
        let rack = inside.start.max(stretch.racks.start) + place;
        let (place, _) = self.nodes.best(rack - stretch.racks.start);
        let inside = &self.board.field.racks[rack].inside;
        Some((inside.start.max(stretch.leaves.start) + place, contender.rank))
    }

    /// Places one on an open node.
    #[inline]
    pub(super) fn add(&mut self, leaf: usize) {
        let (field, stretch) = (self.board.field, &self.board.stretch);
        let id_of = |node| field.terms.nodes.id(node);
        let rack = field.leaves[leaf].rack as usize;
        let data_centre = field.racks[rack].parent as usize;
        let place_of = |place: usize, inside: usize, stretch: usize| place - inside.max(stretch);
        let in_rack = place_of(leaf, field.racks[rack].inside.start, stretch.leaves.start);
        let in_data_centre = place_of(rack, field.data_centres[data_centre].inside.start, stretch.racks.start);
        let (rack_at, data_centre_at) = (rack - stretch.racks.start, data_centre - stretch.data_centres.start);
        self.board.add(leaf);
        self.nodes.set(rack_at, in_rack, self.board.contender(leaf), &id_of);
        self.racks.set(data_centre_at, in_data_centre, self.best_of_rack(rack), &id_of);
        self.data_centres.set(0, data_centre_at, self.best_of_data_centre(data_centre), &id_of);
    }

    fn best_of_rack(&self, rack: usize) -> Contender {
        let (_, best) = self.nodes.best(rack - self.board.stretch.racks.start);
        Contender { rank: best.rank.plus(self.board.rank_of_rack(rack)), ..best }
    }

    fn best_of_data_centre(&self, number: usize) -> Contender {
        let (_, best) = self.racks.best(number - self.board.stretch.data_centres.start);
        Contender { rank: best.rank.plus(self.board.rank_of_data_centre(number)), ..best }
    }
}

impl Board<'_> {
    fn contender(&self, leaf: usize) -> Contender {
        Contender { rank: self.rank_of_node(leaf), node: self.field.leaves[leaf].node }
    }
}
