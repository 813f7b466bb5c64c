//! How a group's placement stands, on the wire.
//!
//! Owns the shape. Must never judge anything.

use serde::Serialize;
use tsg_core::model::id::ComputeNodeId;
use tsg_core::placement::compile::{Compiled, Pace};
use tsg_core::placement::rule::PlacementSpec;
use tsg_core::placement::topology::Topology;
use tsg_core::placement::verify::{Prospect, Verdict, Verified};
use tsg_engine::{Landed, PlacementSource, PlacementView};

use super::outlook::OutlookBody;
use super::{Site, text};
use crate::time;

/// How a group's placement stands.
#[derive(Debug, Serialize)]
pub struct PlacementBody {
    /// When the list was asked for that this rests on.
    pub(super) seen_at: String,
    /// `group`, `template`, or `none` where nobody has rules.
    pub(super) source: &'static str,
    /// The rules; `null` where there are none.
    pub(super) placement: Option<PlacementSpec>,
    /// What is sent with the next instance.
    pub(super) affinity: Vec<String>,
    /// Whether CloudAPI spreads by itself, mildly: it does while it is sent no affinity rule.
    pub(super) is_spread_by_cloudapi: bool,
    pub(super) enforced: Vec<String>,
    pub(super) attempted: Vec<String>,
    pub(super) unenforceable: Vec<String>,
    pub(super) is_blocked: bool,
    pub(super) is_one_by_one: bool,
    pub(super) instances: Vec<InstancePlace>,
    /// The compute nodes that are known, those with the most members first.
    pub(super) compute_nodes: Vec<NodePlace>,
    /// What the rules leave of them; `null` without rules.
    pub(super) outlook: Option<OutlookBody>,
    pub(super) replaced_in_a_row: u8,
    /// All of it as one screen of text.
    pub(super) summary: String,
}

/// Where an instance stands.
#[derive(Debug, Serialize)]
pub(super) struct InstancePlace {
    pub(super) operation: String,
    pub(super) name: String,
    pub(super) instance: String,
    pub(super) compute_node: String,
    pub(super) rack: Option<String>,
    /// Whether a hard rule did not want it there when it landed; `null` before it was looked at.
    pub(super) is_misplaced: Option<bool>,
    pub(super) rules: Vec<RuleVerdict>,
}

/// A compute node as the next instance would find it.
#[derive(Debug, Serialize)]
pub(super) struct NodePlace {
    pub(super) compute_node: String,
    pub(super) name: Option<String>,
    pub(super) rack: Option<String>,
    /// The group's instances there.
    pub(super) members: u32,
    /// The account's instances there, members among them.
    pub(super) instances: u32,
    /// Whether no hard rule keeps an instance from it.
    pub(super) is_allowed: bool,
    pub(super) rules: Vec<RuleVerdict>,
}

/// A part of the block that is not kept.
#[derive(Debug, Serialize)]
pub(super) struct RuleVerdict {
    /// Its path in the block.
    at: String,
    verdict: &'static str,
    words: String,
}

impl PlacementBody {
    /// Of a group with rules.
    pub fn of(seen: &PlacementView, site: &Site<'_>) -> Self {
        let PlacementView { compiled, block, .. } = seen;
        let Compiled { affinity, enforced, attempted, unenforceable, blocked, pace, .. } = compiled;
        let mut nodes: Vec<NodePlace> =
            seen.prospects.iter().map(|prospect| NodePlace::of(prospect, seen, site)).collect();
        nodes.sort_by_key(|node| std::cmp::Reverse(node.members));
        Self {
            seen_at: time::milliseconds(seen.at),
            source: source(seen.source),
            placement: Some(block.clone()),
            affinity: affinity.clone(),
            is_spread_by_cloudapi: affinity.is_empty() && blocked.is_empty(),
            enforced: enforced.iter().map(|held| held.at.to_string()).collect(),
            attempted: attempted.iter().map(|held| held.at.to_string()).collect(),
            unenforceable: unenforceable.iter().map(|lost| lost.at.to_string()).collect(),
            is_blocked: !blocked.is_empty(),
            is_one_by_one: *pace == Pace::OneByOne,
            instances: seen.landed.iter().map(|landed| InstancePlace::of(landed, site.topology)).collect(),
            compute_nodes: nodes,
            outlook: seen.outlook.as_ref().map(|outlook| OutlookBody::of(outlook, block, site.topology)),
            replaced_in_a_row: seen.replaced_in_a_row,
            summary: text::summary(seen, site.topology),
        }
    }
}

impl InstancePlace {
    fn of(landed: &Landed, topology: &Topology) -> Self {
        Self {
            operation: landed.operation.to_string(),
            name: landed.name.clone(),
            instance: landed.instance.to_string(),
            compute_node: landed.compute_node.to_string(),
            rack: rack(landed.compute_node, topology),
            is_misplaced: landed.landing.map(|landing| landing.is_misplaced),
            rules: not_kept(&landed.verified),
        }
    }
}

impl NodePlace {
    fn of(prospect: &Prospect, seen: &PlacementView, site: &Site<'_>) -> Self {
        let open = seen.outlook.as_ref().map(|outlook| outlook.open.binary_search(&prospect.node).is_ok());
        Self {
            is_allowed: open.unwrap_or_else(|| prospect.is_allowed()),
            rules: not_kept(&prospect.verified),
            ..Self::bare(prospect.node, prospect.members, site)
        }
    }

    /// Of which no rule says anything.
    pub(super) fn bare(node: ComputeNodeId, members: u32, site: &Site<'_>) -> Self {
        let instances = site.occupancy.as_ref().and_then(|occupancy| occupancy.nodes.get(&node));
        Self {
            compute_node: node.to_string(),
            name: name(node, site.topology),
            rack: rack(node, site.topology),
            members,
            instances: instances.copied().unwrap_or(0),
            is_allowed: true,
            rules: Vec::new(),
        }
    }
}

pub(super) const fn source(source: PlacementSource) -> &'static str {
    match source {
        PlacementSource::Group => "group",
        PlacementSource::Template => "template",
    }
}

pub(super) fn name(node: ComputeNodeId, topology: &Topology) -> Option<String> {
    topology.nodes.get(&node).and_then(|site| site.name.clone())
}

pub(super) fn rack(node: ComputeNodeId, topology: &Topology) -> Option<String> {
    topology.rack(node).map(str::to_owned)
}

fn not_kept(verified: &[Verified]) -> Vec<RuleVerdict> {
    let verdict = |one: &Verified| match one.verdict {
        Verdict::Kept => None,
        Verdict::Broken(_) => Some("broken"),
        Verdict::Unknown(_) => Some("unknown"),
    };
    let told = |one: &Verified| {
        Some(RuleVerdict { at: one.at.to_string(), verdict: verdict(one)?, words: one.verdict.to_string() })
    };
    verified.iter().filter_map(told).collect()
}
