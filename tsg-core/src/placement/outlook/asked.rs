//! A block and a tenant's view as a request and an inventory.
//!
//! Owns what of them is put to [`place`](crate::placement::place::place): the parts that can be
//! judged, and the instances that these are about. Must never make up room, tags or platform images.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use uuid::Uuid;

use super::Unjudged;
use crate::model::id::{AccountId, ComputeNodeId};
use crate::placement::compile::{Ground, Newcomer, Obstacle, Resident, meaning, placed_rules};
use crate::placement::inventory::{Amounts, InstanceFacts, Inventory, NodeFacts, NodeState};
use crate::placement::place::{Part, Request, RuleNumber};
use crate::placement::rule::{PlacementSpec, Rule, SpecPlace};

/// All instances of a view are of one account, so that it does not matter which.
const OWNER: AccountId = AccountId::from_directory(Uuid::nil());
/// Nothing is known of room, and nothing asks for it.
const NOTHING: Amounts = Amounts { memory_mib: 0, disk_mib: 0, cpu_percent: 0 };

/// What is put to the evaluator, and where each part of it stands in the block.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) rules: Vec<SpecPlace>,
    preferences: Vec<SpecPlace>,
    spreads: Vec<SpecPlace>,
    pub(super) unjudged: Vec<Unjudged>,
}

impl Asked {
    pub(super) fn of(spec: &PlacementSpec, ground: &Ground<'_>, newcomer: &Newcomer<'_>) -> Self {
        let mut request = Request::new(OWNER, NOTHING);
        request.labels = newcomer.labels.to_vec();
        request.group = newcomer.group.cloned();
        let mut asked =
            Self { request, rules: Vec::new(), preferences: Vec::new(), spreads: Vec::new(), unjudged: Vec::new() };
        for (at, rule) in placed_rules(spec) {
            if asked.can_judge(at, obstacle(ground, rule, newcomer)) {
                asked.request.rules.push(rule.clone());
                asked.rules.push(at);
            }
        }
        for (index, preference) in spec.prefer.iter().enumerate() {
            let at = SpecPlace::Preference { index };
            if asked.can_judge(at, obstacle(ground, &preference.rule, newcomer)) {
                asked.request.preferences.push(preference.clone());
                asked.preferences.push(at);
            }
        }
        for (index, spread) in spec.spread.iter().enumerate() {
            let (at, scope) = (SpecPlace::Spread { index }, spread.over);
            if asked.can_judge(at, (!ground.is_known(scope)).then_some(Obstacle::NoTopology { scope })) {
                asked.request.spread.push(*spread);
                asked.spreads.push(at);
            }
        }
        asked
    }

    fn can_judge(&mut self, at: SpecPlace, obstacle: Option<Obstacle>) -> bool {
        self.unjudged.extend(obstacle.map(|why| Unjudged { at, why }));
        obstacle.is_none()
    }

    /// The nodes that are known, with the instances that something here is about.
    pub(super) fn inventory(&self, ground: &Ground<'_>) -> Inventory {
        let mut inventory = Inventory::default();
        let nodes = ground.nodes.iter().map(|node| inventory.put_node(facts(ground, *node)));
        let numbers: Vec<_> = nodes.collect();
        for resident in ground.view.residents().iter().filter(|resident| self.is_about(resident)) {
            let Some(node) = ground.node_of(resident).and_then(|node| numbers.get(node)) else { continue };
            let kind = inventory.kind(OWNER, resident.labels, NOTHING);
            let known = InstanceFacts { id: resident.id, name: resident.name, kind, node: *node };
            // Its node and its kind are there.
            _ = inventory.put_instance(known);
        }
        inventory
    }

    fn is_about(&self, resident: &Resident<'_>) -> bool {
        let preferences = self.request.preferences.iter().map(|preference| &preference.rule);
        let mut rules = self.request.rules.iter().chain(preferences);
        self.request.group.as_ref().is_some_and(|group| resident.has(group))
            || rules.any(|rule| resident.is_match(&rule.criterion, &rule.pattern))
    }

    /// The part of the block that a part of a cost comes from.
    pub(super) fn part_at(&self, part: Part) -> Option<SpecPlace> {
        match part {
            Part::Kept(wish) | Part::NotKept(wish) => match wish.rule {
                RuleNumber::Rule(rule) => self.rules.get(usize::from(rule)).copied(),
                RuleNumber::Preference(rule) => self.preferences.get(usize::from(rule)).copied(),
            },
            Part::Round { over, .. } | Part::Evenness { over, .. } => {
                let spread = self.request.spread.iter().position(|spread| spread.over == over)?;
                self.spreads.get(spread).copied()
            }
            Part::Crowding { .. } | Part::Memory { .. } => None,
        }
    }
}

/// Why a rule cannot be judged by what the view shows. One that can be may still leave some of its
/// matches out, as long as it is not known where these stand.
fn obstacle(ground: &Ground<'_>, rule: &Rule, newcomer: &Newcomer<'_>) -> Option<Obstacle> {
    let meaning = match meaning(ground, rule, newcomer.is_match(rule)) {
        Ok(meaning) => meaning,
        Err(why) => return Some(why),
    };
    let is_nowhere = !meaning.matches.is_empty()
        && meaning
            .matches
            .iter()
            .all(|resident| ground.node_of(resident).is_none_or(|node| !ground.is_located(rule.scope, node)));
    is_nowhere.then_some(Obstacle::Unlocated { instances: meaning.matches.len() as u32 })
}

fn facts(ground: &Ground<'_>, node: ComputeNodeId) -> NodeFacts {
    let topology = ground.view.topology;
    let site = topology.nodes.get(&node);
    let name: Option<String> = site.and_then(|site| site.name.clone());
    NodeFacts {
        id: node,
        // One without a name goes by its id, as everything does.
        name: name.unwrap_or_else(|| node.to_string()),
        tags: BTreeMap::new(),
        platform: String::new(),
        capacity: NOTHING,
        taken_otherwise: NOTHING,
        state: NodeState::Up,
        rack: site.and_then(|site| site.rack.clone()),
        data_centre: topology.data_centre.clone(),
    }
}
