//! A block beside a view, ready to be asked about many instances.
//!
//! Owns what each part of the block comes to, worked out once: an account has as many instances as a
//! data centre has room for, and each may have to be looked at. Must never depend on the order in which
//! they are asked about.

use alloc::vec::Vec;

use super::crowd::{Crowd, Crowds};
use super::{Breach, Prospect, Unknown, Verdict, Verified};
use crate::model::id::InstanceId;
use crate::placement::compile::{Ground, Meaning, Newcomer, Obstacle, Resident, View, meaning, members, placed_rules};
use crate::placement::rule::{Criterion, Direction, PlacementSpec, Rule, Scope, SpecPlace, Strength};

/// A block beside a view.
///
/// ```
/// use tsg_core::model::id::{ComputeNodeId, InstanceId};
/// use tsg_core::placement::compile::{Newcomer, Resident, View};
/// use tsg_core::placement::inventory::Label;
/// use tsg_core::placement::rule::{Criterion, PlacementSpec};
/// use tsg_core::placement::topology::Topology;
/// use tsg_core::placement::verify::{Breach, Inspection, Verdict};
/// use uuid::Uuid;
///
/// let topology = Topology::default();
/// let web = [Label { criterion: Criterion::Service, value: "web".into() }];
/// let node = Some(ComputeNodeId::new(Uuid::from_u128(1)));
/// let ids = [2, 3].map(|id| InstanceId::new(Uuid::from_u128(id)));
/// let view = View::new(&topology, ids.map(|id| Resident { id, name: "web", labels: &web, node }).into(), vec![]);
///
/// let spec: PlacementSpec = serde_json::from_str(r#"{"cn": ["service!=web"]}"#)?;
/// let newcomer = Newcomer { labels: &web, ..Newcomer::default() };
/// let inspection = Inspection::new(&spec, &view, &newcomer);
/// let beside = ids.map(|id| inspection.landed(id)[0].verdict);
/// let expected = [ids[1], ids[0]].map(|instance| Verdict::Broken(Breach::Beside { instance }));
/// assert_eq!(beside, expected, "each is beside the other one");
/// assert!(!inspection.prospects()[0].is_allowed());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct Inspection<'a> {
    ground: Ground<'a>,
    /// The rules and the preferences.
    rules: Vec<ReadRule<'a>>,
    spreads: Vec<ReadSpread>,
    /// Members of the group by node.
    members: Vec<u32>,
}

/// A rule, and what it is about.
#[derive(Debug)]
struct ReadRule<'a> {
    at: SpecPlace,
    rule: &'a Rule,
    meant: Result<(Meaning<'a>, Crowds), Obstacle>,
}

/// A spread, and how many members are in each place.
#[derive(Debug)]
struct ReadSpread {
    at: SpecPlace,
    over: Scope,
    max_skew: Option<u32>,
    by_place: Vec<u32>,
}

impl<'a> Inspection<'a> {
    /// Reads a block for instances that are like `newcomer`.
    pub fn new(spec: &'a PlacementSpec, view: &'a View<'a>, newcomer: &Newcomer<'_>) -> Self {
        let ground = Ground::new(view);
        let preferences = spec.prefer.iter().enumerate();
        let preferences = preferences.map(|(index, wish)| (SpecPlace::Preference { index }, &wish.rule));
        let read = |(at, rule): (SpecPlace, &'a Rule)| {
            let meant = meaning(&ground, rule, newcomer.is_match(rule)).map(|meaning| {
                let crowds = Crowds::of(&ground, rule.scope, &meaning);
                (meaning, crowds)
            });
            ReadRule { at, rule, meant }
        };
        let rules = placed_rules(spec).chain(preferences).map(read).collect();
        let members = members(&ground, newcomer);
        let spreads = spec.spread.iter().enumerate().map(|(index, spread)| ReadSpread {
            at: SpecPlace::Spread { index },
            over: spread.over,
            max_skew: spread.max_skew.map(|skew| skew.get()),
            by_place: ground.sums(spread.over, &members),
        });
        let spreads = spreads.collect();
        Self { ground, rules, spreads, members }
    }

    /// How one that landed keeps the block: a verdict for each part, in its order.
    pub fn landed(&self, instance: InstanceId) -> Vec<Verified> {
        let resident = self.ground.view.find(instance);
        let node = resident.and_then(|resident| self.ground.node_of(resident));
        let of_rule = |read: &ReadRule<'_>| read.verified(&self.ground, resident, node);
        let of_spread = |read: &ReadSpread| read.verified(&self.ground, node);
        let mut verified: Vec<Verified> = self.rules.iter().map(of_rule).collect();
        verified.extend(self.spreads.iter().map(of_spread));
        verified.sort_by_key(|verified| verified.at);
        verified
    }

