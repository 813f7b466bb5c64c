//! What the rules leave of the compute nodes that a tenant knows, and what would have to go for more.
//!
//! Owns the account of it. It is [`place`] that judges, over the tenant's own view: rules are read by
//! one evaluator for those who choose the node themselves and for those who do not. Must never say
//! anything of a compute node that the view does not show, nor of room: tenants are not told.

mod asked;
mod course;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::compile::{Ground, Newcomer, Obstacle, View};
use super::inventory::{Inventory, NodeNumber};
use super::place::{Answer, Filter, InWords, Part, Placement, Rejection, place};
use super::rule::{PlacementSpec, SpecPlace};
use crate::model::id::ComputeNodeId;
use asked::Asked;

pub use course::{CREATES_MAX, Course, DRAWN_MAX, DeadEnd, Sequel, course};

/// What the next instance would find.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlook {
    /// The compute nodes that are known, in order: those that are listed and those that have one of
    /// ours.
    pub known: Vec<ComputeNodeId>,
    /// Those of them that no hard rule keeps it from.
    pub open: Vec<ComputeNodeId>,
    /// What each hard rule takes away; those that take nothing are left out.
    pub losses: Vec<RuleLoss>,
    /// Parts of the block that nobody can judge who sees what a tenant sees: they take nothing away.
    pub unjudged: Vec<Unjudged>,
    /// The fewest rules that would have to go; `None` while a node is open, and where none is known.
    pub way_out: Option<Waiver>,
    /// The node with the least against it; `None` likewise.
    pub nearest: Option<Nearest>,
    /// The open node that the wishes and spreads of the block speak for most. CloudAPI chooses as it
    /// likes.
    pub best: Option<Best>,
}

/// How many nodes are lost to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleLoss {
    /// Which one.
    pub at: SpecPlace,
    /// Nodes that it keeps from, whatever else does.
    pub nodes: u32,
    /// Nodes that every rule before it allows.
    pub in_turn: u32,
}

/// A part of a block that cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unjudged {
    /// Which one.
    pub at: SpecPlace,
    /// Why not.
    pub why: Obstacle,
}

/// The fewest rules without which a known node would be open. Of several such sets, the one that
/// opens the most nodes; then the one whose rules come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The rules.
    pub rules: Vec<SpecPlace>,
    /// Nodes that would be open.
    pub nodes: u32,
}

/// A node that is nearly good enough; of several the one with the lowest id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// Which one.
    pub node: ComputeNodeId,
    /// The rules that an instance there would break.
    pub breaks: Vec<SpecPlace>,
}

/// The best of the open nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Best {
    /// Which one.
    pub node: ComputeNodeId,
    /// What it costs to go there, part by part.
    pub parts: Vec<Scored>,
}

/// A part of what a place costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// What it is.
    pub part: Part,
    /// The part of the block that it comes from; `None` for crowding.
    pub at: Option<SpecPlace>,
    /// It in words.
    pub words: String,
}

