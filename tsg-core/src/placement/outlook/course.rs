//! Where creates would go, one after the other.
//!
//! Owns the forecast for as many as a plan makes: each has those before it in place, at the best by
//! the block, and where they run out of nodes it says why and what comes of the rest. CloudAPI
//! chooses itself within what it is told, so that this is how it can go, not how it will. Must never
//! look at more creates than it says, whatever is asked.

use alloc::vec::Vec;

use uuid::Uuid;

use super::asked::Asked;
use super::{RuleLoss, Told, Waiver};
use crate::model::id::{ComputeNodeId, InstanceId};
use crate::placement::compile::{Block, Compiled, Ground, Newcomer, Obstacle, Resident, View, compile, placed_rules};
use crate::placement::inventory::{InstanceFacts, Inventory, Label, NodeNumber};
use crate::placement::place::{Answer, Filter, Rejection, Request, place, place_batch};
use crate::placement::rule::{Criterion, Direction, PlacementSpec, Scope, SpecPlace, Strength};

/// How many creates are looked at. Together they cost about one step in a tree of nodes each.
pub const CREATES_MAX: u32 = 10_000;
/// How many are where a wish draws them to one another: each is then placed by a search of its own,
/// since those together would look further ahead than one does who creates them in turn.
pub const DRAWN_MAX: u32 = 500;

/// Where so many creates would go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Course {
    /// How many compute nodes are known.
    pub known: u32,
    /// How many of them the rules leave for the first create.
    pub open: u32,
    /// The node of each create that has a place, in order: the best by the block, with those before
    /// it in place.
    pub places: Vec<ComputeNodeId>,
    /// Why the one after these has none; `None` where all that were looked at have one.
    pub end: Option<DeadEnd>,
    /// Creates beyond those that were looked at: at most [`CREATES_MAX`], or [`DRAWN_MAX`].
    pub unseen: u32,
}

/// Creates for which no node is left that is known, or for which nothing may be sent from the first
/// one on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadEnd {
    /// How many.
    pub creates: u32,
    /// What keeps anything from being sent, where something does.
    pub blocked: Vec<Block>,
    /// What each hard rule takes away by then, where together they leave no node; those that take nothing
    /// are left out.
    pub losses: Vec<RuleLoss>,
    /// The fewest rules that would have to go; `None` where no node is known.
    pub way_out: Option<Waiver>,
    /// What comes of them.
    pub sequel: Sequel,
}

/// What comes of creates without a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequel {
    /// They are not sent, until something changes.
    Wait,
    /// CloudAPI is asked: it puts them on nodes that are not known, or refuses them.
    Elsewhere,
    /// CloudAPI is asked, and may put them against rules that it cannot be told.
    Against {
        /// How many of the known nodes nothing keeps them from that CloudAPI is told.
        nodes: u32,
    },
}