    /// Every compute node that is listed or has one of ours, ordered by id, as the next instance would
    /// find it.
    pub fn prospects(&self) -> Vec<Prospect> {
        let rules = || self.rules.iter().filter(|read| matches!(read.at, SpecPlace::Rule { .. }));
        let prospect = |(number, node)| Prospect {
            node,
            members: self.members.get(number).copied().unwrap_or_default(),
            verified: rules().map(|read| read.verified(&self.ground, None, Some(number))).collect(),
        };
        self.ground.nodes.iter().copied().enumerate().map(prospect).collect()
    }
}

impl ReadRule<'_> {
    fn verified(&self, ground: &Ground<'_>, landed: Option<&Resident<'_>>, node: Option<usize>) -> Verified {
        Verified { at: self.at, strength: self.rule.operator.strength, verdict: self.verdict(ground, landed, node) }
    }

    fn verdict(&self, ground: &Ground<'_>, landed: Option<&Resident<'_>>, node: Option<usize>) -> Verdict {
        let (meaning, crowds) = match &self.meant {
            Ok(meant) => meant,
            Err(why) => return Verdict::Unknown(Unknown::Hidden(*why)),
        };
        let Some(node) = node else { return Verdict::Unknown(Unknown::NotPlaced) };
        let is_about = |resident: &&Resident<'_>| {
            self.rule.criterion != Criterion::Node && resident.is_match(&self.rule.criterion, &self.rule.pattern)
        };
        let own = landed.filter(is_about).map(|resident| resident.id);
        let is_unlocated = |count: u32| {
            let instances = count.max(1);
            Verdict::Unknown(Unknown::Hidden(Obstacle::Unlocated { instances }))
        };
        let Some(place) = ground.place_of(self.rule.scope, node) else {
            // It is one of those itself.
            return is_unlocated(meaning.unlocated - u32::from(own.is_some()));
        };
        let others = crowds.everywhere.instances.without(own);
        let (there, there_node) = (crowds.at(place).instances.without(own), crowds.at(place).node);
        let is_there = there.count > 0 || there_node.is_some();
        let is_hidden = meaning.hidden > 0 && !(self.rule.scope == Scope::Node && ground.is_named(node));
        if is_hidden && !is_there {
            return Verdict::Unknown(Unknown::Hidden(Obstacle::NodesUnlisted));
        }
        let is_first = meaning.is_own && others.count == 0 && crowds.everywhere.node.is_none();
        match (self.rule.operator.direction, is_there) {
            (Direction::Far, true) => Verdict::Broken(breach(ground, there, there_node, node)),
            (Direction::Far, false) if meaning.unlocated > 0 => is_unlocated(meaning.unlocated),
            (Direction::Near, false) if is_first => Verdict::Kept,
            (Direction::Near, false) if meaning.unlocated > 0 => is_unlocated(meaning.unlocated),
            (Direction::Near, false) => Verdict::Broken(Breach::Alone { elsewhere: others.count }),
            _ => Verdict::Kept,
        }
    }
}

/// What stands in the same place.
fn breach(ground: &Ground<'_>, there: Crowd, matching: Option<usize>, own: usize) -> Breach {
    match there.first() {
        Some(instance) => Breach::Beside { instance },
        None => Breach::On { node: ground.nodes[matching.unwrap_or(own)] },
    }
}

impl ReadSpread {
    fn verified(&self, ground: &Ground<'_>, node: Option<usize>) -> Verified {
        Verified { at: self.at, strength: Strength::Soft, verdict: self.verdict(ground, node) }
    }

    /// Whether its place has no more members than may be.
    fn verdict(&self, ground: &Ground<'_>, node: Option<usize>) -> Verdict {
        let Some(node) = node else { return Verdict::Unknown(Unknown::NotPlaced) };
        let Some(place) = ground.place_of(self.over, node) else {
            return Verdict::Unknown(Unknown::Hidden(Obstacle::NoTopology { scope: self.over }));
        };
        let members = self.by_place.get(place).copied().unwrap_or_default();
        let fewest = self.by_place.iter().copied().min().unwrap_or_default();
        match self.max_skew {
            Some(skew) if members > fewest.saturating_add(skew) => Verdict::Broken(Breach::Uneven { members, fewest }),
            _ => Verdict::Kept,
        }
    }
}
