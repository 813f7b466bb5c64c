//! Where the creates of a plan would go, as a few lines of text.
//!
//! Owns the words. However many creates there are, it stays a few lines. Must never promise a place:
//! CloudAPI chooses.

use std::collections::BTreeSet;

use tsg_core::model::id::ComputeNodeId;
use tsg_core::placement::outlook::{Course, DeadEnd, Sequel};
use tsg_core::placement::rule::PlacementSpec;
use tsg_engine::{Choice, Destinations};

use super::lines::{Screen, count, few};
use super::{NODES_MAX, SENT_MAX, node_name};
use crate::v2::placement::Site;
use crate::v2::placement::creates::{Share, blocked, shares};

/// The whole.
pub fn creates(told: &Destinations, site: &Site<'_>) -> String {
    let (mut screen, creates) = (Screen::default(), told.creates + told.waiting);
    match &told.choice {
        _ if creates == 0 => {}
        Choice::Unruled => write_unruled(creates, site, &mut screen),
        Choice::Unseen => {
            let creates = all(creates);
            screen.line(0, format!("Where {creates} would go cannot be told: the account is not listed as its rules need it, or not in a way to be trusted."));
        }
        Choice::Ruled { block, course, .. } => {
            let total = creates + told.under_way;
            match told.under_way {
                0 => {}
                1 => screen.line(0, format!("1 create from before has no place yet: it is the first of {total}.")),
                some => {
                    screen.line(
                        0,
                        format!("{some} creates from before have no place yet: they are the first of {total}."),
                    );
                }
            }
            Writer { block, course, total, site }.write(&mut screen);
        }
    }
    if told.of_other_templates > 0 {
        let others = count(told.of_other_templates as usize, "create");
        screen.line(0, format!("Nothing is said of where {others} of another template would go."));
    }
    screen.text()
}

/// What CloudAPI does by itself, as `tsg placement explain` says it too.
fn write_unruled(creates: u32, site: &Site<'_>, screen: &mut Screen) {
    let empty = site.occupancy.as_ref().map(|occupancy| {
        let known: BTreeSet<&ComputeNodeId> = site.topology.nodes.keys().chain(occupancy.nodes.keys()).collect();
        let empty = known.iter().filter(|node| !occupancy.nodes.contains_key(node)).count();
        format!(" ({empty} of {} known)", known.len())
    });
    screen.line(
        0,
        format!(
            "No rule says where {} would go: CloudAPI is sent no affinity rule and chooses the compute node itself. By \
             default it prefers one where this account has no instance{}, and takes any other rather than refuse.",
            all(creates),
            empty.unwrap_or_default(),
        ),
    );
}

/// So many creates that are all there are.
fn all(creates: u32) -> String {
    if creates == 1 { "the create".to_owned() } else { format!("the {creates} creates") }
}

/// A course, to be written.
struct Writer<'w> {
    block: &'w PlacementSpec,
    course: &'w Course,
    /// All creates, those under way first.
    total: u32,
    site: &'w Site<'w>,
}

impl Writer<'_> {
    fn write(&self, screen: &mut Screen) {
        let placed = self.course.places.len() as u32;
        if placed > 0 {
            screen.line(0, format!("{} would go to {}.", self.range(1, placed), self.nodes()));
        }
        if let Some(end) = &self.course.end {
            self.write_end(end, placed + 1, screen);
        }
        if self.course.unseen > 0 {
            let first = self.total - self.course.unseen + 1;
            let were = if self.course.unseen == 1 { "was" } else { "were" };
            screen.line(0, format!("{} {were} not looked at.", self.range(first, self.course.unseen)));
        }
        if placed > 0 {
            screen.line(0, "These are the best places by the rules: within what it is told, CloudAPI chooses.");
        }
    }

    /// Creates by their numbers.
    fn range(&self, first: u32, creates: u32) -> String {
        match creates {
            1 if self.total == 1 => "The create".to_owned(),
            _ if creates == self.total => format!("All {creates} creates"),
            1 => format!("Create {first}"),
            _ => format!("Creates {first} to {}", first + creates - 1),
        }
    }

    /// The compute nodes that come up, each with how many creates unless all have as many.
    fn nodes(&self) -> String {
        let mut shares = shares(self.course);
        let most = shares.iter().map(|(.., creates)| *creates).max().unwrap_or(0);
        let is_even = shares.iter().all(|(.., creates)| *creates == most);
        shares.sort_by_key(|(.., creates)| std::cmp::Reverse(*creates));
        let nodes = shares.iter().map(|(node, _, creates): &Share| {
            let node = node_name(*node, self.site.topology);
            if is_even { node } else { format!("{creates} to {node}") }
        });
        let named = few(nodes, NODES_MAX);
        let (open, nodes) = (self.course.open as usize, shares.len());
        let of_open = |nodes: &str| match open > shares.len() {
            true => format!("{nodes} of {open} compute nodes that the rules leave"),
            false => format!("{nodes} compute nodes"),
        };
        match nodes {
            1 if open > 1 => format!("{named}, {}", of_open("one")),
            1 => named,
            _ if is_even => format!("{}, {most} each: {named}", of_open(&nodes.to_string())),
            _ => format!("{}: {named}", of_open(&nodes.to_string())),
        }
    }

    fn write_end(&self, end: &DeadEnd, first: u32, screen: &mut Screen) {
        let (range, known) = (self.range(first, end.creates), count(self.course.known as usize, "known compute node"));
        let (have, they) = if end.creates == 1 { ("has", "it") } else { ("have", "them") };
        let losses = end.losses.iter().map(|loss| format!("{} ruled out by {}", loss.nodes, self.block.part(loss.at)));
        match end.losses.len() {
            0 if end.sequel == Sequel::Wait => {
                screen.line(0, format!("{range} {have} to wait: {}.", few(blocked(end, self.block).iter(), SENT_MAX)));
            }
            0 => screen.line(0, format!("{range} {have} no compute node that is known.")),
            _ => screen.line(0, format!("{range} {have} none of {known} left: {}.", few(losses, SENT_MAX))),
        }
        match end.sequel {
            Sequel::Wait if end.losses.is_empty() => {}
            Sequel::Wait => screen.line(0, format!("Nothing is sent for {they} until that changes.")),
            Sequel::Elsewhere => screen.line(
                0,
                format!(
                    "CloudAPI is asked for {they} all the same: for compute nodes that are not known, or a refusal."
                ),
            ),
            Sequel::Against { nodes } => screen.line(
                0,
                format!(
                    "CloudAPI is asked for {they} all the same: on {} nothing keeps {they} off that it is told.",
                    count(nodes as usize, "known compute node"),
                ),
            ),
        }
        // For the first one the rules' own screen says it.
        if let Some(way_out) = end.way_out.as_ref().filter(|_| first > 1) {
            let rules: Vec<String> = way_out.rules.iter().map(|at| self.block.part(*at).to_string()).collect();
            let nodes = count(way_out.nodes as usize, "compute node");
            screen.line(0, format!("Least to drop: without {} there would be {nodes}.", rules.join(" and ")));
        }
    }
}
