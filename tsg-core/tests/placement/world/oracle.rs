//! The best placement of a few instances on a few nodes, found by trying everything.
//!
//! Owns the meaning of rules and costs, written down a second time and as plainly as can be: no
//! index, no count that is kept, everything looked up again for every question. Must never be
//! made faster.

use tsg_core::placement::inventory::{Label, NodeFacts, NodeState};
use tsg_core::placement::place::Request;
use tsg_core::placement::rule::{Criterion, Direction, Rule, Scope, Strength};

use super::World;

/// Rounds, wishes and crowding.
pub type Cost = [u64; 3];

/// The rounds that a place counts which nobody knows.
const UNKNOWN: u64 = 1 << 26;
const SOFT_RULE_WEIGHT: u64 = 100;

/// A cluster and what is asked of it.
pub struct Oracle<'a> {
    pub world: &'a World,
    pub request: &'a Request,
}

/// The best there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Best {
    pub placed: Vec<usize>,
    pub is_followable: bool,
    pub cost: Cost,
    /// Whether as many can be placed so that every spread is even.
    pub can_be_even: bool,
}

impl Oracle<'_> {
    /// The place of a node, unless it is unknown.
    fn place(&self, node: usize, scope: Scope) -> Option<(Option<String>, Option<String>, Option<usize>)> {
        let NodeFacts { rack, data_centre, .. } = &self.world.nodes[node];
        match scope {
            Scope::Node => Some((None, None, Some(node))),
            Scope::Rack => rack.clone().map(|rack| (data_centre.clone(), Some(rack), None)),
            Scope::DataCentre => data_centre.clone().map(|name| (Some(name), None, None)),
        }
    }

    /// Whether a rule has to be turned down, because nobody knows where any node stands.
    pub fn is_rejected(&self) -> bool {
        let preferences = self.request.preferences.iter().map(|preference| preference.rule.scope);
        let scopes = self.request.rules.iter().map(|rule| rule.scope).chain(preferences);
        let mut scopes = scopes.chain(self.request.spread.iter().map(|spread| spread.over));
        scopes.any(|scope| (0..self.world.nodes.len()).all(|node| self.place(node, scope).is_none()))
    }

    fn own_labels(&self) -> Vec<&Label> {
        self.request.labels.iter().chain(&self.request.group).collect()
    }

    fn is_own(&self, rule: &Rule) -> bool {
        let is_match = |label: &&Label| label.criterion == rule.criterion && rule.pattern.is_match(&label.value);
        !rule.criterion.is_about_nodes() && self.own_labels().iter().any(is_match)
    }

    /// The nodes on which something matches a rule; the new ones are on `placed`.
    fn matches(&self, rule: &Rule, placed: &[usize]) -> Vec<usize> {
        let nodes = (0..self.world.nodes.len()).filter(|node| self.is_node(*node, rule));
        let instances = self.world.instances.iter().filter(|instance| instance.owner == self.request.owner);
        let instances = instances.filter(|instance| {
            let is_label = |label: &Label| label.criterion == rule.criterion && rule.pattern.is_match(&label.value);
            let is_named = rule.pattern.is_match(&instance.name) || rule.pattern.is_match(&instance.id.to_string());
            instance.labels.iter().any(is_label) || rule.criterion == Criterion::Instance && is_named
        });
        let own = placed.iter().copied().filter(|_| self.is_own(rule));
        nodes.chain(instances.map(|instance| instance.node)).chain(own).collect()
    }

    fn is_node(&self, node: usize, rule: &Rule) -> bool {
        let facts = &self.world.nodes[node];
        match &rule.criterion {
            Criterion::Node => rule.pattern.is_match(&facts.name) || rule.pattern.is_match(&facts.id.to_string()),
            Criterion::NodeTag(tag) => facts.tags.get(tag).is_some_and(|value| rule.pattern.is_match(value)),
            Criterion::Platform => rule.pattern.is_match(&facts.platform),
            _ => false,
        }
    }

    /// Whether a match is in the place of a node; `None` where that place is unknown.
    fn has_match(&self, rule: &Rule, node: usize, placed: &[usize]) -> Option<bool> {
        let place = self.place(node, rule.scope)?;
        Some(self.matches(rule, placed).iter().any(|other| self.place(*other, rule.scope).as_ref() == Some(&place)))
    }

    fn is_kept(&self, rule: &Rule, node: usize, placed: &[usize]) -> bool {
        let wanted = rule.operator.direction == Direction::Near;
        self.has_match(rule, node, placed).is_some_and(|has_match| has_match == wanted)
    }

    /// Whether the first one goes anywhere, and binds the others.
    fn is_founding(&self, rule: &Rule) -> bool {
        let is_near = rule.operator.direction == Direction::Near;
        rule.operator.strength == Strength::Hard && is_near && self.is_own(rule) && self.matches(rule, &[]).is_empty()
    }

    pub fn is_founded(&self) -> bool {
        self.request.rules.iter().any(|rule| self.is_founding(rule))
    }

    /// Hard rules by their place in the request that speak against a node.
    pub fn broken(&self, node: usize, placed: &[usize]) -> Vec<u16> {
        let hard = (0..).zip(&self.request.rules).filter(|(_, rule)| rule.operator.strength == Strength::Hard);
        let broken = hard.filter(|(_, rule)| match self.is_founding(rule) && placed.is_empty() {
            true => self.place(node, rule.scope).is_none(),
            false => !self.is_kept(rule, node, placed),
        });
        broken.map(|(number, _)| number).collect()
    }

    /// Whether a node is up and has room: memory, disk, CPU.
    pub fn lacks(&self, node: usize, placed: &[usize]) -> [bool; 4] {
        let facts = &self.world.nodes[node];
        let on_node = self.world.instances.iter().filter(|instance| instance.node == node);
        let demands: Vec<_> = on_node.map(|instance| instance.demand).collect();
        let new = placed.iter().filter(|other| **other == node).map(|_| self.request.demand);
        let demands: Vec<_> = demands.into_iter().chain(new).chain([self.request.demand]).collect();
        let is_short = |of: fn(&tsg_core::placement::inventory::Amounts) -> u32| {
            let taken: u32 = demands.iter().map(of).sum::<u32>() + of(&facts.taken_otherwise);
            // What is not asked for cannot be lacking, even where there is less than nothing.
            of(&self.request.demand) > 0 && taken > of(&facts.capacity)
        };
        [
            facts.state != NodeState::Up,
            is_short(|amounts| amounts.memory_mib),
            is_short(|amounts| amounts.disk_mib),
            is_short(|amounts| amounts.cpu_percent),
        ]
    }

    pub fn is_open(&self, node: usize, placed: &[usize]) -> bool {
        self.lacks(node, placed) == [false; 4] && self.broken(node, placed).is_empty()
    }

    /// Members of the group in the place of a node.
    fn members(&self, node: usize, scope: Scope, placed: &[usize]) -> Option<u64> {
        let place = self.place(node, scope)?;
        let is_member = |labels: &[Label]| self.request.group.as_ref().is_some_and(|group| labels.contains(group));
        let old = self.world.instances.iter().filter(|one| one.owner == self.request.owner && is_member(&one.labels));
        let nodes = old.map(|one| one.node).chain(placed.iter().copied());
        Some(nodes.filter(|other| self.place(*other, scope).as_ref() == Some(&place)).count() as u64)
    }

    /// What it costs to place the next one on a node.
    pub fn cost(&self, node: usize, placed: &[usize]) -> Cost {
        let (mut rounds, mut wishes) = (0, 0);
        for spread in &self.request.spread {
            match (self.members(node, spread.over, placed), spread.max_skew) {
                (None, _) => rounds += UNKNOWN,
                (Some(members), size) => {
                    rounds += size.map_or(0, |size| members / u64::from(size.get()));
                    wishes += members * u64::from(spread.weight);
                }
            }
        }
        let soft = self.request.rules.iter().filter(|rule| rule.operator.strength == Strength::Soft);
        let soft = soft.map(|rule| (rule, SOFT_RULE_WEIGHT));
        let preferences = self.request.preferences.iter().map(|one| (&one.rule, u64::from(one.weight)));
        let unkept = soft.chain(preferences).filter(|(rule, _)| !self.is_kept(rule, node, placed));
        wishes += unkept.map(|(_, weight)| weight).sum::<u64>();
        [rounds, wishes, self.members(node, Scope::Node, placed).unwrap_or(0)]
    }

    /// Whether members are asked to be as even as can be, and it is known where every node stands.
    pub fn wants_even(&self) -> bool {
        let is_known = |node: &NodeFacts| node.rack.is_some() && node.data_centre.is_some();
        let sizes: Vec<u32> =
            self.request.spread.iter().filter_map(|spread| spread.max_skew.map(|size| size.get())).collect();
        self.world.nodes.iter().all(is_known) && !sizes.is_empty() && sizes.iter().all(|size| *size == 1)
    }

    /// Whether the spreads are even: over all places in which a node was open before anything was
    /// placed.
    pub fn is_even(&self, placed: &[usize]) -> bool {
        let open: Vec<usize> = (0..self.world.nodes.len()).filter(|node| self.is_open(*node, &[])).collect();
        self.request.spread.iter().filter(|spread| spread.max_skew.is_some()).all(|spread| {
            let counts = || open.iter().filter_map(|node| self.members(*node, spread.over, placed));
            counts().max().unwrap_or(0) <= counts().min().unwrap_or(0) + 1
        })
    }

    /// The best of all ways to place so many.
    pub fn best(&self, count: usize) -> Best {
        let mut best = Best { placed: Vec::new(), is_followable: false, cost: [0; 3], can_be_even: false };
        self.go_on(count, &mut Vec::new(), [0; 3], 0, &mut best);
        best
    }

    fn go_on(&self, count: usize, placed: &mut Vec<usize>, cost: Cost, first: usize, best: &mut Best) {
        let is_followable = self.is_founded() && (0..self.world.nodes.len()).any(|node| self.is_open(node, placed));
        let size = |placed: &[usize], is_followable| (placed.len(), is_followable);
        let (new, old) = (size(placed, is_followable), size(&best.placed, best.is_followable));
        let can_be_even = self.is_even(placed) || new == old && best.can_be_even;
        if new > old || new == old && cost < best.cost {
            *best = Best { placed: placed.clone(), is_followable, cost, can_be_even };
        } else if new == old {
            best.can_be_even = can_be_even;
        }
        for node in first..self.world.nodes.len() {
            if placed.len() < count && self.is_open(node, placed) {
                let more = self.cost(node, placed);
                placed.push(node);
                self.go_on(count, placed, [0, 1, 2].map(|level| cost[level] + more[level]), node, best);
                placed.pop();
            }
        }
    }
}
