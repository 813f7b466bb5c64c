//! The nodes that are open to a request, in the order of the tree of places.
//!
//! Owns what it costs to go to an open node before anything was placed. Nodes of a rack stand side by side, and so do racks of a data centre, so
//! that a place is a range. Must never change while instances are placed.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::answer::Reasons;
use super::rank::Rank;
use super::terms::{Terms, wishes};
use crate::placement::rule::Scope;

/// A rack or a data centre with open nodes.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The data centre of a rack in the field.
    pub(super) parent: u32,
    /// Open nodes of a rack, racks of a data centre.
    pub(super) inside: Range<usize>,
    /// Members of the group there.
    pub(super) members: u32,
    /// Wishes about the new ones themselves that are not kept there while it has none of them.
    pub(super) unkept: u32,
    /// Whether it is one place, not the nodes of which none is known.
    pub(super) is_known: bool,
}

/// An open node and the places that it is in, by where they stand in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) leaf: usize,
    pub(super) rack: usize,
    pub(super) data_centre: usize,
}

/// All open nodes.
#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) terms: &'a Terms<'a>,
    /// The number of each open node,
    pub(super) nodes: Vec<u32>,
    /// and what it alone makes of the first one.
    pub(super) ranks: Vec<Rank>,
    pub(super) racks: Vec<Place>,
    pub(super) data_centres: Vec<Place>,
    /// Where a rack of the inventory stands in the field.
    rack_at: Vec<u32>,
    /// What speaks against each node, by number.
    pub(super) reasons: &'a [Reasons],
}

/// A part of a field: whole, or one of its places.
#[derive(Debug, Clone)]
pub(super) struct Stretch {
    pub(super) leaves: Range<usize>,
    pub(super) racks: Range<usize>,
    pub(super) data_centres: Range<usize>,
}

impl<'a> Field<'a> {
    pub(super) fn new(terms: &'a Terms<'a>, reasons: &'a [Reasons]) -> Self {
        let (nodes, count) = (terms.nodes, reasons.len());
        let mut field = Self {
            terms,
            nodes: Vec::with_capacity(count),
            ranks: Vec::with_capacity(count),
            racks: Vec::new(),
            data_centres: Vec::new(),
            rack_at: vec![0; nodes.racks.len()],
            reasons,
        };
        for (number, data_centre) in nodes.data_centres.iter().enumerate() {
            let racks = field.racks.len();
            data_centre.racks.iter().for_each(|rack| field.add_rack(*rack));
            if field.racks.len() > racks {
                let bits = terms.base ^ terms.in_data_centre[number];
                field.data_centres.push(Place {
                    parent: 0,
                    inside: racks..field.racks.len(),
                    members: terms.members[Scope::DataCentre as usize][number],
                    unkept: wishes(bits) & field.own_wishes(Scope::DataCentre),
                    is_known: data_centre.name().is_some(),
                });
            }
        }
        field
    }

    fn add_rack(&mut self, number: u32) {
        let terms = self.terms;
        let rack = &terms.nodes.racks[number as usize];
        let bits = terms.of_rack(number as usize);
        let (first, elsewhere, has_wishes) = (self.nodes.len(), self.elsewhere(), !terms.wishes.is_empty());
        // Nobody could guess which nodes are open: each is written down, and those that are not are
        // written over.
        self.nodes.extend_from_slice(&rack.nodes);
        let mut end = first;
        for node in &rack.nodes {
            self.nodes[end] = *node;
            end += usize::from(self.reasons[*node as usize].is_empty());
        }
        self.nodes.truncate(end);
        let (unkept, standings) = (wishes(bits), terms.nodes.standings.as_slice());
        let rank = move |node: &u32| {
            let at = *node as usize;
            let unkept = if has_wishes { (unkept ^ terms.wishes_on(at)) & !elsewhere } else { 0 };
            terms.rank_of_node(terms.members_on(at), standings[at].room[0], unkept)
        };
        self.ranks.extend(self.nodes[first..].iter().map(rank));
        if self.nodes.len() > first {
            self.rack_at[number as usize] = self.racks.len() as u32;
            self.racks.push(Place {
                parent: self.data_centres.len() as u32,
                inside: first..self.nodes.len(),
                members: terms.members[Scope::Rack as usize][number as usize],
                unkept: wishes(bits) & self.own_wishes(Scope::Rack),
                is_known: rack.name().is_some(),
            });
        }
    }

