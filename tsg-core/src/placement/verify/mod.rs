//! Whether an instance stands where its rules want it.
//!
//! Owns the look after the fact: CloudAPI chooses the place, and not every rule can be put to it.
//! Must never take what a tenant cannot know for kept or for broken.

mod prospects;
mod remedy;
mod render;

use alloc::vec::Vec;

use super::compile::{Ground, Meaning, Newcomer, Obstacle, View, meaning, members, placed_rules};
use super::rule::{Direction, PlacementSpec, Rule, Scope, SpecPlace, Strength};
use crate::model::id::{ComputeNodeId, InstanceId};

pub use prospects::{Prospect, prospects};
pub use remedy::{Remedy, remedy};

/// A part of a block, and whether it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Which part.
    pub at: SpecPlace,
    /// How strict it is. A preference and a spread are wishes.
    pub strength: Strength,
    /// Whether it is kept.
    pub verdict: Verdict,
}

/// Whether a part of a block is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Kept,
    /// It is not.
    Broken(Breach),
    /// That cannot be known.
    Unknown(Unknown),
}

/// What breaks a part of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// It is to be apart from an instance that is in the same place; of several, the one with the
    /// lowest id.
    Beside {
        /// Which one.
        instance: InstanceId,
    },
    /// It is to be apart from a node that is in the same place.
    On {
        /// Which one.
        node: ComputeNodeId,
    },
    /// It is to be with something, and nothing of that is in its place.
    Alone {
        /// How many there are elsewhere.
        elsewhere: u32,
    },
    /// Its place has more members than another one and what is tolerated.
    Uneven {
        /// Members in its place, itself among them.
        members: u32,
        /// Members in the emptiest place.
        fewest: u32,
    },
}

/// Why it cannot be known whether something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// CloudAPI does not show the instance, or not where it stands.
    NotPlaced,
    /// It would take what tenants are not told.
    Hidden(Obstacle),
}

/// Looks whether an instance stands where its block wants it; one verdict for each rule, preference
/// and spread, in the order of the block. To be asked once, when it has landed: a rule says where a
/// new instance may go, and what came to it later is nothing that it broke.
///
/// ```
/// use tsg_core::model::id::{ComputeNodeId, InstanceId};
/// use tsg_core::placement::compile::{Newcomer, Resident, View};
/// use tsg_core::placement::inventory::Label;
/// use tsg_core::placement::rule::{Criterion, PlacementSpec};
/// use tsg_core::placement::topology::Topology;
/// use tsg_core::placement::verify::{Breach, Remedy, Verdict, remedy, verify};
/// use uuid::Uuid;
///
/// let topology = Topology::default();
/// let db = [Label { criterion: Criterion::InstanceTag("role".into()), value: "db".into() }];
/// let node = Some(ComputeNodeId::new(Uuid::from_u128(1)));
/// let [old, new] = [2, 3].map(|id| InstanceId::new(Uuid::from_u128(id)));
/// let old_one = Resident { id: old, name: "db-1", labels: &db, node };
/// let view = View::new(&topology, vec![old_one, Resident { id: new, name: "web-1", labels: &[], node }], vec![]);
///
/// let spec: PlacementSpec = serde_json::from_str(r#"{"cn": ["role!=db"], "enforce": "replace"}"#)?;
/// let verified = verify(&spec, &view, &Newcomer::default(), new);
/// assert_eq!(verified[0].verdict, Verdict::Broken(Breach::Beside { instance: old }));
/// assert_eq!(remedy(&spec, &verified, 1), Remedy::Replace { attempts_left: 1 });
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn verify(spec: &PlacementSpec, view: &View<'_>, newcomer: &Newcomer<'_>, landed: InstanceId) -> Vec<Verified> {
    let ground = Ground::new(view);
    let node = view.find(landed).and_then(|resident| ground.node_of(resident));
    let look = Look { ground: &ground, newcomer, landed: Some(landed), node };
    let rules = placed_rules(spec);
    let preferences = spec.prefer.iter().enumerate();
    let preferences = preferences.map(|(index, wish)| (SpecPlace::Preference { index }, &wish.rule));
    let of_rule =
        |(at, rule): (SpecPlace, &Rule)| Verified { at, strength: rule.operator.strength, verdict: look.rule(rule) };
    let mut verified: Vec<Verified> = rules.chain(preferences).map(of_rule).collect();
    verified.extend(spec.spread.iter().enumerate().map(|(index, spread)| {
        let at = SpecPlace::Spread { index };
        let skew = spread.max_skew.map(|skew| skew.get());
        Verified { at, strength: Strength::Soft, verdict: look.spread(spread.over, skew) }
    }));
    verified.sort_by_key(|verified| verified.at);
    verified
}

