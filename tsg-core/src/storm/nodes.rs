//! Which compute nodes are lost.
//!
//! Owns the way of a node from silent over suspect to lost and back, and how many may be given up
//! in which time. Must never call a node lost because it is not seen: silence counts only beside
//! others that speak.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::correlate::{DATA_CENTRE_SHARE_PERCENT, is_share};
use super::input::{Heartbeat, NO_NUMBER, NodeFacts, Outcome};
use super::number::ByNumber;
use super::sift::Sifted;
use super::wakeup::Wakeup;
use crate::model::id::ComputeNodeId;
use crate::model::time::Timestamp;

/// Silence after which a node is suspect: six beats of CNAPI's heartbeat and then some.
pub const SILENCE: Duration = Duration::from_secs(60);
/// How long a node that came back settles; CNS takes a node that is up for less as down.
pub const SETTLE: Duration = Duration::from_secs(2 * 60);
/// Between two nodes given up in one data centre.
pub const LOSS_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// Silent instances that convict a node by themselves; one is enough once its data centre says
/// that it is out of contact.
const WITNESSES: u32 = 2;

/// How a compute node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Nothing speaks against it.
    #[default]
    Healthy,
    /// It fell silent and may come back by itself: what is on it is not repaired one by one.
    Suspect {
        /// Since when it is silent.
        since: Timestamp,
    },
    /// It is given up: each group replaces what was on it once its own grace is over.
    Lost {
        /// Since when it is silent.
        since: Timestamp,
        /// When its turn came; one in ten minutes has it in each data centre.
        confirmed_at: Timestamp,
    },
    /// It is back, and settles for two minutes.
    Returned {
        /// Since when.
        at: Timestamp,
    },
    /// An operator wants it emptied; its silence is planned.
    Draining {
        /// Since when.
        since: Timestamp,
    },
}

/// How one compute node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeCondition {
    /// Its number.
    pub node: u32,
    /// How it stands.
    pub state: NodeState,
}

/// What is remembered of compute nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NodeMemory {
    /// Those that are suspect, lost or back again.
    nodes: BTreeMap<ComputeNodeId, NodeState>,
    /// When the last node was given up, in data centres where that was lately.
    losses: BTreeMap<u32, Timestamp>,
}

/// What the instances on a node say, or those in a data centre.
#[derive(Debug, Clone, Copy, Default)]
struct Witnesses {
    there: u32,
    checked: u32,
    failing: u32,
    /// Since when the last of them fails.
    failing_since: Option<Timestamp>,
    /// The shortest wait of a group that has instances there.
    grace: Option<Duration>,
}

/// What can be said of a node at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    Silent {
        since: Timestamp,
    },
    /// All on it fail, for less than a minute.
    Wavering,
    Alive,
    Unknown,
    /// Nothing of ours is there and nobody else tells.
    Nothing,
}

/// A node with its evidence and its new state.
#[derive(Debug, Clone, Copy)]
struct Judged {
    facts: NodeFacts,
    evidence: Evidence,
    grace: Option<Duration>,
    state: NodeState,
}

/// All nodes, judged.
#[derive(Debug)]
pub(super) struct NodeSurvey {
    judged: Vec<Judged>,
    losses: BTreeMap<u32, Timestamp>,
    now: Timestamp,
}

/// How the nodes of one data centre stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct NodeCounts {
    pub(super) known: u32,
    pub(super) suspect: u32,
    pub(super) lost: u32,
}

impl NodeSurvey {
    /// Judges every node; none is given up yet.
    pub(super) fn take(sifted: &Sifted<'_>, wakeup: &mut Wakeup) -> Self {
        let (input, memory) = (sifted.input, &sifted.input.memory.nodes);
        let (on_node, in_data_centre) = witnesses(sifted);
        let mut facts: Vec<NodeFacts> = input.nodes.to_vec();
        facts.retain(|facts| facts.node != NO_NUMBER);
        facts.sort_unstable_by_key(|facts| (facts.node, facts.id, facts.data_centre, facts.rack));
        facts.dedup_by_key(|facts| facts.node);
        let judge = |facts: NodeFacts| {
            let on = on_node.get(facts.node.into());
            let around = in_data_centre.get(facts.data_centre.into());
            let is_seen = sifted.is_seen(facts.data_centre);
            let evidence = if is_seen { evidence(&facts, on, around, wakeup) } else { Evidence::Unknown };
            let before = memory.nodes.get(&facts.id).copied().unwrap_or_default();
            let state = next_state(before, &facts, evidence, input.now);
            Judged { facts, evidence, grace: on.grace, state }
        };
        let judged = facts.into_iter().map(judge).collect();
        Self { judged, losses: memory.losses.clone(), now: input.now }
    }

