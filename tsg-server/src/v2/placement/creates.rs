//! Where the creates of a plan would go, on the wire.
//!
//! Owns the shape. Must never forecast anything itself, nor promise: CloudAPI chooses.

use std::collections::BTreeMap;

use serde::Serialize;
use tsg_core::model::id::ComputeNodeId;
use tsg_core::placement::compile::{Compiled, InWords};
use tsg_core::placement::outlook::{Course, DeadEnd, Sequel};
use tsg_core::placement::rule::PlacementSpec;
use tsg_engine::{Choice, Destinations};

use super::body::{name, rack, source};
use super::outlook::{LossBody, WayOutBody};
use super::{Site, text};

/// Where creates would go, those under way first, each with those before it in place.
#[derive(Debug, Serialize)]
pub struct CreatesBody {
    /// Creates of the plan from the template that the group has now.
    planned: u32,
    /// More of them that wait for the slow start or for a slot.
    waiting: u32,
    /// Creates from other templates, of the plan and from before: nothing is said of where they go.
    of_other_templates: u32,
    /// Creates from before that stand nowhere yet.
    under_way: u32,
    /// Whose rules: `group`, `template`, or `none`; `null` where the account was not listed yet as they
    /// need it.
    source: Option<&'static str>,
    /// Compute nodes that are known, and those that the rules leave for the first create; `null`
    /// without rules.
    known: Option<u32>,
    open: Option<u32>,
    /// The best places by the rules, in order.
    compute_nodes: Vec<ShareBody>,
    /// Those that have no place; `null` where all that were looked at have one.
    unplaced: Option<UnplacedBody>,
    /// More creates than are looked at.
    not_looked_at: u32,
    /// All of it as a few lines of text.
    summary: String,
}

/// A compute node, and what goes there.
#[derive(Debug, Serialize)]
struct ShareBody {
    compute_node: String,
    name: Option<String>,
    rack: Option<String>,
    /// The first of them, counted from 1.
    first: u32,
    /// How many.
    creates: u32,
}

#[derive(Debug, Serialize)]
struct UnplacedBody {
    /// The first of them, counted from 1.
    first: u32,
    /// How many.
    creates: u32,
    /// What keeps them from being sent.
    blocked: Vec<String>,
    /// What each hard rule takes away by then, where together they leave no compute node.
    losses: Vec<LossBody>,
    /// The fewest rules to drop.
    way_out: Option<WayOutBody>,
    /// `wait`: they are not sent. `elsewhere`: CloudAPI puts them on compute nodes that are not known,
    /// or refuses them. `against`: it may put them against rules that it cannot be told.
    sequel: &'static str,
    /// On so many of the compute nodes that are known.
    against: u32,
}

/// A compute node with the first create that goes there, counted from 1, and how many do.
pub(super) type Share = (ComputeNodeId, u32, u32);

/// The compute nodes of a course, in the order in which they come up.
pub(super) fn shares(course: &Course) -> Vec<Share> {
    let mut of_node: BTreeMap<ComputeNodeId, (u32, u32)> = BTreeMap::new();
    for (number, node) in (1..).zip(&course.places) {
        of_node.entry(*node).or_insert((number, 0)).1 += 1;
    }
    let mut shares: Vec<Share> = of_node.into_iter().map(|(node, (first, count))| (node, first, count)).collect();
    shares.sort_unstable_by_key(|(_, first, _)| *first);
    shares
}

impl CreatesBody {
    /// Of a plan with creates.
    pub fn of(told: &Destinations, site: &Site<'_>) -> Self {
        let bare = Self {
            planned: told.creates,
            waiting: told.waiting,
            of_other_templates: told.of_other_templates,
            under_way: told.under_way,
            source: None,
            known: None,
            open: None,
            compute_nodes: Vec::new(),
            unplaced: None,
            not_looked_at: 0,
            summary: text::creates(told, site),
        };
        match &told.choice {
            Choice::Unseen => bare,
            Choice::Unruled => Self { source: Some("none"), ..bare },
            Choice::Ruled { block, source: of, course } => Self {
                source: Some(source(*of)),
                known: Some(course.known),
                open: Some(course.open),
                compute_nodes: shares(course).into_iter().map(|share| ShareBody::of(share, site)).collect(),
                unplaced: course.end.as_ref().map(|end| UnplacedBody::of(end, course, block)),
                not_looked_at: course.unseen,
                ..bare
            },
        }
    }
}

impl ShareBody {
    fn of((node, first, creates): Share, site: &Site<'_>) -> Self {
        let (name, rack) = (name(node, site.topology), rack(node, site.topology));
        Self { compute_node: node.to_string(), name, rack, first, creates }
    }
}

/// What keeps creates from being sent, a line each.
pub(super) fn blocked(end: &DeadEnd, block: &PlacementSpec) -> Vec<String> {
    let compiled = Compiled { blocked: end.blocked.clone(), ..Compiled::default() };
    InWords::new(&compiled, block)
        .to_string()
        .lines()
        .map(|line| line.trim_start_matches("blocked: ").to_owned())
        .collect()
}

impl UnplacedBody {
    fn of(end: &DeadEnd, course: &Course, block: &PlacementSpec) -> Self {
        let (sequel, against) = match end.sequel {
            Sequel::Wait => ("wait", 0),
            Sequel::Elsewhere => ("elsewhere", 0),
            Sequel::Against { nodes } => ("against", nodes),
        };
        Self {
            first: course.places.len() as u32 + 1,
            creates: end.creates,
            blocked: blocked(end, block),
            losses: end.losses.iter().map(|loss| LossBody::of(loss, block)).collect(),
            way_out: end.way_out.as_ref().map(|way_out| WayOutBody::of(way_out, block)),
            sequel,
            against,
        }
    }
}