/// Says where so many creates would go, one after the other.
///
/// ```
/// use tsg_core::model::id::{ComputeNodeId, InstanceId};
/// use tsg_core::placement::compile::{Newcomer, Resident, View};
/// use tsg_core::placement::inventory::Label;
/// use tsg_core::placement::outlook::{Sequel, course};
/// use tsg_core::placement::rule::{Criterion, PlacementSpec};
/// use tsg_core::placement::topology::Topology;
/// use uuid::Uuid;
///
/// let topology = Topology::default();
/// let (db, web) = (Criterion::InstanceTag("role".into()), Criterion::Service);
/// let (db, web) = ([Label { criterion: db, value: "db".into() }], Label { criterion: web, value: "web".into() });
/// let node = |number| ComputeNodeId::new(Uuid::from_u128(number));
/// let on = |id, node| Resident { id: InstanceId::new(Uuid::from_u128(id)), name: "", labels: &db, node: Some(node) };
/// let view = View::new(&topology, vec![on(1, node(1)), on(2, node(2))], vec![]);
///
/// let spec: PlacementSpec = serde_json::from_str(r#"{"cn": ["service!=web"]}"#)?;
/// let course = course(&spec, &view, &Newcomer { group: Some(&web), ..Newcomer::default() }, 5)?;
/// assert_eq!((course.known, course.open, course.places), (2, 2, vec![node(1), node(2)]));
/// let end = course.end.unwrap();
/// assert_eq!((end.creates, end.losses[0].nodes, end.sequel), (3, 2, Sequel::Elsewhere));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The block asks for more than [`place`] takes, which [`PlacementSpec::check`] refuses before.
pub fn course(
    spec: &PlacementSpec,
    view: &View<'_>,
    newcomer: &Newcomer<'_>,
    creates: u32,
) -> Result<Course, Rejection> {
    let kin = Kin::of(spec, newcomer);
    let looked_at = creates.min(if kin.is_drawn { DRAWN_MAX } else { CREATES_MAX });
    let compiled = compile(spec, view, newcomer);
    let mut course = Course { unseen: creates - looked_at, ..Course::default() };
    // The first one alone: the others may have to follow it, and it does not look ahead for them.
    let mut batch = looked_at.min(1);
    while batch > 0 {
        let before = course.places.len();
        let now = view.with(kin.residents(&course.places));
        let ground = Ground::new(&now);
        let look = Look::at(spec, &ground, newcomer, &kin, batch)?;
        if before == 0 {
            (course.known, course.open) = (ground.nodes.len() as u32, look.open());
        }
        // Nothing goes anywhere while nothing is sent, whatever the rules leave.
        if before > 0 || compiled.to_send().is_ok() {
            course.places.extend(look.places());
        }
        batch = looked_at - course.places.len() as u32;
        if course.places.len() == before {
            let compiled = if before == 0 { compiled } else { compile(spec, &now, newcomer) };
            course.end = Some(look.dead_end(&compiled, batch));
            break;
        }
    }
    Ok(course)
}

/// What creates are to one another.
struct Kin<'n> {
    name: &'n str,
    labels: Vec<Label>,
    /// Whether a wish draws them to one another.
    is_drawn: bool,
}

impl<'n> Kin<'n> {
    fn of(spec: &PlacementSpec, newcomer: &Newcomer<'n>) -> Self {
        let (names, labels): (Vec<&Label>, Vec<&Label>) =
            newcomer.labels.iter().chain(newcomer.group).partition(|label| label.criterion == Criterion::Instance);
        let soft = placed_rules(spec).map(|(_, rule)| rule).filter(|rule| rule.operator.strength == Strength::Soft);
        let mut wishes = soft.chain(spec.prefer.iter().map(|preference| &preference.rule));
        Self {
            name: names.first().map_or("", |label| &label.value),
            labels: labels.into_iter().cloned().collect(),
            is_drawn: wishes.any(|wish| wish.operator.direction == Direction::Near && newcomer.is_match(wish)),
        }
    }

    /// Them, as if they stood there.
    fn residents(&self, places: &[ComputeNodeId]) -> Vec<Resident<'_>> {
        let resident = |(number, node): (u128, &ComputeNodeId)| self.resident(number, *node);
        (0..).zip(places).map(resident).collect()
    }

    fn resident(&self, number: u128, node: ComputeNodeId) -> Resident<'_> {
        Resident { id: stand_in(number), name: self.name, labels: &self.labels, node: Some(node) }
    }
}

/// An id that no instance has: CloudAPI's are of another version.
const fn stand_in(number: u128) -> InstanceId {
    InstanceId::new(Uuid::from_u128(u128::MAX - number))
}

/// One look at what is left.
struct Look {
    asked: Asked,
    inventory: Inventory,
    /// `None` where no node is known.
    answer: Option<Answer>,
    nodes: Vec<NodeNumber>,
}

impl Look {
    fn at(
        spec: &PlacementSpec,
        ground: &Ground<'_>,
        newcomer: &Newcomer<'_>,
        kin: &Kin<'_>,
        batch: u32,
    ) -> Result<Self, Rejection> {
        let asked = Asked::of(spec, ground, newcomer);
        let mut look = Self { inventory: asked.inventory(ground), asked, answer: None, nodes: Vec::new() };
        if ground.nodes.is_empty() {
            return Ok(look);
        }
        let together = if kin.is_drawn { 1 } else { batch };
        let answer = place_batch(&look.inventory, &look.asked.request, together)?;
        look.nodes.extend(answer.placements.iter().map(|placement| placement.node));
        look.answer = Some(answer);
        if kin.is_drawn {
            look.go_on(kin, batch)?;
        }
        look.stop_where_more_is_judged(spec, ground, newcomer);
        Ok(look)
    }