    /// Those that are suspect or lost, or about to be: what fails on them has a reason.
    pub(super) fn silent(&self) -> ByNumber<bool> {
        let mut silent = ByNumber::default();
        for judged in self.judged.iter().filter(|judged| judged.is_silent()) {
            silent.change(judged.facts.node.into(), |is_silent: &mut bool| *is_silent = true);
        }
        silent
    }

    /// How many stand how, by data centre.
    pub(super) fn counts(&self) -> BTreeMap<u32, NodeCounts> {
        let mut counts: BTreeMap<u32, NodeCounts> = BTreeMap::new();
        for judged in &self.judged {
            let count = counts.entry(judged.facts.data_centre).or_default();
            count.known += 1;
            count.suspect += u32::from(matches!(judged.state, NodeState::Suspect { .. }));
            count.lost += u32::from(matches!(judged.state, NodeState::Lost { .. }));
        }
        counts
    }

    /// Gives up at most one node in each data centre: the one that is silent for longest, if its
    /// grace is over, its data centre and its rack are not held and none was given up lately.
    pub(super) fn give_up(&mut self, held: &BTreeSet<u32>, held_racks: &BTreeSet<u32>, wakeup: &mut Wakeup) {
        let now = self.now;
        self.losses.values_mut().for_each(|at| *at = (*at).min(now));
        self.losses.retain(|_, at| now.since(*at) < LOSS_INTERVAL);
        let mut ripe: Vec<(u32, Timestamp, ComputeNodeId, usize)> = Vec::new();
        for (place, judged) in self.judged.iter().enumerate() {
            let is_held = held.contains(&judged.facts.data_centre) || held_racks.contains(&judged.facts.rack);
            let Some((since, due)) = judged.due().filter(|_| !is_held) else { continue };
            wakeup.at(due);
            if due <= now {
                ripe.push((judged.facts.data_centre, since, judged.facts.id, place));
            }
        }
        ripe.sort_unstable();
        for (data_centre, since, _, place) in ripe {
            if let Some(last) = self.losses.get(&data_centre) {
                wakeup.at(last.after(LOSS_INTERVAL));
                continue;
            }
            self.losses.insert(data_centre, now);
            self.judged[place].state = NodeState::Lost { since, confirmed_at: now };
        }
    }

    /// Those that are not healthy, by number.
    pub(super) fn conditions(&self) -> Vec<NodeCondition> {
        let unwell = self.judged.iter().filter(|judged| judged.state != NodeState::Healthy);
        unwell.map(|judged| NodeCondition { node: judged.facts.node, state: judged.state }).collect()
    }

    /// What to remember.
    pub(super) fn memory(&self, wakeup: &mut Wakeup) -> NodeMemory {
        let mut nodes = BTreeMap::new();
        for judged in &self.judged {
            if let NodeState::Returned { at } = judged.state {
                wakeup.at(at.after(SETTLE));
            }
            // Draining is a fact of each moment and needs no memory.
            if !matches!(judged.state, NodeState::Healthy | NodeState::Draining { .. }) {
                nodes.entry(judged.facts.id).or_insert(judged.state);
            }
        }
        NodeMemory { nodes, losses: self.losses.clone() }
    }
}

impl Judged {
    fn is_silent(&self) -> bool {
        self.evidence == Evidence::Wavering || matches!(self.state, NodeState::Suspect { .. } | NodeState::Lost { .. })
    }

    /// Since when it is silent and when it may be given up; `None` when nothing is to be gained.
    fn due(&self) -> Option<(Timestamp, Timestamp)> {
        match (self.state, self.evidence) {
            (NodeState::Suspect { since }, Evidence::Silent { .. }) => Some((since, since.after(self.grace?))),
            _ => None,
        }
    }
}

