//! What a request means for an inventory.
//!
//! Owns the step from rules to bits: each rule has one, and each node, rack and data centre a row
//! of those that are different there. After it no rule, pattern or label is looked at again. Must
//! never look at a node more than once for each rule that is about nodes.

use alloc::vec;
use alloc::vec::Vec;

use super::answer::{Filter, Matched, Wish};
use super::rank::{Rank, Weights};
use super::request::{HARD_RULES_MAX, Packing, Rejection, Request, RuleNumber, WISHES_MAX};
use crate::placement::inventory::{Inventory, Label, Nodes};
use crate::placement::rule::{Direction, Pattern, Rule, Scope, Spread, Strength, WEIGHT_DEFAULT, WEIGHT_MAX};

/// Filters that every request has, in front of its hard rules.
const FIRST_RULE: u32 = 4;
/// Bits from here on are wishes, below it filters.
const FIRST_WISH: u32 = 32;
const _: () = assert!(FIRST_RULE as usize + HARD_RULES_MAX <= FIRST_WISH as usize);

/// A request, read for an inventory.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    pub(super) nodes: &'a Nodes,
    pub(super) request: &'a Request,
    /// The bits of a place without a match: filters that refuse it, wishes that it does not keep.
    pub(super) base: u64,
    /// What is the other way round on a node: filters, and wishes if there are any about nodes,
    filters_on_node: Vec<u32>,
    pub(super) wishes_on_node: Vec<u32>,
    /// in a rack, in a data centre.
    pub(super) in_rack: Vec<u64>,
    pub(super) in_data_centre: Vec<u64>,
    /// Rules that the new instances match themselves, by scope: those that keep them apart,
    pub(super) own_far: [u64; 3],
    /// and wishes that draw them together.
    pub(super) own_near: [u64; 3],
    /// Hard rules to be near to the group's own members, while it has none.
    pub(super) founding: [u64; 3],
    pub(super) filters: Vec<Filter>,
    pub(super) wishes: Vec<Wish>,
    pub(super) weights: Weights,
    pub(super) matched: Vec<Matched>,
    /// Members of the group by node; empty where there is no group. By rack and by data centre
    /// where they are spread over.
    pub(super) members: [Vec<u32>; 3],
    pub(super) spread: [Option<Spread>; 3],
    /// What turns memory that is left into an order: the least is best.
    order_mask: u32,
}

impl<'a> Terms<'a> {
    pub(super) fn new(inventory: &'a Inventory, request: &'a Request) -> Result<Self, Rejection> {
        let nodes = &inventory.nodes;
        let mut terms = Self {
            nodes,
            request,
            base: 0,
            filters_on_node: vec![0; nodes.len()],
            wishes_on_node: Vec::new(),
            in_rack: vec![0; nodes.racks.len()],
            in_data_centre: vec![0; nodes.data_centres.len()],
            own_far: [0; 3],
            own_near: [0; 3],
            founding: [0; 3],
            filters: [Filter::State, Filter::Memory, Filter::Disk, Filter::Cpu].into(),
            wishes: Vec::new(),
            weights: Weights::default(),
            matched: Vec::new(),
            members: [const { Vec::new() }; 3],
            spread: [None; 3],
            order_mask: match request.packing {
                Packing::Loose => u32::MAX,
                Packing::Tight => 0,
            },
        };
        terms.check()?;
        for (number, rule) in (0..).zip(&request.rules) {
            terms.add_rule(inventory, RuleNumber::Rule(number), rule, WEIGHT_DEFAULT, rule.operator.strength)?;
        }
        for (number, preference) in (0..).zip(&request.preferences) {
            let number = RuleNumber::Preference(number);
            terms.add_rule(inventory, number, &preference.rule, preference.weight, Strength::Soft)?;
        }
        terms.weights = Weights::new(terms.wishes.iter().map(|wish| wish.weight));
        request.spread.iter().try_for_each(|spread| terms.add_spread(*spread))?;
        terms.count_members(inventory);
        Ok(terms)
    }

    fn check(&self) -> Result<(), Rejection> {
        let rules = &self.request.rules;
        let hard = rules.iter().filter(|rule| rule.operator.strength == Strength::Hard).count();
        let soft = rules.len() - hard + self.request.preferences.len();
        if hard > HARD_RULES_MAX || soft > WISHES_MAX {
            return Err(Rejection::TooManyRules { hard, soft });
        }
        let preferences = self.request.preferences.iter().map(|preference| preference.weight);
        let mut weights = preferences.chain(self.request.spread.iter().map(|spread| spread.weight));
        match weights.find(|weight| *weight > WEIGHT_MAX) {
            Some(weight) => Err(Rejection::TooHeavy { weight }),
            None => Ok(()),
        }
    }

