//! The reference look across all groups: what one writes first.
//!
//! Owns records of text, counted in hash maps of borrowed strings, from the start for each cause.
//! It knows the same rules for the cases that the benches show and serves as the oracle of their
//! output. Must never be made faster.

use std::cmp::Reverse;
use std::collections::HashMap;

use tsg_core::storm::StormOutput;
use tsg_core::storm::correlate::Bucket;
use tsg_core::storm::holds::{HoldCause, Scope};
use tsg_core::storm::input::{InstanceFacts, Outcome};
use tsg_core::storm::nodes::NodeState;

use super::naive_grants::{Claimant, Stopped, grant};
use super::population::{Deployment, NOW};

/// What instances may have in common, the more specific first.
const MARKS: [&str; 7] = ["node", "revision", "rack", "check", "image", "prober", "data centre"];
const NODE: usize = 0;
const RACK: usize = 2;
const DATA_CENTRE: usize = 6;

/// An instance as text.
#[derive(Debug)]
struct NaiveInstance {
    group: String,
    marks: [String; 7],
    outcome: String,
    since: i64,
    grace: i64,
}

impl NaiveInstance {
    fn fails(&self) -> bool {
        self.outcome == "failing"
    }
}

/// Everything as text.
#[derive(Debug)]
pub struct NaiveDeployment {
    instances: Vec<NaiveInstance>,
    claimants: Vec<Claimant>,
}

