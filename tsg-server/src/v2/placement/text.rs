//! A group's placement as one screen of text.
//!
//! Owns the layout: some twenty lines, of a hundred columns at most. What rules mean and become is
//! worded in the core.

mod creates;
mod lines;
mod unruled;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tsg_core::model::id::ComputeNodeId;
use tsg_core::placement::compile::InWords;
use tsg_core::placement::outlook::Outlook;
use tsg_core::placement::rule::{Enforce, SpecPlace, Strength};
use tsg_core::placement::topology::{Coverage, Topology};
use tsg_core::placement::verify::Verdict;
use tsg_engine::{Landed, PlacementSource, PlacementView};

use super::body;
use lines::{Screen, TIED, count, few};

pub use creates::creates;
pub use unruled::unruled;

/// How many parts of the block, rules that are sent, and misplaced instances are shown.
const PARTS_MAX: usize = 6;
const SENT_MAX: usize = 4;
const MISPLACED_MAX: usize = 2;
/// How many compute nodes are shown: with instances, and open ones.
const NODES_MAX: usize = 6;
const OPEN_MAX: usize = 6;

/// The whole.
pub fn summary(seen: &PlacementView, topology: &Topology) -> String {
    let mut screen = Screen::default();
    write_rules(seen, &mut screen);
    write_instances(seen, topology, &mut screen);
    if let Some(outlook) = &seen.outlook {
        write_outlook(seen, outlook, topology, &mut screen);
    }
    screen.text()
}

/// What is sent with the next instance, and what of the block that holds.
fn write_rules(seen: &PlacementView, screen: &mut Screen) {
    screen.line(
        0,
        match seen.source {
            PlacementSource::Group => "Rules of the group:",
            PlacementSource::Template => "Rules of the template:",
        },
    );
    let words = InWords::new(&seen.compiled, &seen.block).to_string();
    screen.some(2, words.lines(), PARTS_MAX);
    match seen.compiled.affinity.as_slice() {
        _ if !seen.compiled.blocked.is_empty() => screen.line(0, "No instance is created until that changes."),
        [] => screen.line(0, "CloudAPI is sent no affinity rule with the next instance, and spreads mildly by itself."),
        rules => {
            screen
                .line(0, format!("CloudAPI is sent with the next instance: {}", few(rules.iter().cloned(), SENT_MAX)));
        }
    }
}

fn write_instances(seen: &PlacementView, topology: &Topology, screen: &mut Screen) {
    let mut nodes: BTreeMap<ComputeNodeId, u32> = BTreeMap::new();
    seen.landed.iter().for_each(|landed| *nodes.entry(landed.compute_node).or_default() += 1);
    let mut nodes: Vec<(ComputeNodeId, u32)> = nodes.into_iter().collect();
    nodes.sort_by_key(|(_, members)| Reverse(*members));
    let nodes = nodes.iter().map(|(node, members)| (node_name(*node, topology), *members, String::new()));
    screen.stand(nodes.collect(), NODES_MAX);
    let is_misplaced = |landed: &&Landed| landed.landing.is_some_and(|landing| landing.is_misplaced);
    let misplaced = seen.landed.iter().filter(is_misplaced).map(|landed| {
        let broken = landed.verified.iter().filter(|one| matches!(one.verdict, Verdict::Broken(_)));
        let broken = broken.filter(|one| one.strength == Strength::Hard);
        let rules = broken.map(|one| seen.block.part(one.at).to_string()).collect::<Vec<_>>().join(", ");
        let (node, what) = (node_name(landed.compute_node, topology), consequence(seen));
        format!("{} landed on {node} against a hard rule ({rules}). {what}", landed.name)
    });
    screen.some(0, misplaced.collect::<Vec<_>>(), MISPLACED_MAX);
}