fn witnesses(sifted: &Sifted<'_>) -> (ByNumber<Witnesses>, ByNumber<Witnesses>) {
    let (mut on_node, mut around) = (ByNumber::<Witnesses>::default(), ByNumber::<Witnesses>::default());
    for seen in sifted.instances() {
        let count = |witnesses: &mut Witnesses, is_failing: bool| {
            witnesses.there += 1;
            witnesses.checked += u32::from(seen.outcome != Outcome::Unchecked);
            witnesses.grace =
                Some(witnesses.grace.map_or(seen.group.node_grace, |least| least.min(seen.group.node_grace)));
            if is_failing {
                witnesses.failing += 1;
                witnesses.failing_since = witnesses.failing_since.max(Some(seen.facts.since));
            }
        };
        // Whoever answers shows that its node is alive, however ill it is itself.
        on_node.change(seen.facts.node.into(), |on| count(on, seen.outcome == Outcome::Failing));
        around.change(seen.group.data_centre.into(), |around| count(around, seen.outcome.is_failing()));
    }
    (on_node, around)
}

fn evidence(facts: &NodeFacts, on: Witnesses, around: Witnesses, wakeup: &mut Wakeup) -> Evidence {
    match facts.heartbeat {
        Some(Heartbeat::Down { since }) => Evidence::Silent { since },
        Some(Heartbeat::Running { at }) => silent_since(at, wakeup).unwrap_or(Evidence::Alive),
        None => testimony(facts, on, around, wakeup),
    }
}

/// What a tenant can tell: only probes, and what the data centre shows. That nothing changes on a
/// node tells nothing of it: on one that is well nothing changes either.
fn testimony(facts: &NodeFacts, on: Witnesses, around: Witnesses, wakeup: &mut Wakeup) -> Evidence {
    if on.there == 0 {
        return Evidence::Nothing;
    }
    if on.failing < on.checked {
        return Evidence::Alive;
    }
    let Some(failing_since) = on.failing_since.filter(|_| do_others_pass(on, around)) else { return Evidence::Unknown };
    let since = match facts.out_of_contact_since {
        _ if on.checked >= WITNESSES => failing_since,
        Some(since) => failing_since.max(since),
        None => return Evidence::Unknown,
    };
    silent_since(since, wakeup).unwrap_or(Evidence::Wavering)
}

/// Whether the rest of the data centre is well enough to show that the fault is not ours.
fn do_others_pass(on: Witnesses, around: Witnesses) -> bool {
    let checked = around.checked.saturating_sub(on.checked);
    let failing = around.failing.saturating_sub(on.failing);
    failing < checked && !is_share(failing, checked, DATA_CENTRE_SHARE_PERCENT)
}

fn silent_since(since: Timestamp, wakeup: &mut Wakeup) -> Option<Evidence> {
    let suspect_at = since.after(SILENCE);
    wakeup.at(suspect_at);
    (suspect_at <= wakeup.now()).then_some(Evidence::Silent { since })
}

fn next_state(before: NodeState, facts: &NodeFacts, evidence: Evidence, now: Timestamp) -> NodeState {
    use NodeState::{Draining, Healthy, Lost, Returned, Suspect};
    match (before, evidence) {
        (Suspect { .. } | Lost { .. }, Evidence::Alive) => Returned { at: now },
        (Suspect { .. } | Lost { .. }, Evidence::Silent { .. } | Evidence::Wavering | Evidence::Unknown) => before,
        (Suspect { .. } | Lost { .. } | Returned { .. }, Evidence::Nothing) => Healthy,
        (Healthy | Returned { .. } | Draining { .. }, evidence) => match (facts.draining_since, evidence) {
            (Some(since), _) => Draining { since },
            (None, Evidence::Silent { since }) => Suspect { since },
            (None, _) => settled(before, now),
        },
    }
}

fn settled(before: NodeState, now: Timestamp) -> NodeState {
    match before {
        NodeState::Returned { at } if now.since(at) < SETTLE => NodeState::Returned { at: at.min(now) },
        _ => NodeState::Healthy,
    }
}