/// Says what the rules leave of the compute nodes that are known.
///
/// ```
/// use tsg_core::model::id::{ComputeNodeId, InstanceId};
/// use tsg_core::placement::compile::{Newcomer, Resident, View};
/// use tsg_core::placement::inventory::Label;
/// use tsg_core::placement::outlook::{Nearest, Waiver, outlook};
/// use tsg_core::placement::rule::{Criterion, PlacementSpec, Scope, SpecPlace};
/// use tsg_core::placement::topology::Topology;
/// use uuid::Uuid;
///
/// let topology = Topology::default();
/// let role = |role: &str| [Label { criterion: Criterion::InstanceTag("role".into()), value: role.into() }];
/// let (db, cache) = (role("db"), role("cache"));
/// let node = |number| ComputeNodeId::new(Uuid::from_u128(number));
/// let on = |id, node, labels| Resident { id: InstanceId::new(Uuid::from_u128(id)), name: "", labels, node: Some(node) };
/// let residents = vec![on(1, node(1), &db), on(2, node(1), &cache), on(3, node(2), &cache)];
/// let view = View::new(&topology, residents, vec![]);
///
/// let spec: PlacementSpec = serde_json::from_str(r#"{"cn": ["role!=db", "role!=cache"]}"#)?;
/// let outlook = outlook(&spec, &view, &Newcomer::default())?;
/// let cache = SpecPlace::Rule { scope: Scope::Node, index: 1 };
/// assert_eq!((outlook.known.len(), outlook.open.len(), outlook.losses[1].nodes), (2, 0, 2));
/// assert_eq!(outlook.way_out, Some(Waiver { rules: vec![cache], nodes: 1 }));
/// assert_eq!(outlook.nearest, Some(Nearest { node: node(2), breaks: vec![cache] }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The block asks for more than [`place`] takes, which [`PlacementSpec::check`] refuses before.
pub fn outlook(spec: &PlacementSpec, view: &View<'_>, newcomer: &Newcomer<'_>) -> Result<Outlook, Rejection> {
    let ground = Ground::new(view);
    let asked = Asked::of(spec, &ground, newcomer);
    let outlook = Outlook { unjudged: asked.unjudged.clone(), known: ground.nodes.clone(), ..Outlook::default() };
    if ground.nodes.is_empty() {
        return Ok(outlook);
    }
    let inventory = asked.inventory(&ground);
    let answer = place(&inventory, &asked.request)?;
    let told = Told { asked: &asked, inventory: &inventory, answer: &answer };
    let refusal = answer.refusal.as_ref();
    Ok(Outlook {
        open: told.open(),
        losses: told.losses(),
        way_out: told.way_out(),
        nearest: refusal.and_then(|refusal| refusal.nearest.as_ref()).and_then(|nearest| {
            let breaks = nearest.filters.iter().filter_map(|filter| told.rule(*filter)).collect();
            Some(Nearest { node: told.node(nearest.node)?, breaks })
        }),
        best: answer.placements.first().and_then(|placement| told.best(placement)),
        ..outlook
    })
}

/// An answer, to be told in terms of the block.
struct Told<'t> {
    asked: &'t Asked,
    inventory: &'t Inventory,
    answer: &'t Answer,
}

impl Told<'_> {
    fn node(&self, number: NodeNumber) -> Option<ComputeNodeId> {
        self.inventory.node(number).map(|facts| facts.id)
    }

    /// The rule that a filter stands for. What is not a rule takes nothing: every node is up, and
    /// nothing needs room.
    fn rule(&self, filter: Filter) -> Option<SpecPlace> {
        match filter {
            Filter::Rule(rule) => self.asked.rules.get(usize::from(rule)).copied(),
            _ => None,
        }
    }

    fn open(&self) -> Vec<ComputeNodeId> {
        let is_open = |number: NodeNumber| self.answer.reasons(number).is_some_and(|reasons| reasons.is_empty());
        let nodes = self.inventory.nodes().filter(|(number, _)| is_open(*number));
        nodes.map(|(_, facts)| facts.id).collect()
    }

    fn losses(&self) -> Vec<RuleLoss> {
        let losses = self.answer.losses().into_iter();
        let loss = losses.filter_map(|loss| Some((self.rule(loss.filter)?, loss)));
        loss.map(|(at, loss)| RuleLoss { at, nodes: loss.alone, in_turn: loss.in_turn }).collect()
    }

    fn way_out(&self) -> Option<Waiver> {
        let way_out = self.answer.refusal.as_ref()?.way_out.as_ref()?;
        let rules = way_out.rules.iter().filter_map(|rule| self.rule(Filter::Rule(*rule)));
        Some(Waiver { rules: rules.collect(), nodes: way_out.nodes })
    }

    fn best(&self, placement: &Placement) -> Option<Best> {
        let words = InWords::new(self.answer, &self.asked.request, self.inventory);
        let parts = self.answer.parts(placement).into_iter().filter(|part| !matches!(part, Part::Memory { .. }));
        let scored =
            parts.map(|part| Scored { part, at: self.asked.part_at(part), words: words.part(part).to_string() });
        Some(Best { node: self.node(placement.node)?, parts: scored.collect() })
    }
}