    /// Wishes about the new instances themselves, as far as a scope.
    fn own_wishes(&self, scope: Scope) -> u32 {
        wishes(self.terms.own_far[scope as usize] | self.terms.own_near[scope as usize])
    }

    /// Wishes that are judged by rack or by data centre as a whole.
    fn elsewhere(&self) -> u32 {
        self.own_wishes(Scope::Rack) | self.own_wishes(Scope::DataCentre)
    }

    /// What is left on an open node: memory, disk, CPU.
    #[inline]
    pub(super) fn room_on(&self, leaf: usize) -> [u32; 3] {
        self.terms.nodes.standings[self.nodes[leaf] as usize].room
    }

    /// Members of the group on an open node.
    pub(super) fn members_on(&self, leaf: usize) -> u32 {
        self.terms.members_on(self.nodes[leaf] as usize)
    }

    /// Wishes that are not kept on an open node while it has none of the new ones, but for those
    /// that are judged by rack or by data centre.
    pub(super) fn unkept_on(&self, leaf: usize) -> u32 {
        let node = self.nodes[leaf] as usize;
        let bits = self.terms.of_rack(self.terms.nodes.rack_of[node] as usize);
        (wishes(bits) ^ self.terms.wishes_on(node)) & !self.elsewhere()
    }

    /// Where an open node stands.
    pub(super) fn spot(&self, leaf: usize) -> Spot {
        let rack = self.rack_at[self.terms.nodes.rack_of[self.nodes[leaf] as usize] as usize] as usize;
        Spot { leaf, rack, data_centre: self.racks[rack].parent as usize }
    }

    /// All of it.
    pub(super) fn whole(&self) -> Stretch {
        let (racks, data_centres) = (0..self.racks.len(), 0..self.data_centres.len());
        Stretch { leaves: 0..self.nodes.len(), racks, data_centres }
    }

    /// The places of a scope.
    pub(super) fn stretches(&self, scope: Scope) -> Vec<Stretch> {
        match scope {
            Scope::Node => (0..self.nodes.len()).map(|leaf| self.of_leaf(leaf)).collect(),
            Scope::Rack => (0..self.racks.len()).map(|rack| self.of_rack(rack)).collect(),
            Scope::DataCentre => (0..self.data_centres.len()).map(|number| self.of_data_centre(number)).collect(),
        }
    }

    /// The place of a scope that an open node is in.
    pub(super) fn around(&self, leaf: usize, scope: Scope) -> Stretch {
        let spot = self.spot(leaf);
        match scope {
            Scope::Node => self.of_leaf(leaf),
            Scope::Rack => self.of_rack(spot.rack),
            Scope::DataCentre => self.of_data_centre(spot.data_centre),
        }
    }

    fn of_leaf(&self, leaf: usize) -> Stretch {
        Stretch { leaves: leaf..leaf + 1, ..self.of_rack(self.spot(leaf).rack) }
    }

    fn of_rack(&self, rack: usize) -> Stretch {
        let data_centre = self.racks[rack].parent as usize;
        let leaves = self.racks[rack].inside.clone();
        Stretch { leaves, racks: rack..rack + 1, data_centres: data_centre..data_centre + 1 }
    }

    fn of_data_centre(&self, number: usize) -> Stretch {
        let racks = self.data_centres[number].inside.clone();
        let leaves = self.racks[racks.start].inside.start..self.racks[racks.end - 1].inside.end;
        Stretch { leaves, racks, data_centres: number..number + 1 }
    }
}