/// What a look comes to, comparable with the other one's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// What has failing instances in common, and how many of how many fail inside and outside.
    pub causes: Vec<(&'static str, String, [u32; 4])>,
    /// Compute nodes that are not well: number, how, since when.
    pub nodes: Vec<(String, &'static str, i64)>,
    /// Holds: where and why.
    pub holds: Vec<(String, &'static str)>,
    /// What each group may do: creates, asked and unasked deletes, starts.
    pub grants: Vec<(String, [u32; 4])>,
}

type Tally = (u32, u32);

fn name(number: u32) -> String {
    format!("{number:06}")
}

impl NaiveDeployment {
    /// The same deployment as text.
    pub fn of(deployment: &Deployment) -> Self {
        let racks: HashMap<u32, u32> = deployment.nodes.iter().map(|node| (node.node, node.rack)).collect();
        let instance = |facts: &InstanceFacts| {
            let group = &deployment.groups[facts.group as usize];
            let id = group.group.to_string();
            let [node, check, image] = [facts.node, facts.check, facts.image].map(name);
            let (rack, prober) = (name(racks[&facts.node]), name(facts.prober));
            let revision = format!("{id}/{:06}", facts.revision);
            let outcome = if facts.outcome == Outcome::Failing { "failing" } else { "passing" };
            NaiveInstance {
                group: id,
                marks: [node, revision, rack, check, image, prober, name(group.data_centre)],
                outcome: outcome.to_string(),
                since: facts.since.as_millis(),
                grace: i64::try_from(group.node_grace.as_millis()).unwrap_or(i64::MAX),
            }
        };
        let claimant = |group: &tsg_core::storm::input::GroupFacts| Claimant {
            group: group.group.to_string(),
            account: group.account.to_string(),
            data_centre: name(group.data_centre),
            needs: [group.needs.creates, group.needs.asked_deletes, group.needs.unasked_deletes, group.needs.starts],
        };
        Self {
            instances: deployment.instances.iter().map(instance).collect(),
            claimants: deployment.groups.iter().map(claimant).collect(),
        }
    }

    /// Looks at everything.
    pub fn assess(&self) -> Findings {
        let causes = self.causes();
        let mut nodes = self.silent_nodes();
        let holds = self.holds(&causes, &nodes);
        give_up(&mut nodes, &holds);
        let nodes = nodes.into_iter().map(|node| (node.name.to_string(), node.state, node.since)).collect();
        let grants = grant(&self.claimants, &self.stopped(&holds));
        Findings { causes, nodes, holds, grants }
    }

    /// What failing instances have in common: the cause that explains most, and what is left.
    fn causes(&self) -> Vec<(&'static str, String, [u32; 4])> {
        let mut unexplained: Vec<&NaiveInstance> = self.instances.iter().collect();
        let mut found = Vec::new();
        while found.len() < 8 {
            let Some((mark, name, counts)) = likeliest(&unexplained) else { break };
            unexplained.retain(|instance| instance.marks[mark] != name);
            found.push((mark, name, counts));
        }
        found.sort_by_key(|(mark, name, counts)| (Reverse(counts[0]), *mark, name.clone()));
        found.into_iter().map(|(mark, name, counts)| (MARKS[mark], name, counts)).collect()
    }

    /// Compute nodes on which everything fails while others pass.
    fn silent_nodes(&self) -> Vec<SilentNode<'_>> {
        let mut on_node: HashMap<&str, Vec<&NaiveInstance>> = HashMap::new();
        let mut around: HashMap<&str, Tally> = HashMap::new();
        for instance in &self.instances {
            on_node.entry(&instance.marks[NODE]).or_default().push(instance);
            count(around.entry(&instance.marks[DATA_CENTRE]).or_default(), instance);
        }
        let mut silent: Vec<SilentNode<'_>> = on_node
            .into_iter()
            .filter(|(_, on)| on.len() >= 2 && on.iter().all(|instance| instance.fails()))
            .filter(|(_, on)| {
                let (failing, of) = around[on[0].marks[DATA_CENTRE].as_str()];
                let there = on.len() as u32;
                failing < of && !is_share(failing - there, of - there, 55)
            })
            .map(|(name, on)| SilentNode {
                name,
                rack: &on[0].marks[RACK],
                data_centre: &on[0].marks[DATA_CENTRE],
                since: on.iter().map(|instance| instance.since).max().unwrap_or(0),
                grace: on.iter().map(|instance| instance.grace).min().unwrap_or(0),
                state: "suspect",
            })
            .filter(|node| NOW.as_millis() - node.since >= 60_000)
            .collect();
        silent.sort_by_key(|node| node.name);
        silent
    }

    fn holds(
        &self,
        causes: &[(&'static str, String, [u32; 4])],
        nodes: &[SilentNode<'_>],
    ) -> Vec<(String, &'static str)> {
        let mut holds: Vec<(String, &'static str)> = causes
            .iter()
            .filter(|(mark, _, _)| !matches!(*mark, "node" | "data centre"))
            .map(|(mark, name, _)| (format!("{mark} {name}"), "correlated"))
            .collect();
        let mut here: HashMap<&str, Tally> = HashMap::new();
        for instance in &self.instances {
            if !nodes.iter().any(|node| node.name == instance.marks[NODE]) {
                count(here.entry(&instance.marks[DATA_CENTRE]).or_default(), instance);
            }
        }
        for (place, (failing, of)) in here {
            if of >= 3 && is_share(failing, of, 55) {
                holds.push((format!("data centre {place}"), "most fail"));
            }
            if nodes.iter().filter(|node| node.data_centre == place).count() >= 3 {
                holds.push((format!("data centre {place}"), "nodes silent"));
            }
        }
        holds.sort();
        holds
    }

    /// What the holds stop, by group.
    fn stopped(&self, holds: &[(String, &'static str)]) -> HashMap<&str, Stopped> {
        let mut stopped: HashMap<&str, Stopped> = HashMap::new();
        for instance in &self.instances {
            for (place, _) in holds {
                let is_in = |mark: usize| {
                    place.split_once(MARKS[mark]).is_some_and(|(_, name)| name.trim() == instance.marks[mark])
                };
                let stop = if is_in(DATA_CENTRE) {
                    Stopped::Repair
                } else if is_in(1) || is_in(4) {
                    Stopped::Replacing
                } else {
                    continue;
                };
                let known = stopped.entry(&instance.group).or_insert(stop);
                *known = (*known).max(stop);
            }
        }
        stopped
    }
}

/// A compute node on which everything fails.
struct SilentNode<'a> {
    name: &'a str,
    rack: &'a str,
    data_centre: &'a str,
    since: i64,
    grace: i64,
    state: &'static str,
}

/// One node in each data centre that is not held: the one that is silent for longest.
fn give_up(nodes: &mut [SilentNode<'_>], holds: &[(String, &'static str)]) {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|place| (nodes[*place].since, nodes[*place].name));
    let mut given: Vec<String> = Vec::new();
    for place in order {
        let node = &mut nodes[place];
        let is_held = holds.iter().any(|(held, _)| {
            *held == format!("data centre {}", node.data_centre) || *held == format!("rack {}", node.rack)
        });
        let is_due = node.since + node.grace <= NOW.as_millis();
        if is_due && !is_held && !given.iter().any(|given| given == node.data_centre) {
            given.push(node.data_centre.to_string());
            node.state = "lost";
        }
    }
}

fn count((failing, of): &mut Tally, instance: &NaiveInstance) {
    *failing += u32::from(instance.fails());
    *of += 1;
}

fn is_share(part: u32, of: u32, percent: u64) -> bool {
    of > 0 && u64::from(part) * 100 >= u64::from(of) * percent
}

/// What explains most of what fails.
fn likeliest(instances: &[&NaiveInstance]) -> Option<(usize, String, [u32; 4])> {
    let mut tallies: HashMap<(usize, &str), Tally> = HashMap::new();
    let mut homes: HashMap<(usize, &str), &str> = HashMap::new();
    let mut all = (0, 0);
    for instance in instances {
        count(&mut all, instance);
        for (mark, name) in instance.marks.iter().enumerate() {
            count(tallies.entry((mark, name)).or_default(), instance);
            if matches!(mark, NODE | RACK) {
                homes.insert((mark, name), &instance.marks[DATA_CENTRE]);
            }
        }
    }
    let explains = |(&(mark, name), &(failing, of)): (&(usize, &str), &Tally)| {
        let (least, share) = match mark {
            NODE => (2, 100),
            DATA_CENTRE => (3, 55),
            _ => (3, 60),
        };
        let around = homes.get(&(mark, name)).map_or(all, |home| tallies[&(DATA_CENTRE, *home)]);
        let outside = (around.0 - failing, around.1 - of);
        let contrast = u128::from(outside.0) * u128::from(of) * 3 <= u128::from(failing) * u128::from(outside.1);
        let is_known = mark == DATA_CENTRE || (outside.1 >= 3 && contrast);
        let is_it = failing >= least && is_share(failing, of, share) && is_known;
        is_it.then(|| (mark, name.to_string(), [failing, of, outside.0, outside.1]))
    };
    let excess = |counts: &[u32; 4]| i64::from(counts[0]) * 2 - i64::from(counts[1]);
    tallies.iter().filter_map(explains).min_by_key(|(mark, name, counts)| (-excess(counts), *mark, name.clone()))
}

/// What the assessment says, in the reference's form.
pub fn findings_of(output: &StormOutput) -> Findings {
    let causes = output.correlations.iter().map(|found| {
        let (mark, name) = bucket_of(found.bucket);
        (mark, name, [found.failing, found.of, found.outside_failing, found.outside_of])
    });
    let nodes = output.node_conditions.iter().map(|condition| {
        let (state, since) = match condition.state {
            NodeState::Suspect { since } => ("suspect", since.as_millis()),
            NodeState::Lost { since, .. } => ("lost", since.as_millis()),
            NodeState::Healthy | NodeState::Returned { .. } | NodeState::Draining { .. } => ("other", 0),
        };
        (name(condition.node), state, since)
    });
    let mut holds: Vec<(String, &str)> =
        output.holds.iter().map(|hold| (place_of(hold.scope), word_of(&hold.cause))).collect();
    holds.sort();
    let grants = output.allowances.iter().map(|allowance| {
        let granted = [allowance.creates, allowance.asked_deletes, allowance.unasked_deletes, allowance.starts];
        (allowance.group.to_string(), granted)
    });
    Findings { causes: causes.collect(), nodes: nodes.collect(), holds, grants: grants.collect() }
}

fn bucket_of(bucket: Bucket) -> (&'static str, String) {
    match bucket {
        Bucket::Node(number) => (MARKS[NODE], name(number)),
        Bucket::Revision { group, revision } => ("revision", format!("{group}/{revision:06}")),
        Bucket::Rack(number) => (MARKS[RACK], name(number)),
        Bucket::Check(number) => ("check", name(number)),
        Bucket::Image(number) => ("image", name(number)),
        Bucket::Prober(number) => ("prober", name(number)),
        Bucket::DataCentre(number) => (MARKS[DATA_CENTRE], name(number)),
    }
}

fn place_of(scope: Scope) -> String {
    match scope {
        Scope::Everywhere => "everywhere".to_string(),
        Scope::In(bucket) => {
            let (mark, name) = bucket_of(bucket);
            format!("{mark} {name}")
        }
    }
}

fn word_of(cause: &HoldCause) -> &'static str {
    match cause {
        HoldCause::MostFail { .. } => "most fail",
        HoldCause::NodesSilent { .. } => "nodes silent",
        HoldCause::Correlated(_) => "correlated",
        HoldCause::NotSeenYet
        | HoldCause::CutOff { .. }
        | HoldCause::ProbersFail { .. }
        | HoldCause::CloudFails
        | HoldCause::Degrading { .. }
        | HoldCause::EveryDataCentre { .. } => "other",
    }
}