    fn add_rule(
        &mut self,
        inventory: &Inventory,
        number: RuleNumber,
        rule: &Rule,
        weight: u16,
        strength: Strength,
    ) -> Result<(), Rejection> {
        let scope = rule.scope;
        if !self.is_located(scope) {
            return Err(Rejection::RuleWithoutTopology { rule: number, scope });
        }
        let bit = self.bit(number, weight, strength);
        let matched = self.mark(inventory, number, rule, bit);
        self.matched.push(matched);
        let is_founding = strength == Strength::Hard && matched.is_own && matched.count == 0;
        match rule.operator.direction {
            Direction::Far => self.mark_unknown(scope, bit),
            Direction::Near if is_founding => {
                self.founding[scope as usize] |= bit;
                self.mark_unknown(scope, bit);
            }
            Direction::Near => self.base |= bit,
        }
        if matched.is_own {
            match (rule.operator.direction, strength) {
                (Direction::Far, _) => self.own_far[scope as usize] |= bit,
                (Direction::Near, Strength::Soft) => self.own_near[scope as usize] |= bit,
                (Direction::Near, Strength::Hard) => {}
            }
        }
        Ok(())
    }

    /// The next bit of its kind.
    fn bit(&mut self, number: RuleNumber, weight: u16, strength: Strength) -> u64 {
        match (strength, number) {
            (Strength::Hard, RuleNumber::Rule(rule)) => {
                self.filters.push(Filter::Rule(rule));
                1 << (self.filters.len() - 1)
            }
            _ => {
                self.wishes.push(Wish { rule: number, weight });
                1 << (FIRST_WISH as usize + self.wishes.len() - 1)
            }
        }
    }

    /// Sets the bit wherever something matches.
    fn mark(&mut self, inventory: &Inventory, number: RuleNumber, rule: &Rule, bit: u64) -> Matched {
        let (nodes, request) = (self.nodes, self.request);
        let mut matched = Matched { rule: number, count: 0, unlocated: 0, is_own: false };
        let places = match rule.scope {
            Scope::Node => {
                let count = self.mark_nodes(inventory, rule, bit);
                return Matched { count, is_own: is_own(request, rule), ..matched };
            }
            Scope::Rack => &mut self.in_rack,
            Scope::DataCentre => &mut self.in_data_centre,
        };
        each_match(inventory, request, rule, |node, count| {
            matched.count += count;
            match place_of(nodes, rule.scope, node) {
                Some(place) => places[place] |= bit,
                None => matched.unlocated += count,
            }
        });
        Matched { is_own: is_own(request, rule), ..matched }
    }

    /// Sets the bit of each node on which something matches; tells how much does.
    fn mark_nodes(&mut self, inventory: &Inventory, rule: &Rule, bit: u64) -> u32 {
        let (owner, mut matched) = (self.request.owner, 0);
        let (on_node, bit) = self.column(bit);
        if rule.criterion.is_about_nodes() {
            inventory.nodes.matching(&rule.criterion, &rule.pattern, |nodes| {
                matched += nodes.len() as u32;
                // Read once, not again for each node.
                let (on_node, bit) = (&mut *on_node, bit);
                nodes.iter().for_each(|node| on_node[*node as usize] |= bit);
            });
        } else {
            inventory.instances_matching(owner, &rule.criterion, &rule.pattern, |node, count| {
                matched += count;
                on_node[node as usize] |= bit;
            });
        }
        matched
    }

    /// Where a bit of nodes stands, and as what.
    fn column(&mut self, bit: u64) -> (&mut [u32], u32) {
        if bit < 1 << FIRST_WISH {
            return (&mut self.filters_on_node, bit as u32);
        }
        self.wishes_on_node.resize(self.nodes.len(), 0);
        (&mut self.wishes_on_node, (bit >> FIRST_WISH) as u32)
    }

    /// Where it is unknown in which rack or data centre a node stands, nothing is known to be far
    /// from it, and nothing can follow it there.
    fn mark_unknown(&mut self, scope: Scope, bit: u64) {
        match scope {
            Scope::Node => {}
            Scope::Rack => {
                let unknown = self.in_rack.iter_mut().zip(&self.nodes.racks).filter(|(_, rack)| rack.name().is_none());
                unknown.for_each(|(place, _)| *place |= bit);
            }
            Scope::DataCentre => {
                let places = self.in_data_centre.iter_mut().zip(&self.nodes.data_centres);
                places.filter(|(_, place)| place.name().is_none()).for_each(|(place, _)| *place |= bit);
            }
        }
    }

    /// Whether it is known of at least one node in which place of a scope it stands.
    fn is_located(&self, scope: Scope) -> bool {
        let mut racks = self.nodes.racks.iter().filter(|rack| !rack.nodes.is_empty());
        match scope {
            Scope::Node => true,
            Scope::Rack => racks.any(|rack| rack.name().is_some()),
            Scope::DataCentre => racks.any(|rack| self.nodes.data_centres[rack.data_centre as usize].name().is_some()),
        }
    }

