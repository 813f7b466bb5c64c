//! Wishes: soft rules, preferences, nodes to avoid.
//!
//! Owns how each is put to CloudAPI, and which of the open nodes breaks the fewest. Must never let
//! one cost an instance its place, unless the block asks for that.

use alloc::vec::Vec;

use super::ground::{Ground, Marks, numbers};
use super::hard::{envoys, means, placed_rules, uncovered};
use super::meaning::{Meaning, meaning};
use super::newcomer::Newcomer;
use super::outcome::{Compiled, Held, Lost, Means, Note, Obstacle};
use super::same::{Said, Wording};
use super::view::Resident;
use crate::model::id::ComputeNodeId;
use crate::placement::rule::{Criterion, Direction, PlacementSpec, Rule, Scope, SpecPlace, Strength, WEIGHT_DEFAULT};

/// What is wished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A part of the block.
    Part(SpecPlace),
    /// To be off a node on which a predecessor died.
    Avoid(ComputeNodeId),
}

/// A wish that can be told.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) of: Origin,
    pub(super) weight: u32,
    pub(super) direction: Direction,
    /// Nodes on which it is kept.
    pub(super) allowed: Marks,
    pub(super) wordings: Vec<Wording>,
    pub(super) by: Means,
}

/// Above every weight that a block can give.
const WEIGHT_OF_AVOIDING: u32 = u32::MAX;

/// Reads them, the weightiest first, and tells at once of those that cannot be told to CloudAPI.
pub(super) fn wishes(
    ground: &Ground<'_>,
    spec: &PlacementSpec,
    newcomer: &Newcomer<'_>,
    compiled: &mut Compiled,
) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for node in newcomer.avoid {
        match avoidance(ground, *node) {
            Ok(wish) => wishes.push(wish),
            Err(why) => compiled.notes.push(Note::NotAvoided { node: *node, why }),
        }
    }
    let soft = placed_rules(spec).filter(|(_, rule)| rule.operator.strength == Strength::Soft);
    let soft = soft.map(|(at, rule)| (at, rule, WEIGHT_DEFAULT));
    let preferences = spec.prefer.iter().enumerate();
    let preferences = preferences.map(|(index, wish)| (SpecPlace::Preference { index }, &wish.rule, wish.weight));
    for (at, rule, weight) in soft.chain(preferences) {
        let meant = meaning(ground, rule, newcomer.is_match(rule));
        match meant.and_then(|meaning| wish(ground, at, rule, &meaning)) {
            Ok(wish) => wishes.push(Wish { weight: weight.into(), ..wish }),
            Err(why) => compiled.unenforceable.push(Lost { at, why }),
        }
    }
    wishes.sort_by_key(|wish| core::cmp::Reverse(wish.weight));
    wishes
}

fn avoidance(ground: &Ground<'_>, node: ComputeNodeId) -> Result<Wish, Obstacle> {
    let there = ground.number(node);
    let envoy = there.and_then(|number| ground.envoy(number)).ok_or(Obstacle::NoInstanceThere { nodes: 1 })?;
    Ok(Wish {
        of: Origin::Avoid(node),
        weight: WEIGHT_OF_AVOIDING,
        direction: Direction::Far,
        allowed: (0..ground.nodes.len()).map(|number| Some(number) != there).collect(),
        wordings: [Wording::of_instance(envoy)].into(),
        by: Means::Named { instances: 1 },
    })
}

/// How a wish is told. Where only a part of it can be, that part is.
fn wish(ground: &Ground<'_>, at: SpecPlace, rule: &Rule, meaning: &Meaning<'_>) -> Result<Wish, Obstacle> {
    let (wordings, by) = match (rule.scope, &rule.criterion) {
        (Scope::DataCentre, _) => (Vec::new(), Means::Nothing),
        (Scope::Node, criterion) if *criterion != Criterion::Node => {
            let said = Said::of(ground.view, rule);
            let named = uncovered(meaning, &said);
            let by = means(&said, &named);
            (said.wordings().into_iter().chain(named).collect(), by)
        }
        _ => {
            let (named, missing) = envoys(ground, &meaning.places);
            let instances = named.len() as u32;
            let is_unknown = rule.criterion == Criterion::Node && meaning.is_void();
            match (missing, instances) {
                (0, 0) if is_unknown => return Err(Obstacle::NoInstanceThere { nodes: 1 }),
                (0, 0) if meaning.unlocated > 0 => return Err(Obstacle::Unlocated { instances: meaning.unlocated }),
                (0, 0) => (named, Means::Nothing),
                (nodes, 0) => return Err(Obstacle::NoInstanceThere { nodes }),
                _ => (named, Means::Named { instances }),
            }
        }
    };
    Ok(Wish {
        of: Origin::Part(at),
        weight: WEIGHT_DEFAULT.into(),
        direction: rule.operator.direction,
        allowed: meaning.allowed.clone(),
        wordings,
        by,
    })
}

impl Wish {
    /// It is put to CloudAPI, or was counted.
    pub(super) fn granted(&self, by: Means, compiled: &mut Compiled) {
        match self.of {
            Origin::Part(at) => compiled.attempted.push(Held { at, by }),
            Origin::Avoid(node) => compiled.notes.push(Note::Avoided { node }),
        }
    }

    /// It is not.
    pub(super) fn lost(&self, why: Obstacle, compiled: &mut Compiled) {
        match self.of {
            Origin::Part(at) => compiled.unenforceable.push(Lost { at, why }),
            Origin::Avoid(node) => compiled.notes.push(Note::NotAvoided { node, why }),
        }
    }
}

/// The one to follow: on an open node, with the lightest wishes broken, then beside the fewest
/// members, then the one with the lowest id. One that a rule is about goes before others on its
/// node, so that the rule does not outlive it.
pub(super) fn leader<'v>(
    ground: &Ground<'v>,
    open: &[bool],
    wishes: &[Wish],
    members: &[u32],
    is_match: impl Fn(&Resident<'_>) -> bool,
) -> Option<&'v Resident<'v>> {
    let unkept = |node: usize| -> u64 {
        let broken = wishes.iter().filter(|wish| wish.allowed.get(node) == Some(&false));
        broken.map(|wish| u64::from(wish.weight)).sum()
    };
    let candidates = numbers(open).filter(|node| ground.has_envoy(*node));
    let key = |node: &usize| (unkept(*node), members.get(*node).copied(), ground.envoy(*node).map(|envoy| envoy.id));
    let node = candidates.min_by_key(key)?;
    let id = *ground.nodes.get(node)?;
    let on_node = || ground.view.on(id);
    on_node().find(|resident| is_match(resident)).or_else(|| on_node().next())
}
