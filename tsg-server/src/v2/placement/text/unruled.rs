//! A group without rules as one screen of text.
//!
//! Owns the words for what CloudAPI does by itself. Must never promise it: it is a preference.

use tsg_core::model::group::{Group, Lifecycle};

use super::lines::{Screen, count, few};
use super::{NODES_MAX, OPEN_MAX, named, write_limits};
use crate::v2::placement::Site;
use crate::v2::placement::body::NodePlace;

/// The whole, with the compute nodes that are known, the fullest first.
pub fn unruled(group: &Group, nodes: &[NodePlace], site: &Site<'_>) -> String {
    let (mut screen, name) = (Screen::default(), &group.name);
    let is_live = group.lifecycle == Lifecycle::Active;
    if is_live {
        screen.line(0, format!("No rule says where instances of {name} may go, neither its own nor its template's."));
        screen.line(
            0,
            "CloudAPI is sent no affinity rule with the next instance, and chooses the compute node itself. By",
        );
        screen.line(
            0,
            "default it prefers one where this account has no instance, and takes any other rather than refuse.",
        );
        screen.line(0, "Only for a repair it is asked, as a wish, to keep off the compute node of what failed.");
    } else {
        screen.line(0, format!("The group {name} is being deleted: no instance is made for it any more."));
    }
    let with_members = nodes.iter().filter(|node| node.members > 0);
    let stand = with_members.map(|node| (node_name(node), node.members, beside(node)));
    screen.stand(stand.collect(), NODES_MAX);
    if is_live {
        write_next(nodes, &mut screen);
        write_limits(site.topology, &mut screen);
        screen.line(0, format!("For more than a preference: tsg group update {name} --place 'service!=~{name}'"));
    }
    screen.text()
}

/// Where CloudAPI would rather put the next one.
fn write_next(nodes: &[NodePlace], screen: &mut Screen) {
    let known = count(nodes.len(), "known compute node");
    let empty: Vec<String> = nodes.iter().filter(|node| node.instances == 0).map(node_name).collect();
    screen.line(
        0,
        match empty.len() {
            0 => {
                format!("Each of {known} has an instance of this account: none of them is preferred for the next one.")
            }
            some => format!("Preferred for the next one, {some} of {known}: {}", few(empty.into_iter(), OPEN_MAX)),
        },
    );
}

/// What others of the account stand there.
fn beside(node: &NodePlace) -> String {
    match node.instances.saturating_sub(node.members) {
        0 => String::new(),
        others => format!(", beside {} of this account", count(others as usize, "other")),
    }
}

fn node_name(node: &NodePlace) -> String {
    named(node.name.clone().unwrap_or_else(|| node.compute_node.clone()), node.rack.clone())
}
