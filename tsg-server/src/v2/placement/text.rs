//! A group's placement as one screen of text.
//!
//! Owns the layout. What rules mean and become is worded in the core.

use std::fmt::Write as _;

use tsg_core::model::id::ComputeNodeId;
use tsg_core::placement::compile::InWords;
use tsg_core::placement::rule::Strength;
use tsg_core::placement::topology::Topology;
use tsg_core::placement::verify::{Prospect, Verdict};
use tsg_engine::{Landed, PlacementView};

use super::consequence;

/// How many instances, and how many compute nodes, are listed one by one.
const LISTED_MAX: usize = 15;

/// The whole.
pub fn summary(seen: &PlacementView, topology: &Topology) -> String {
    let mut text = rules(seen);
    write_instances(seen, topology, &mut text);
    write_nodes(seen, topology, &mut text);
    text
}

/// What is sent with the next instance, and what of the block that holds.
pub fn rules(seen: &PlacementView) -> String {
    let words = InWords::new(&seen.compiled, &seen.block).to_string();
    let mut text = String::from("Rules:");
    words.lines().for_each(|line| _ = write!(text, "\n  {line}"));
    match seen.compiled.affinity.as_slice() {
        [] => text.push_str("\nCloudAPI is sent no affinity rule with the next instance."),
        rules => {
            _ = write!(text, "\nCloudAPI is sent with the next instance: {}", rules.join(", "));
        }
    }
    text
}

fn write_instances(seen: &PlacementView, topology: &Topology, text: &mut String) {
    if seen.landed.is_empty() {
        text.push_str("\nNo instance stands anywhere yet.");
        return;
    }
    _ = write!(text, "\nInstances:");
    for landed in seen.landed.iter().take(LISTED_MAX) {
        _ = write!(text, "\n  {} on {}", landed.name, node_name(landed.compute_node, topology));
        write_faults(landed, seen, text);
    }
    write_rest(seen.landed.len(), text);
}

fn write_faults(landed: &Landed, seen: &PlacementView, text: &mut String) {
    let broken = landed.verified.iter().filter(|one| matches!(one.verdict, Verdict::Broken(_)));
    for one in broken {
        _ = write!(text, "\n    {}: {}", one.at, one.verdict);
    }
    if landed.landing.is_some_and(|landing| landing.is_misplaced) {
        _ = write!(text, "\n    It landed against a hard rule. {}", consequence(seen));
    }
}

fn write_nodes(seen: &PlacementView, topology: &Topology, text: &mut String) {
    let (allowed, refused): (Vec<&Prospect>, Vec<&Prospect>) =
        seen.prospects.iter().partition(|prospect| prospect.is_allowed());
    _ = write!(text, "\nThe rules leave {} of {} known compute nodes:", allowed.len(), seen.prospects.len());
    for prospect in allowed.iter().take(LISTED_MAX) {
        _ = write!(text, "\n  {} has {} of this group", node_name(prospect.node, topology), prospect.members);
    }
    write_rest(allowed.len(), text);
    if refused.is_empty() {
        return;
    }
    _ = write!(text, "\nAnd not:");
    for prospect in refused.iter().take(LISTED_MAX) {
        let broken = prospect
            .verified
            .iter()
            .find(|one| one.strength == Strength::Hard && matches!(one.verdict, Verdict::Broken(_)));
        let why = broken.map(|one| format!(", {} {}", one.at, one.verdict)).unwrap_or_default();
        _ = write!(text, "\n  {}{why}", node_name(prospect.node, topology));
    }
    write_rest(refused.len(), text);
}

fn write_rest(count: usize, text: &mut String) {
    if count > LISTED_MAX {
        _ = write!(text, "\n  and {} more", count - LISTED_MAX);
    }
}

/// A compute node's name and rack, or its id.
fn node_name(node: ComputeNodeId, topology: &Topology) -> String {
    let site = topology.nodes.get(&node);
    match site.map(|site| (site.name.as_deref(), site.rack.as_deref())) {
        Some((Some(name), Some(rack))) => format!("{name} (rack {rack})"),
        Some((Some(name), None)) => name.to_owned(),
        Some((None, Some(rack))) => format!("{node} (rack {rack})"),
        Some((None, None)) | None => node.to_string(),
    }
}