    /// A rule cannot be judged while nobody knows where its matches stand. Those after the first one
    /// that makes one known are for another look.
    fn stop_where_more_is_judged(&mut self, spec: &PlacementSpec, ground: &Ground<'_>, newcomer: &Newcomer<'_>) {
        let is_late = |at: SpecPlace| {
            self.asked.unjudged.iter().any(|one| one.at == at && matches!(one.why, Obstacle::Unlocated { .. }))
        };
        let wishes = (0..).zip(&spec.prefer).map(|(index, wish)| (SpecPlace::Preference { index }, &wish.rule));
        let late = placed_rules(spec).chain(wishes).filter(|(at, rule)| is_late(*at) && newcomer.is_match(rule));
        let scopes: Vec<Scope> = late.map(|(_, rule)| rule.scope).collect();
        let makes_known = |node: ComputeNodeId| {
            let number = ground.number(node);
            number.is_some_and(|number| scopes.iter().any(|scope| ground.is_located(*scope, number)))
        };
        let first = self.places().position(makes_known);
        self.nodes.truncate(first.map_or(usize::MAX, |first| first + 1));
    }

    /// Places one after the other, after the first.
    fn go_on(&mut self, kin: &Kin<'_>, batch: u32) -> Result<(), Rejection> {
        let mut inventory = self.inventory.clone();
        let Request { owner, demand, .. } = self.asked.request;
        let kind = inventory.kind(owner, &kin.labels, demand);
        while let Some(node) = self.nodes.last().filter(|_| self.nodes.len() < batch as usize) {
            // None of those that stand there since an earlier look.
            let id = stand_in(u128::from(CREATES_MAX) + self.nodes.len() as u128);
            // Its node and its kind are there.
            _ = inventory.put_instance(InstanceFacts { id, name: kin.name, kind, node: *node });
            let answer = place(&inventory, &self.asked.request)?;
            let Some(next) = answer.placements.first() else { break };
            self.nodes.push(next.node);
        }
        Ok(())
    }

    fn told(&self) -> Option<Told<'_>> {
        self.answer.as_ref().map(|answer| Told { asked: &self.asked, inventory: &self.inventory, answer })
    }

    fn open(&self) -> u32 {
        self.told().map_or(0, |told| told.open().len() as u32)
    }

    fn places(&self) -> impl Iterator<Item = ComputeNodeId> + '_ {
        self.nodes.iter().filter_map(|node| self.inventory.node(*node).map(|facts| facts.id))
    }

    /// Why so many have no place, with what CloudAPI is sent for the first of them.
    fn dead_end(&self, compiled: &Compiled, creates: u32) -> DeadEnd {
        let sequel = match (compiled.to_send(), self.told().map_or(0, |told| told.against(compiled))) {
            (Err(_), _) => Sequel::Wait,
            (Ok(_), 0) => Sequel::Elsewhere,
            (Ok(_), nodes) => Sequel::Against { nodes },
        };
        // While rules leave a node they are not what creates wait for.
        let told = self.told().filter(|told| told.answer.refusal.is_some());
        DeadEnd {
            creates,
            blocked: compiled.blocked.clone(),
            losses: told.as_ref().map(Told::losses).unwrap_or_default(),
            way_out: told.as_ref().and_then(Told::way_out),
            sequel,
        }
    }
}

impl Told<'_> {
    /// The nodes that only rules speak against which are not enforced.
    fn against(&self, compiled: &Compiled) -> u32 {
        let is_enforced = |filter: Filter| {
            let at = self.rule(filter);
            compiled.enforced.iter().any(|held| Some(held.at) == at)
        };
        let nodes = self.inventory.nodes().filter_map(|(number, _)| self.answer.reasons(number));
        nodes.filter(|reasons| !self.answer.filters(*reasons).any(is_enforced)).count() as u32
    }
}
