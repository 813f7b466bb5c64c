//! The reference for single placements: objects, as sdc-designation has them.
//!
//! Owns servers with lists of machines with tags, and a pipeline of filters that each take servers
//! out and leave a reason in words. `sdc-designation` itself is a program for Node.js and is not
//! at hand; this is its way of working, in Rust, and so much faster than it. It knows what
//! [`Wanted::Everything`] asks, and serves as the oracle of its output. Must never be made faster.
//!
//! [`Wanted::Everything`]: super::cluster::Wanted::Everything

use std::collections::{BTreeMap, HashMap};

use tsg_core::placement::inventory::{Amounts, NodeState};
use tsg_core::placement::place::Request;
use tsg_core::placement::rule::{Criterion, Direction, Rule, Scope, Strength, WEIGHT_DEFAULT};

use super::cluster::Cluster;

/// A machine with its tags.
#[derive(Debug, Clone)]
struct Machine {
    id: String,
    name: String,
    owner: String,
    tags: HashMap<String, String>,
    demand: Amounts,
}

/// A server with its machines.
#[derive(Debug, Clone)]
struct Server {
    id: String,
    name: String,
    state: String,
    rack: String,
    data_centre: String,
    tags: HashMap<String, String>,
    platform: String,
    capacity: Amounts,
    taken: Amounts,
    machines: Vec<Machine>,
}

/// All servers.
#[derive(Debug, Clone)]
pub struct Objects(Vec<Server>);

/// The server that was chosen, and for each that was not let through why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Its id.
    pub chosen: Option<String>,
    /// By id.
    pub reasons: BTreeMap<String, String>,
}

impl Objects {
    /// A cluster as objects.
    pub fn of(cluster: &Cluster) -> Self {
        let mut servers: Vec<Server> = cluster
            .nodes
            .iter()
            .map(|node| Server {
                id: node.id.to_string(),
                name: node.name.clone(),
                state: if node.state == NodeState::Up { "running" } else { "other" }.into(),
                rack: node.rack.clone().unwrap_or_default(),
                data_centre: node.data_centre.clone().unwrap_or_default(),
                tags: node.tags.clone().into_iter().collect(),
                platform: node.platform.clone(),
                capacity: node.capacity,
                taken: node.taken_otherwise,
                machines: Vec::new(),
            })
            .collect();
        for ((group, node), (id, name)) in cluster.instances.iter().zip(&cluster.names) {
            let labels = Cluster::labels(*group).into_iter();
            servers[*node as usize].machines.push(Machine {
                id: id.to_string(),
                name: name.clone(),
                owner: Cluster::owner(*group).to_string(),
                tags: labels.map(|label| (label.criterion.to_string(), label.value)).collect(),
                demand: cluster.demands[*group as usize],
            });
        }
        Self(servers)
    }