/// What the rules leave.
fn write_outlook(seen: &PlacementView, outlook: &Outlook, topology: &Topology, screen: &mut Screen) {
    let (known, open) = (count(outlook.known.len(), "known compute node"), outlook.open.len());
    let named = |nodes: &[ComputeNodeId]| few(nodes.iter().map(|node| node_name(*node, topology)), OPEN_MAX);
    screen.line(
        0,
        match open {
            _ if outlook.known.is_empty() => "No compute node is known.".to_owned(),
            0 => format!("The rules leave none of {known}:"),
            _ if outlook.losses.is_empty() => format!("The rules rule out none of {known}."),
            _ => format!("The rules leave {open} of {known}: {}", named(&outlook.open)),
        },
    );
    let losses =
        outlook.losses.iter().map(|loss| format!("{:>4} ruled out by {}", loss.nodes, seen.block.part(loss.at)));
    screen.some(0, losses.collect::<Vec<_>>(), PARTS_MAX);
    let rules = |rules: &[SpecPlace]| rules.iter().map(|at| seen.block.part(*at).to_string()).collect::<Vec<_>>();
    if let Some(way_out) = &outlook.way_out {
        let nodes = count(way_out.nodes as usize, "compute node");
        screen
            .line(0, format!("Least to drop: without {} there would be {nodes}.", rules(&way_out.rules).join(" and ")));
    }
    if let Some(nearest) = &outlook.nearest {
        let breaks =
            nearest.breaks.iter().map(|at| format!("{}{}", seen.block.part(*at), cause(seen, nearest.node, *at)));
        let node = node_name(nearest.node, topology);
        screen.line(0, format!("Nearest miss: {node}, which breaks only {}", few(breaks, SENT_MAX)));
    }
    if let Some(best) = &outlook.best {
        let wishes: Vec<&str> =
            best.parts.iter().filter(|part| part.at.is_some()).map(|part| part.words.as_str()).collect();
        if !wishes.is_empty() {
            let node = node_name(best.node, topology);
            screen.line(0, format!("Wishes speak most for {node}: {}", few(wishes.into_iter(), SENT_MAX)));
        }
    }
    if open == 0 && seen.compiled.blocked.is_empty() && !outlook.known.is_empty() {
        screen.line(0, "Instances are created all the same: CloudAPI is told what it can be, and has the last word.");
    }
    write_limits(topology, screen);
}

/// Why a rule is broken on a node.
fn cause(seen: &PlacementView, node: ComputeNodeId, at: SpecPlace) -> String {
    let prospect = seen.prospects.iter().find(|prospect| prospect.node == node);
    let verified = prospect.and_then(|prospect| prospect.verified.iter().find(|one| one.at == at));
    verified.map(|one| format!(" ({})", one.verdict.to_string().trim_start_matches("broken: "))).unwrap_or_default()
}

/// What a tenant does not know.
fn write_limits(topology: &Topology, screen: &mut Screen) {
    screen.line(0, match topology.coverage {
        Coverage::Whole => "Those are all compute nodes there are. Whether one has room is not shown to tenants.",
        Coverage::Part => {
            "There may be others: a tenant is shown only those where it has instances, and not whether one has room."
        }
    });
}

/// What becomes of an instance that stands where a hard rule does not want it, in words.
fn consequence(seen: &PlacementView) -> String {
    match seen.enforce {
        Enforce::Report => "It stays, and is reported.".to_owned(),
        Enforce::Replace if seen.replaced_in_a_row >= seen.block.attempts => {
            format!("It stays: {} in a row were replaced for nothing.", seen.replaced_in_a_row)
        }
        Enforce::Replace => "It is replaced (enforce: replace).".to_owned(),
    }
}

/// A compute node's name and rack, or its id.
fn node_name(node: ComputeNodeId, topology: &Topology) -> String {
    named(body::name(node, topology).unwrap_or_else(|| node.to_string()), body::rack(node, topology))
}

fn named(name: String, rack: Option<String>) -> String {
    match rack {
        Some(rack) => format!("{name}{TIED}(rack{TIED}{rack})"),
        None => name,
    }
}
