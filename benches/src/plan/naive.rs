//! The reference planner: what one writes first.
//!
//! Owns records of text, grouped in a hash map of borrowed strings, classified by comparing
//! states, planned with fresh vectors for each group. It knows the same rules for the cases the
//! benches show and serves as the oracle of their output. Must never be made faster.

use std::collections::{BTreeMap, HashMap};

use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::plan::input::{Member, Sighting};
use tsg_core::plan::output::{Action, Plan};

use super::population::Population;
use crate::seeded::Seeded;

/// A group as text.
#[derive(Debug)]
pub struct NaiveGroup {
    name: String,
    capacity: usize,
}

/// An instance as text.
#[derive(Debug)]
pub struct NaiveInstance {
    group: String,
    operation: String,
    machine: String,
    phase: String,
    state: String,
    compute_node: String,
    sequence: u32,
}

/// A step: what, on which operation. Creates have no operation yet.
pub type NaiveStep<'a> = (&'static str, &'a str);

/// Everything as text, in no order.
#[derive(Debug)]
pub struct NaiveWorld {
    groups: Vec<NaiveGroup>,
    instances: Vec<NaiveInstance>,
}

impl NaiveWorld {
    /// The same world as a population's, its instances in the order of a list: as good as random,
    /// since the cloud lists by UUID.
    pub fn of(population: &Population, seeded: &mut Seeded) -> Self {
        let mut world = Self { groups: Vec::new(), instances: Vec::new() };
        for (settings, members) in &population.groups {
            let name = settings.intent.group.to_string();
            let instances = members.iter().map(|member| instance(&name, member));
            world.instances.extend(instances);
            world.groups.push(NaiveGroup { name, capacity: settings.intent.capacity as usize });
        }
        seeded.shuffle(&mut world.instances);
        world
    }

    /// Plans every group.
    pub fn plan(&self) -> Vec<NaiveStep<'_>> {
        let mut by_group: HashMap<&str, Vec<&NaiveInstance>> = HashMap::new();
        for instance in &self.instances {
            by_group.entry(instance.group.as_str()).or_default().push(instance);
        }
        let mut steps = Vec::new();
        for group in &self.groups {
            let members = by_group.remove(group.name.as_str()).unwrap_or_default();
            steps.extend(plan_group(group, &members));
        }
        steps
    }
}

fn instance(group: &str, member: &Member) -> NaiveInstance {
    let phase = match member.phase {
        Phase::Deleting => "deleting",
        Phase::Bound => "bound",
        _ => "ready",
    };
    let state = match member.sighting {
        Sighting::Present(InstanceState::Running) => "running",
        Sighting::Present(InstanceState::Failed) => "failed",
        Sighting::Present(InstanceState::Stopped) => "stopped",
        Sighting::Present(InstanceState::Provisioning) => "provisioning",
        _ => "missing",
    };
    NaiveInstance {
        group: group.to_string(),
        operation: member.operation.to_string(),
        machine: member.instance().map_or_else(String::new, |machine| machine.to_string()),
        phase: phase.to_string(),
        state: state.to_string(),
        compute_node: member.compute_node.to_string(),
        sequence: member.sequence,
    }
}

fn plan_group<'a>(group: &NaiveGroup, members: &[&'a NaiveInstance]) -> Vec<NaiveStep<'a>> {
    let mut by_operation: HashMap<&str, &NaiveInstance> = HashMap::new();
    for member in members {
        let is_new = by_operation.insert(&member.operation, member).is_none();
        assert!(is_new && !member.machine.is_empty(), "contradictory input");
    }
    let mut by_class: BTreeMap<&str, Vec<&'a NaiveInstance>> = BTreeMap::new();
    for member in members {
        by_class.entry(class(member)).or_default().push(member);
    }
    let of = |class: &str| by_class.get(class).map_or(&[][..], Vec::as_slice);
    let useful = members.len() - of("leaving").len() - of("failed").len();
    let mut steps: Vec<NaiveStep<'a>> =
        of("failed").iter().map(|member| ("delete", member.operation.as_str())).collect();
    let mut going = Vec::new();
    if useful > group.capacity {
        going = victims(&by_class, useful - group.capacity);
        steps.extend(going.iter().map(|member| ("delete", member.operation.as_str())));
    }
    let room = group.capacity.saturating_sub(members.len());
    steps.extend((0..room.min(group.capacity.saturating_sub(useful))).map(|_| ("create", "")));
    let is_going = |member: &NaiveInstance| going.iter().any(|victim| victim.operation == member.operation);
    let stopped = of("stopped").iter().filter(|member| !is_going(member));
    steps.extend(stopped.map(|member| ("start", member.operation.as_str())));
    steps
}

fn class(member: &NaiveInstance) -> &'static str {
    match (member.phase.as_str(), member.state.as_str()) {
        ("deleting", _) => "leaving",
        (_, "failed") => "failed",
        (_, "missing") => "missing",
        (_, "provisioning") => "starting",
        (_, "stopped") => "stopped",
        _ => "serving",
    }
}

/// The worst first, one at a time, from the fullest compute node.
fn victims<'a>(by_class: &BTreeMap<&str, Vec<&'a NaiveInstance>>, count: usize) -> Vec<&'a NaiveInstance> {
    let mut chosen = Vec::new();
    for class in ["stopped", "missing", "starting"] {
        let mut candidates = by_class.get(class).cloned().unwrap_or_default();
        candidates.sort_by(|a, b| (a.sequence, &a.operation).cmp(&(b.sequence, &b.operation)));
        chosen.extend(candidates.into_iter().take(count - chosen.len()));
    }
    let mut left = by_class.get("serving").cloned().unwrap_or_default();
    while chosen.len() < count && !left.is_empty() {
        let mut fullness: HashMap<&str, usize> = HashMap::new();
        for member in &left {
            *fullness.entry(&member.compute_node).or_default() += 1;
        }
        let key = |member: &&NaiveInstance| {
            (std::cmp::Reverse(fullness[member.compute_node.as_str()]), member.sequence, member.operation.clone())
        };
        let place = left.iter().enumerate().min_by_key(|(_, member)| key(member)).map_or(0, |(place, _)| place);
        chosen.push(left.swap_remove(place));
    }
    chosen
}

/// The steps of the planner's own plan in the oracle's form.
pub fn steps_of(plan: &Plan) -> Vec<(&'static str, String)> {
    let step = |action: Action| match action {
        Action::Create { .. } => ("create", String::new()),
        Action::Cancel { operation } => ("cancel", operation.to_string()),
        Action::Delete { operation, .. } => ("delete", operation.to_string()),
        Action::Start { operation, .. } => ("start", operation.to_string()),
        // The naive one knows no more than these.
        other => ("other", other.operation().to_string()),
    };
    plan.actions.iter().map(|planned| step(planned.action)).collect()
}