/// One instance, where it stands or might.
struct Look<'l, 'v> {
    ground: &'l Ground<'v>,
    newcomer: &'l Newcomer<'l>,
    /// `None` for one that is not there yet.
    landed: Option<InstanceId>,
    node: Option<usize>,
}

impl Look<'_, '_> {
    fn rule(&self, rule: &Rule) -> Verdict {
        let is_own = self.newcomer.is_match(rule);
        self.against(rule, &meaning(self.ground, rule, is_own, self.landed))
    }

    fn against(&self, rule: &Rule, meaning: &Result<Meaning<'_>, Obstacle>) -> Verdict {
        let meaning = match meaning {
            Ok(meaning) => meaning,
            Err(why) => return Verdict::Unknown(Unknown::Hidden(*why)),
        };
        let Some(node) = self.node else { return Verdict::Unknown(Unknown::NotPlaced) };
        let unlocated = Verdict::Unknown(Unknown::Hidden(Obstacle::Unlocated { instances: meaning.unlocated.max(1) }));
        if !self.ground.is_located(rule.scope, node) {
            return unlocated;
        }
        let is_there = meaning.places.get(node) == Some(&true);
        let is_hidden = meaning.hidden > 0 && !(rule.scope == Scope::Node && self.ground.is_named(node));
        if is_hidden && !is_there {
            return Verdict::Unknown(Unknown::Hidden(Obstacle::NodesUnlisted));
        }
        match (rule.operator.direction, is_there) {
            (Direction::Far, true) => Verdict::Broken(self.beside(rule, node, meaning)),
            (Direction::Near, false) if !meaning.is_first && meaning.unlocated == 0 => {
                Verdict::Broken(Breach::Alone { elsewhere: meaning.matches.len() as u32 })
            }
            (Direction::Far, false) if meaning.unlocated > 0 => unlocated,
            (Direction::Near, false) if !meaning.is_first => unlocated,
            _ => Verdict::Kept,
        }
    }
}

impl Look<'_, '_> {
    /// What stands in the same place.
    fn beside(&self, rule: &Rule, node: usize, meaning: &Meaning<'_>) -> Breach {
        let is_near = |other: usize| self.ground.is_same_place(rule.scope, node, other);
        let mut instances = meaning.matches.iter();
        let beside = instances.find(|resident| match self.ground.node_of(resident) {
            Some(other) => is_near(other),
            None => rule.scope == Scope::DataCentre,
        });
        let mut nodes = meaning.nodes.iter().enumerate().filter(|(_, is_match)| **is_match);
        match (beside, nodes.find(|(other, _)| is_near(*other))) {
            (None, Some((node, _))) => Breach::On { node: self.ground.nodes[node] },
            (beside, _) => match beside.map(|resident| resident.id).or(self.landed) {
                Some(instance) => Breach::Beside { instance },
                None => Breach::On { node: self.ground.nodes[node] },
            },
        }
    }

    /// Whether its place has no more members than may be.
    fn spread(&self, over: Scope, skew: Option<u32>) -> Verdict {
        let Some(node) = self.node else { return Verdict::Unknown(Unknown::NotPlaced) };
        if !self.ground.is_located(over, node) {
            return Verdict::Unknown(Unknown::Hidden(Obstacle::NoTopology { scope: over }));
        }
        let members = members(self.ground, self.newcomer);
        let in_place = |place: usize| -> u32 {
            let others = members.iter().enumerate();
            others.filter(|(other, _)| self.ground.is_same_place(over, place, *other)).map(|(_, count)| *count).sum()
        };
        let fewest = (0..members.len()).filter(|place| self.ground.is_located(over, *place)).map(in_place).min();
        let (members, fewest) = (in_place(node), fewest.unwrap_or(0));
        match skew {
            Some(skew) if members > fewest.saturating_add(skew) => Verdict::Broken(Breach::Uneven { members, fewest }),
            _ => Verdict::Kept,
        }
    }
}
