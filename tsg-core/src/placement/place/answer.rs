//! What a placement comes to.
//!
//! Owns the answer as numbers: where the instances go, what that cost, and what spoke against
//! every other node. Must never put anything into words.

use alloc::vec::Vec;

use super::rank::Rank;
use super::refusal::{losses, of_nodes};
use super::request::RuleNumber;
use crate::placement::inventory::NodeNumber;
use crate::placement::rule::{Scope, Spread};

/// What can speak against a node, in the order in which it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filter {
    /// It takes no new instances.
    State,
    /// Too little memory is left.
    Memory,
    /// Too little disk is left.
    Disk,
    /// Too little CPU is left.
    Cpu,
    /// A hard rule, by its place among the rules of the request.
    Rule(u16),
}

/// Everything that speaks against a node, as a set.
///
/// ```
/// use tsg_core::placement::place::Reasons;
///
/// let nothing = Reasons::default();
/// assert!(nothing.is_empty() && nothing.count() == 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Reasons(pub(super) u32);

impl Reasons {
    /// Of a number without a node.
    pub(super) const NO_NODE: Self = Self(u32::MAX);

    /// How many there are.
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether nothing speaks against it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A soft rule or a preference, with its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Which one.
    pub rule: RuleNumber,
    /// What it costs not to be kept.
    pub weight: u16,
}

/// What a rule was found to be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// Which one.
    pub rule: RuleNumber,
    /// Instances that match, or compute nodes where it is about those.
    pub count: u32,
    /// How many of them stand in a rack or a data centre that is unknown, where it is about those:
    /// they count for nothing.
    pub unlocated: u32,
    /// Whether the new instances match themselves.
    pub is_own: bool,
}

/// Where one instance goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The node.
    pub node: NodeNumber,
    /// What it cost, with those placed before it in place.
    pub cost: Cost,
    /// Memory that was left there before, in MiB.
    pub memory_left_mib: u32,
    /// Members of the group there before: on the node, in its rack, in its data centre. Racks and
    /// data centres are counted where they are spread over.
    pub members: [u32; 3],
    /// The wishes that were not kept.
    pub(super) unkept: u32,
}

/// What a placement costs, the weightiest first; less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cost {
    /// Rounds that its places had been through, as [`Spread::max_skew`] asks.
    pub rounds: u64,
    /// Weights of the wishes that are not kept, and of the members that spreads count.
    pub wishes: u64,
    /// Members of the same group on the same node.
    pub crowding: u64,
}

impl Cost {
    /// What a rank stands for.
    pub(super) const fn of(rank: Rank) -> Self {
        let [rounds, wishes, crowding] = rank.levels();
        Self { rounds, wishes, crowding }
    }

    /// Both.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            rounds: self.rounds + other.rounds,
            wishes: self.wishes + other.wishes,
            crowding: self.crowding + other.crowding,
        }
    }
}

/// A part of what a placement cost, or would have cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A spread asks for rounds.
    Round {
        /// Over what.
        over: Scope,
        /// Members in its place before.
        members: u32,
        /// Rounds that the place had been through.
        round: u32,
    },
    /// A spread has a weight.
    Evenness {
        /// Over what.
        over: Scope,
        /// Members in its place before.
        members: u32,
        /// What they count.
        cost: u64,
    },
    /// A wish is kept.
    Kept(Wish),
    /// A wish is not kept.
    NotKept(Wish),
    /// Members of the group on the same node.
    Crowding {
        /// How many.
        members: u32,
    },
    /// Memory that was left there, which decides where all else is alike.
    Memory {
        /// In MiB.
        left_mib: u32,
    },
}

/// Where instances go, and why the rest go nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where each goes, in the order in which they were placed.
    pub placements: Vec<Placement>,
    /// What all of them cost together.
    pub cost: Cost,
    /// Why there are not as many as were asked for.
    pub refusal: Option<Refusal>,
    /// What each rule was found to be about: the rules, then the preferences.
    pub matched: Vec<Matched>,
    pub(super) filters: Vec<Filter>,
    pub(super) wishes: Vec<Wish>,
    pub(super) spread: Vec<Spread>,
    /// What spoke against each node before the first was placed, by number.
    pub(super) reasons: Vec<Reasons>,
}

/// Why an instance goes nowhere, with those placed before it in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// How many were not placed.
    pub missing: u32,
    /// How many nodes there are.
    pub nodes: u32,
    /// What each filter takes away; those that take nothing are left out.
    pub losses: Vec<Loss>,
    /// The least that would have to be given up.
    pub way_out: Option<WayOut>,
    /// The node with the least against it; of several the one with the lowest id.
    pub nearest: Option<NearMiss>,
}

/// How many nodes are lost to a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Which one.
    pub filter: Filter,
    /// Nodes that pass every filter before it, and not this one.
    pub in_turn: u32,
    /// Nodes that do not pass it, whatever else speaks against them.
    pub alone: u32,
}

/// The fewest rules without which there is a place. Of several such sets, the one that opens the
/// most nodes; then the one whose rules come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayOut {
    /// Rules, by their place in the request.
    pub rules: Vec<u16>,
    /// Nodes that are open without them.
    pub nodes: u32,
}

/// A node that is nearly good enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Which one.
    pub node: NodeNumber,
    /// What speaks against it.
    pub filters: Vec<Filter>,
}

impl Answer {
    /// What spoke against a node before the first instance was placed; `None` where there is no
    /// such node.
    pub fn reasons(&self, node: NodeNumber) -> Option<Reasons> {
        self.reasons.get(node.0 as usize).copied().filter(|reasons| *reasons != Reasons::NO_NODE)
    }

    /// The members of a set of reasons, in the order in which they are asked.
    pub fn filters(&self, reasons: Reasons) -> impl Iterator<Item = Filter> + '_ {
        of_set(&self.filters, reasons.0)
    }

    /// What each filter took away before the first instance was placed; those that took nothing are
    /// left out. A [`Refusal`] says the same with those that were placed in place.
    pub fn losses(&self) -> Vec<Loss> {
        losses(&self.filters, &of_nodes(&self.reasons).collect::<Vec<_>>())
    }

    /// What a placement of this answer cost, part by part.
    pub fn parts(&self, placement: &Placement) -> Vec<Part> {
        let mut parts = Vec::new();
        for spread in &self.spread {
            let members = placement.members[spread.over as usize];
            let over = spread.over;
            parts.extend(spread.max_skew.map(|size| Part::Round { over, members, round: members / size.get() }));
            let cost = u64::from(members) * u64::from(spread.weight);
            parts.extend((spread.weight > 0).then_some(Part::Evenness { over, members, cost }));
        }
        parts.extend(self.wishes.iter().enumerate().map(|(number, wish)| match placement.unkept >> number & 1 {
            0 => Part::Kept(*wish),
            _ => Part::NotKept(*wish),
        }));
        parts.push(Part::Crowding { members: placement.members[0] });
        parts.push(Part::Memory { left_mib: placement.memory_left_mib });
        parts
    }
}

/// What of a row stands in a set of its places.
pub(super) fn of_set<T: Copy>(row: &[T], set: u32) -> impl Iterator<Item = T> + '_ {
    row.iter().enumerate().filter(move |(place, _)| set >> place & 1 == 1).map(|(_, one)| *one)
}
