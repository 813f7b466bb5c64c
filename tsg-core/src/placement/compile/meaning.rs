//! What a rule means for the nodes that are known.
//!
//! Owns the one reading of rules that compiling and verifying share; it is that of
//! [`place`](crate::placement::place). Must never read more into a rule than a tenant can know.

use alloc::vec;
use alloc::vec::Vec;

use super::ground::{Ground, Marks, numbers};
use super::outcome::Obstacle;
use super::view::{Resident, is_id_match};
use crate::placement::rule::{Criterion, Direction, Pattern, Rule, Scope};

/// What a rule comes to.
#[derive(Debug)]
pub(crate) struct Meaning<'v> {
    /// Instances that match, by id.
    pub(crate) matches: Vec<&'v Resident<'v>>,
    /// Nodes that match, or on which a match stands.
    pub(crate) nodes: Marks,
    /// Nodes in the places of those.
    pub(crate) places: Marks,
    /// Nodes on which the rule is kept.
    pub(crate) allowed: Marks,
    /// Matches of which it is unknown in which place they stand.
    pub(crate) unlocated: u32,
    /// Nodes that may match as well, for all that is known: their names are not told, or they are
    /// not listed.
    pub(crate) hidden: u32,
    /// Whether the new instance will be among those that match.
    pub(crate) is_own: bool,
    /// Whether the new instance is the first of those that it is to be with.
    pub(crate) is_first: bool,
}

impl Meaning<'_> {
    /// Whether nothing matches.
    pub(crate) fn is_void(&self) -> bool {
        self.matches.is_empty() && !self.nodes.contains(&true)
    }
}

/// What a rule means.
pub(crate) fn meaning<'v>(ground: &Ground<'v>, rule: &Rule, is_own: bool) -> Result<Meaning<'v>, Obstacle> {
    if let Some(why) = unseen(&rule.criterion) {
        return Err(why);
    }
    if !ground.is_known(rule.scope) {
        return Err(Obstacle::NoTopology { scope: rule.scope });
    }
    let (matches, nodes) = match rule.criterion {
        Criterion::Node => (Vec::new(), matching_nodes(ground, &rule.pattern)),
        _ => matching_instances(ground, rule),
    };
    let unlocated = count_unlocated(ground, rule.scope, &matches, &nodes);
    let hidden = if rule.criterion == Criterion::Node { count_hidden(ground, rule, &nodes) } else { 0 };
    let places = match rule.scope {
        Scope::DataCentre => vec![!matches.is_empty() || nodes.contains(&true); nodes.len()],
        scope => ground.places_of(scope, &nodes),
    };
    let is_void = matches.is_empty() && !nodes.contains(&true);
    let is_first = is_own && is_void && rule.operator.direction == Direction::Near;
    let is_allowed = |(node, is_there): (usize, &bool)| match rule.operator.direction {
        Direction::Near if is_first => ground.is_located(rule.scope, node),
        Direction::Near => *is_there,
        Direction::Far => !*is_there && ground.is_located(rule.scope, node),
    };
    let allowed = places.iter().enumerate().map(is_allowed).collect();
    Ok(Meaning { matches, nodes, places, allowed, unlocated, hidden, is_own, is_first })
}

/// What tenants are not shown.
const fn unseen(criterion: &Criterion) -> Option<Obstacle> {
    match criterion {
        Criterion::Volume | Criterion::VolumeTag(_) => Some(Obstacle::VolumesUnseen),
        Criterion::NodeTag(_) => Some(Obstacle::NodeTagsUnseen),
        Criterion::Platform => Some(Obstacle::PlatformsUnseen),
        _ => None,
    }
}

fn matching_nodes(ground: &Ground<'_>, pattern: &Pattern) -> Marks {
    let is_match = |node: &crate::model::id::ComputeNodeId| match pattern {
        Pattern::Uuid(id) => node.uuid() == *id,
        _ => {
            let name = ground.view.topology.nodes.get(node).and_then(|site| site.name.as_deref());
            name.is_some_and(|name| pattern.is_match(name)) || is_id_match(pattern, node.uuid())
        }
    };
    ground.nodes.iter().map(is_match).collect()
}

fn matching_instances<'v>(ground: &Ground<'v>, rule: &Rule) -> (Vec<&'v Resident<'v>>, Marks) {
    let mut nodes = ground.none();
    let residents = ground.view.residents().iter();
    let matches: Vec<_> = residents.filter(|resident| resident.is_match(&rule.criterion, &rule.pattern)).collect();
    for node in matches.iter().filter_map(|resident| ground.node_of(resident)) {
        if let Some(mark) = nodes.get_mut(node) {
            *mark = true;
        }
    }
    (matches, nodes)
}

/// Those that match somewhere, but nobody knows in which place.
fn count_unlocated(ground: &Ground<'_>, scope: Scope, matches: &[&Resident<'_>], nodes: &[bool]) -> u32 {
    let is_located = |resident: &Resident<'_>| match (scope, ground.node_of(resident)) {
        (Scope::DataCentre, _) => true,
        (_, Some(node)) => ground.is_located(scope, node),
        (_, None) => false,
    };
    let instances = matches.iter().filter(|resident| !is_located(resident)).count();
    let is_about_nodes = matches.is_empty();
    let nodes = numbers(nodes).filter(|node| is_about_nodes && !ground.is_located(scope, *node)).count();
    (instances + nodes) as u32
}

/// Nodes of which it is not known whether they match.
fn count_hidden(ground: &Ground<'_>, rule: &Rule, matching: &[bool]) -> u32 {
    let elsewhere = usize::from(!ground.is_whole());
    let hidden = match rule.pattern {
        // One that is not known is somewhere else than any node that is.
        Pattern::Uuid(_) if rule.scope == Scope::Node || matching.contains(&true) => 0,
        Pattern::Uuid(_) => elsewhere,
        _ => (0..ground.nodes.len()).filter(|node| !ground.is_named(*node)).count() + elsewhere,
    };
    hidden as u32
}
