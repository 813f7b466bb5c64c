//! What the rules leave of the known compute nodes, on the wire.
//!
//! Owns the shape. Must never count anything again.

use serde::Serialize;
use tsg_core::placement::outlook::{Best, Nearest, Outlook, RuleLoss, Scored, Waiver};
use tsg_core::placement::place::Part;
use tsg_core::placement::rule::{PlacementSpec, SpecPlace};
use tsg_core::placement::topology::{Coverage, Topology};

use super::body::{name, rack};

/// What the next instance would find.
#[derive(Debug, Serialize)]
pub struct OutlookBody {
    /// Compute nodes that are known: listed in the topology file, or with an instance of the account.
    known: usize,
    /// Those that no hard rule keeps it from.
    open: usize,
    /// Whether there may be no others: the topology file lists all there are.
    is_whole: bool,
    /// What each hard rule takes away.
    losses: Vec<LossBody>,
    /// What a tenant cannot judge.
    unjudged: Vec<UnjudgedBody>,
    /// The smallest set of rules without which a known compute node would be open; `null` while one is.
    way_out: Option<WayOutBody>,
    /// The compute node that breaks the fewest rules; `null` while one breaks none.
    nearest: Option<NearestBody>,
    /// The open one that the wishes speak for most.
    best: Option<BestBody>,
}

/// A part of the block.
#[derive(Debug, Serialize)]
pub(super) struct PartBody {
    /// Its path.
    at: String,
    /// It as it is written.
    rule: String,
}

#[derive(Debug, Serialize)]
pub(super) struct LossBody {
    #[serde(flatten)]
    part: PartBody,
    /// Compute nodes that it rules out, whatever else does.
    compute_nodes: u32,
    /// Those of them that every rule before it allows.
    in_turn: u32,
}

#[derive(Debug, Serialize)]
struct UnjudgedBody {
    #[serde(flatten)]
    part: PartBody,
    why: String,
}

#[derive(Debug, Serialize)]
pub(super) struct WayOutBody {
    without: Vec<PartBody>,
    /// Compute nodes that would be open.
    compute_nodes: u32,
}

#[derive(Debug, Serialize)]
struct NearestBody {
    compute_node: String,
    name: Option<String>,
    rack: Option<String>,
    breaks: Vec<PartBody>,
}

#[derive(Debug, Serialize)]
struct BestBody {
    compute_node: String,
    name: Option<String>,
    rack: Option<String>,
    /// What it costs to go there. Of two places the one with fewer `rounds` is better, then the one
    /// with less of `wishes`, then of `crowding`.
    parts: Vec<ScoredBody>,
}

#[derive(Debug, Serialize)]
struct ScoredBody {
    /// The part of the block that it comes from; `null` for crowding.
    at: Option<String>,
    level: &'static str,
    cost: u64,
    words: String,
}

impl OutlookBody {
    /// With the block that it is about.
    pub fn of(outlook: &Outlook, block: &PlacementSpec, topology: &Topology) -> Self {
        let part = |at: &SpecPlace| PartBody::of(*at, block);
        let unjudged = outlook.unjudged.iter();
        Self {
            known: outlook.known.len(),
            open: outlook.open.len(),
            is_whole: topology.coverage == Coverage::Whole,
            losses: outlook.losses.iter().map(|loss| LossBody::of(loss, block)).collect(),
            unjudged: unjudged.map(|one| UnjudgedBody { part: part(&one.at), why: one.why.to_string() }).collect(),
            way_out: outlook.way_out.as_ref().map(|way_out| WayOutBody::of(way_out, block)),
            nearest: outlook.nearest.as_ref().map(|Nearest { node, breaks }| NearestBody {
                compute_node: node.to_string(),
                name: name(*node, topology),
                rack: rack(*node, topology),
                breaks: breaks.iter().map(part).collect(),
            }),
            best: outlook.best.as_ref().map(|Best { node, parts }| BestBody {
                compute_node: node.to_string(),
                name: name(*node, topology),
                rack: rack(*node, topology),
                parts: parts.iter().map(ScoredBody::of).collect(),
            }),
        }
    }
}

impl PartBody {
    fn of(at: SpecPlace, block: &PlacementSpec) -> Self {
        Self { at: at.to_string(), rule: block.part(at).to_string() }
    }
}

impl LossBody {
    pub(super) fn of(loss: &RuleLoss, block: &PlacementSpec) -> Self {
        Self { part: PartBody::of(loss.at, block), compute_nodes: loss.nodes, in_turn: loss.in_turn }
    }
}

impl WayOutBody {
    pub(super) fn of(Waiver { rules, nodes }: &Waiver, block: &PlacementSpec) -> Self {
        Self { without: rules.iter().map(|at| PartBody::of(*at, block)).collect(), compute_nodes: *nodes }
    }
}

impl ScoredBody {
    fn of(scored: &Scored) -> Self {
        let (level, cost) = match scored.part {
            Part::Round { round, .. } => ("rounds", u64::from(round)),
            Part::Evenness { cost, .. } => ("wishes", cost),
            Part::Kept(_) => ("wishes", 0),
            Part::NotKept(wish) => ("wishes", u64::from(wish.weight)),
            Part::Crowding { members } => ("crowding", u64::from(members)),
            Part::Memory { left_mib } => ("memory", u64::from(left_mib)),
        };
        Self { at: scored.at.map(|at| at.to_string()), level, cost, words: scored.words.clone() }
    }
}