    /// One placement, filter by filter.
    pub fn place(&self, request: &Request) -> Verdict {
        let mut verdict = Verdict::default();
        let mut open: Vec<&Server> = self.0.iter().collect();
        let mut filter = |why: String, is_open: &dyn Fn(&Server) -> bool| {
            open.retain(|server| {
                let is_open = is_open(server);
                if !is_open {
                    verdict.reasons.insert(server.id.clone(), why.clone());
                }
                is_open
            });
        };
        filter("state".into(), &|server| server.state == "running");
        let left = |server: &Server, of: fn(&Amounts) -> u32| {
            let taken: u32 = server.machines.iter().map(|machine| of(&machine.demand)).sum();
            i64::from(of(&server.capacity)) - i64::from(of(&server.taken)) - i64::from(taken)
        };
        let has_room =
            |server: &Server, of: fn(&Amounts) -> u32| left(server, of).max(0) >= i64::from(of(&request.demand));
        filter("memory".into(), &|server| has_room(server, |amounts| amounts.memory_mib));
        filter("disk".into(), &|server| has_room(server, |amounts| amounts.disk_mib));
        filter("cpu".into(), &|server| has_room(server, |amounts| amounts.cpu_percent));
        for rule in request.rules.iter().filter(|rule| rule.operator.strength == Strength::Hard) {
            let places = self.places(rule, request);
            filter(rule.to_string(), &|server| is_kept(rule, &places, server));
        }
        let soft = request.rules.iter().filter(|rule| rule.operator.strength == Strength::Soft);
        let soft = soft.map(|rule| (rule, WEIGHT_DEFAULT));
        let wishes = soft.chain(request.preferences.iter().map(|one| (&one.rule, one.weight)));
        let wishes: Vec<_> =
            wishes.map(|(rule, weight)| (rule, self.places(rule, request), u64::from(weight))).collect();
        let counts: Vec<_> = request.spread.iter().map(|spread| (spread, self.members(request, spread.over))).collect();
        let on_node = self.members(request, Scope::Node);
        let cost = |server: &Server| {
            let (mut rounds, mut cost) = (0, 0);
            for (spread, counts) in &counts {
                let members = counts.get(&place(server, spread.over)).copied().unwrap_or(0);
                rounds += spread.max_skew.map_or(0, |size| members / u64::from(size.get()));
                cost += members * u64::from(spread.weight);
            }
            let unkept = wishes.iter().filter(|(rule, places, _)| !is_kept(rule, places, server));
            cost += unkept.map(|(.., weight)| weight).sum::<u64>();
            let crowding = on_node.get(&place(server, Scope::Node)).copied().unwrap_or(0);
            (rounds, cost, crowding, -left(server, |amounts| amounts.memory_mib), server.id.clone())
        };
        verdict.chosen = open.into_iter().min_by_key(|server| cost(server)).map(|server| server.id.clone());
        verdict
    }

    /// The places of a rule's scope in which something matches.
    fn places(&self, rule: &Rule, request: &Request) -> BTreeMap<String, u64> {
        let owner = request.owner.to_string();
        let criterion = rule.criterion.to_string();
        self.count(rule.scope, |server| match &rule.criterion {
            Criterion::Node => u64::from(rule.pattern.is_match(&server.name) || rule.pattern.is_match(&server.id)),
            Criterion::NodeTag(tag) => {
                u64::from(server.tags.get(tag).is_some_and(|value| rule.pattern.is_match(value)))
            }
            Criterion::Platform => u64::from(rule.pattern.is_match(&server.platform)),
            Criterion::Instance => {
                let of_owner = server.machines.iter().filter(|machine| machine.owner == owner);
                let named = |one: &&Machine| rule.pattern.is_match(&one.name) || rule.pattern.is_match(&one.id);
                of_owner.filter(named).count() as u64
            }
            _ => {
                let of_owner = server.machines.iter().filter(|machine| machine.owner == owner);
                let tagged =
                    |one: &&Machine| one.tags.get(&criterion).is_some_and(|value| rule.pattern.is_match(value));
                of_owner.filter(tagged).count() as u64
            }
        })
    }

    fn members(&self, request: &Request, over: Scope) -> BTreeMap<String, u64> {
        let owner = request.owner.to_string();
        let Some(group) = &request.group else { return BTreeMap::new() };
        let criterion = group.criterion.to_string();
        self.count(over, |server| {
            let is_member = |one: &&Machine| one.owner == owner && one.tags.get(&criterion) == Some(&group.value);
            server.machines.iter().filter(is_member).count() as u64
        })
    }

    fn count(&self, scope: Scope, of: impl Fn(&Server) -> u64) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for server in &self.0 {
            let count = of(server);
            if count > 0 {
                *counts.entry(place(server, scope)).or_default() += count;
            }
        }
        counts
    }
}

fn place(server: &Server, scope: Scope) -> String {
    match scope {
        Scope::Node => server.id.clone(),
        Scope::Rack => format!("{}/{}", server.data_centre, server.rack),
        Scope::DataCentre => server.data_centre.clone(),
    }
}

fn is_kept(rule: &Rule, places: &BTreeMap<String, u64>, server: &Server) -> bool {
    places.contains_key(&place(server, rule.scope)) == (rule.operator.direction == Direction::Near)
}