    fn add_spread(&mut self, spread: Spread) -> Result<(), Rejection> {
        let scope = spread.over;
        if !self.is_located(scope) {
            return Err(Rejection::SpreadWithoutTopology { scope });
        }
        match self.spread[scope as usize].replace(spread) {
            Some(_) => Err(Rejection::SpreadTwice { scope }),
            None => Ok(()),
        }
    }

    fn count_members(&mut self, inventory: &Inventory) {
        let (nodes, [on_node, in_rack, in_data_centre]) = (self.nodes, &mut self.members);
        in_rack.resize(nodes.racks.len(), 0);
        in_data_centre.resize(nodes.data_centres.len(), 0);
        let Some(group) = &self.request.group else { return };
        on_node.resize(nodes.len(), 0);
        let is_spread =
            self.spread[Scope::Rack as usize].is_some() || self.spread[Scope::DataCentre as usize].is_some();
        let pattern = Pattern::Exact(group.value.clone());
        inventory.instances_matching(self.request.owner, &group.criterion, &pattern, |node, count| {
            on_node[node as usize] += count;
            if is_spread {
                let rack = nodes.rack_of[node as usize] as usize;
                in_rack[rack] += count;
                in_data_centre[nodes.racks[rack].data_centre as usize] += count;
            }
        });
    }

    /// What rules about nodes make of each of them, as bits of filters; once.
    pub(super) fn take_filters_on_node(&mut self) -> Vec<u32> {
        core::mem::take(&mut self.filters_on_node)
    }

    /// Whether something draws the new instances to one another.
    pub(super) fn is_drawn(&self) -> bool {
        self.founding.iter().chain(&self.own_near).any(|bits| *bits != 0)
    }

    /// Members of the group on a node.
    #[inline]
    pub(super) fn members_on(&self, node: usize) -> u32 {
        self.members[0].get(node).copied().unwrap_or(0)
    }

    /// What a node alone makes of one more, beside members of the group, with memory left and
    /// wishes unkept.
    #[inline]
    pub(super) fn rank_of_node(&self, members: u32, left_mib: u32, unkept: u32) -> Rank {
        let order = left_mib ^ self.order_mask;
        let rank = match members {
            0 => Rank::of_node(0, order),
            _ => Rank::of_node(members, order).plus(self.spread_rank(Scope::Node, members)),
        };
        if unkept == 0 { rank } else { rank.plus(Rank::of_wishes(self.weights.sum(unkept))) }
    }

    /// What it costs to be spread to a place that has members.
    #[inline]
    fn spread_rank(&self, scope: Scope, members: u32) -> Rank {
        let Some(spread) = &self.spread[scope as usize] else { return Rank::FREE };
        let round = spread.max_skew.map_or(0, |size| members / size.get());
        Rank::of_round(round).plus(Rank::of_weighed(members, spread.weight))
    }

    /// What it costs to go to a place with members, or to nobody knows which one.
    #[inline]
    pub(super) fn rank_of_spread(&self, scope: Scope, members: u32, is_known: bool) -> Rank {
        match &self.spread[scope as usize] {
            Some(_) if !is_known => Rank::of_unknown_place(),
            _ => self.spread_rank(scope, members),
        }
    }

    /// Wishes that a node turns the other way round.
    #[inline]
    pub(super) fn wishes_on(&self, node: usize) -> u32 {
        self.wishes_on_node.get(node).copied().unwrap_or(0)
    }

    /// The bits of a rack as a whole.
    #[inline]
    pub(super) fn of_rack(&self, rack: usize) -> u64 {
        self.base ^ self.in_rack[rack] ^ self.in_data_centre[self.nodes.racks[rack].data_centre as usize]
    }
}

/// Calls for each node on which something matches, with how much; a node may come several times.
fn each_match(inventory: &Inventory, request: &Request, rule: &Rule, mut on: impl FnMut(u32, u32)) {
    if rule.criterion.is_about_nodes() {
        inventory.nodes.matching(&rule.criterion, &rule.pattern, |nodes| nodes.iter().for_each(|node| on(*node, 1)));
    } else {
        inventory.instances_matching(request.owner, &rule.criterion, &rule.pattern, on);
    }
}

/// Whether the new instances match themselves.
fn is_own(request: &Request, rule: &Rule) -> bool {
    let is_match = |label: &Label| label.criterion == rule.criterion && rule.pattern.is_match(&label.value);
    !rule.criterion.is_about_nodes() && request.own_labels().any(is_match)
}

/// The number of the rack or data centre that a node is in, unless that is unknown.
#[inline]
fn place_of(nodes: &Nodes, scope: Scope, node: u32) -> Option<usize> {
    let rack = nodes.rack_of[node as usize] as usize;
    let data_centre = nodes.racks[rack].data_centre as usize;
    match scope {
        Scope::Rack => nodes.racks[rack].name().map(|_| rack),
        _ => nodes.data_centres[data_centre].name().map(|_| data_centre),
    }
}

/// The wishes among the bits of a place.
#[inline]
pub(super) const fn wishes(bits: u64) -> u32 {
    (bits >> FIRST_WISH) as u32
}
