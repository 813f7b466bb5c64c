//! What is wrong beyond single instances: compute nodes that fell silent, and failures that have
//! one cause.
//!
//! Owns the account's own assessment and when it is made anew. What it remembers is gone with the
//! run, so that another engine waits once more before it gives up a node. Must never touch an
//! instance: the planner is told, and decides.

use std::collections::{BTreeMap, BTreeSet};

use core::time::Duration;

use tsg_core::health::check::CheckSpec;
use tsg_core::health::contact::Contact;
use tsg_core::health::verdict::Judgement;
use tsg_core::model::group::Group;
use tsg_core::model::id::{GroupId, ImageId, InstanceId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Operation;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::join::find_instance;
use tsg_core::observe::lasting::Shown;
use tsg_core::plan::input::{Conditions, Limits, NodeCondition, RepairHold, Verdict, ViewTrust};
use tsg_core::storm::holds::{AGREEING_NEEDED, Hold, HoldCause, Stop};
use tsg_core::storm::input::{
    DataCentreFacts, GroupFacts, InstanceFacts, NO_NUMBER, NodeFacts, Outcome, Probe, Sight, StormInput,
};
use tsg_core::storm::output::Allowance;
use tsg_core::storm::rates::BudgetRates;
use tsg_core::storm::spend::Needs;
use tsg_core::storm::{StormMemory, StormOutput, assess};

use super::Session;
use super::health::{has_checks, is_in_service};
use super::terrain::HERE;

/// Between two assessments; longer with many instances, so that they never take a large part of a
/// processor.
const GAP: Duration = Duration::from_secs(1);
/// Instances that are assessed in each millisecond at most.
const INSTANCES_PER_MILLI: u64 = 20;
/// Whether what fails still answers is looked at so often: that is no news of its health.
const ANSWERS: Duration = Duration::from_secs(15);
/// One that was told to start or restart is not out of service by itself for so long.
const RESTARTING: Duration = Duration::from_secs(5 * 60);

/// What the last assessment came to.
#[derive(Default)]
pub(super) struct Weather {
    memory: StormMemory,
    /// Compute nodes that are not simply well.
    nodes: Vec<NodeCondition>,
    holds: BTreeMap<GroupId, GroupHold>,
    numbers: Numbers,
    is_stale: bool,
    not_before: Duration,
    wake_at: Option<Duration>,
}

/// What holds a group, as its planner is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GroupHold {
    hold: Hold,
    /// `None` where the planner knows no such hold: then limits alone stop it.
    told: Option<RepairHold>,
}

/// Numbers that stay the same while the memory is kept.
#[derive(Default)]
struct Numbers {
    images: BTreeMap<ImageId, u32>,
    checks: BTreeMap<GroupId, u32>,
    /// A number that was given is never given again.
    next_check: u32,
}

/// Everything that an assessment is made from.
#[derive(Default)]
struct Facts {
    groups: Vec<GroupFacts>,
    instances: Vec<InstanceFacts>,
    nodes: Vec<NodeFacts>,
}

impl Weather {
    /// Something is believed, or seen, that was not before.
    pub(super) fn note_news(&mut self) {
        self.is_stale = true;
    }

    /// When the next assessment is to be made.
    pub(super) fn due_at(&self) -> Option<Duration> {
        let at = if self.is_stale { Some(Duration::ZERO) } else { self.wake_at };
        at.map(|at| at.max(self.not_before))
    }

    /// What holds a group.
    pub(super) fn hold(&self, group: GroupId) -> Option<Hold> {
        self.holds.get(&group).map(|held| held.hold)
    }

    /// What the planner of a group is told.
    pub(super) fn conditions(&self, group: GroupId) -> Conditions<'_> {
        let hold = self.holds.get(&group).and_then(|held| held.told);
        Conditions { nodes: &self.nodes, hold, ..Conditions::default() }
    }

    /// What holds leave of a group's limits where its planner knows no such hold.
    pub(super) fn limits(&self, group: GroupId, limits: Limits) -> Limits {
        let stop = self.holds.get(&group).filter(|held| held.told.is_none()).map(|held| held.hold.cause.stops());
        match stop {
            Some(Stop::Replacing) => Limits { unasked_deletes: 0, ..limits },
            Some(Stop::Repair | Stop::Everything) => Limits { unasked_deletes: 0, starts: 0, ..limits },
            Some(Stop::Losses) | None => limits,
        }
    }
}

impl Session {
    /// Looks at all groups that have checks at once, if there is news.
    pub(super) fn assess_storm(&mut self) {
        let now = self.monotonic();
        if self.health.is_none() || self.weather.due_at().is_none_or(|at| at > now) {
            return;
        }
        self.weather.is_stale = false;
        self.weather.wake_at = None;
        self.weather.not_before = now + GAP;
        // The next list that can be believed is news.
        if self.view().trust != ViewTrust::Trusted {
            return;
        }
        let facts = self.storm_facts();
        self.weather.not_before =
            now + GAP.max(Duration::from_millis(facts.instances.len() as u64 / INSTANCES_PER_MILLI));
        let output = facts.assess(self.now(), &self.weather.memory);
        self.take_in_storm(output, facts.groups.len());
        if facts.instances.iter().any(|instance| instance.outcome.is_failing()) {
            let again = now + ANSWERS;
            self.weather.wake_at = Some(self.weather.wake_at.map_or(again, |at| at.min(again)));
        }
    }

    fn take_in_storm(&mut self, output: StormOutput, groups: usize) {
        let nodes = output.planner_nodes();
        if nodes != self.weather.nodes {
            tracing::warn!(account = %self.account, ?nodes, "compute nodes stand otherwise than before");
            self.tell_nodes(&self.weather.nodes, &nodes);
            self.weather.nodes = nodes;
            self.mark_all_dirty();
        }
        let held = output.allowances.iter().filter_map(|allowance| group_hold(allowance, groups));
        let holds: BTreeMap<GroupId, GroupHold> = held.collect();
        let before = std::mem::take(&mut self.weather.holds);
        let all: BTreeSet<GroupId> = before.keys().chain(holds.keys()).copied().collect();
        for group in all.into_iter().filter(|group| before.get(group) != holds.get(group)) {
            if let Some(held) = holds.get(&group) {
                tracing::warn!(%group, hold = %held.hold, "repair is held");
            }
            self.mark_dirty(group);
        }
        self.weather.holds = holds;
        self.weather.wake_at = output.next_wakeup.map(|at| self.when(at));
        self.weather.memory = output.memory;
    }

    fn storm_facts(&mut self) -> Facts {
        let mut numbers = std::mem::take(&mut self.weather.numbers);
        let mut facts = Facts::default();
        let mut out_of_contact: BTreeMap<u32, Timestamp> = BTreeMap::new();
        for (id, ledger) in self.books.groups().filter(|(_, ledger)| has_checks(ledger.group())) {
            let number = u32::try_from(facts.groups.len()).unwrap_or(NO_NUMBER);
            facts.groups.push(self.group_facts(id, ledger.group()));
            let check = numbers.check(id, ledger.group());
            for operation in ledger.open().filter(|operation| is_in_service(operation)) {
                let Some(instance) = self.instance_facts(ledger.group(), operation, &mut numbers) else { continue };
                facts.instances.push(InstanceFacts { group: number, check, ..instance });
                if instance.outcome.is_failing()
                    && let Some((node, since)) = self.out_of_contact(operation)
                {
                    out_of_contact.entry(node).and_modify(|first| *first = since.min(*first)).or_insert(since);
                }
            }
        }
        let nodes: BTreeSet<u32> = facts.instances.iter().map(|instance| instance.node).collect();
        let node_facts = |node: u32| self.node_facts(node, out_of_contact.get(&node).copied());
        facts.nodes = nodes.into_iter().filter_map(node_facts).collect();
        numbers.checks.retain(|id, _| self.books.group(*id).is_some());
        self.weather.numbers = numbers;
        facts
    }

    fn group_facts(&self, id: GroupId, group: &Group) -> GroupFacts {
        GroupFacts {
            group: id,
            account: self.account,
            data_centre: HERE,
            // What may be spent is counted elsewhere.
            needs: Needs::default(),
            node_grace: group.policy.node_loss_grace().as_duration(),
            overridden: 0,
        }
    }

    fn instance_facts(&self, group: &Group, operation: &Operation, numbers: &mut Numbers) -> Option<InstanceFacts> {
        let instance = operation.instance?;
        let shown = self.sight.lasting.shown(instance)?;
        let seen = find_instance(&self.sight.snapshot, instance)?;
        let (outcome, since) = self.outcome(group, operation, shown);
        Some(InstanceFacts {
            since,
            group: NO_NUMBER,
            node: shown.compute_node,
            image: numbers.image(seen.image),
            revision: operation.revision,
            check: NO_NUMBER,
            prober: NO_NUMBER,
            outcome,
        })
    }

    fn outcome(&self, group: &Group, operation: &Operation, shown: &Shown) -> (Outcome, Timestamp) {
        let state_since = shown.lasting().map(|lasting| lasting.state_since).unwrap_or_default();
        if shown.state != InstanceState::Running {
            let restarted = operation.restarts.within(RESTARTING, self.now()) > 0 || operation.errand.is_some();
            return if restarted { (Outcome::Unchecked, state_since) } else { (Outcome::Failing, state_since) };
        }
        let Some(judgement) = self.judgement(group, shown.id) else { return (Outcome::Unchecked, state_since) };
        let outcome = match judgement.verdict {
            Verdict::Healthy | Verdict::Degraded => Outcome::Passing,
            Verdict::Unhealthy | Verdict::Recovering => return self.failing(shown.id, &judgement),
            Verdict::Starting | Verdict::Unknown => Outcome::Unchecked,
        };
        (outcome, judgement.since)
    }

    /// What one that fails says of its node.
    fn failing(&self, instance: InstanceId, judgement: &Judgement) -> (Outcome, Timestamp) {
        match self.health.as_ref().map_or(Contact::Silent, |health| health.contact(instance)) {
            Contact::Answers => (Outcome::Answering, judgement.since),
            // Nobody has asked it since it was started again: it may answer yet.
            Contact::Unheard if judgement.verdict == Verdict::Recovering => (Outcome::Failing, self.now()),
            Contact::Silent | Contact::Unheard => (Outcome::Failing, judgement.since),
        }
    }

    /// The node of an instance with which the data centre lost contact, and since when it says so.
    /// A state that nobody knows says nothing of the node.
    fn out_of_contact(&self, operation: &Operation) -> Option<(u32, Timestamp)> {
        let shown = self.sight.lasting.shown(operation.instance?)?;
        let since = shown.lasting().filter(|_| shown.state == InstanceState::Offline)?.state_since;
        Some((shown.compute_node, since))
    }

    fn node_facts(&self, node: u32, out_of_contact_since: Option<Timestamp>) -> Option<NodeFacts> {
        let id = self.sight.lasting.node(node)?;
        let rack = self.terrain.rack(&self.config.topology, id);
        Some(NodeFacts {
            node,
            id,
            rack: rack.unwrap_or(NO_NUMBER),
            data_centre: HERE,
            heartbeat: None,
            out_of_contact_since,
            draining_since: None,
        })
    }
}

impl Facts {
    fn assess(&self, now: Timestamp, memory: &StormMemory) -> StormOutput {
        // Whether the cloud answers and can be believed was looked at before.
        let here = DataCentreFacts {
            data_centre: HERE,
            ping: Probe::Passing,
            sight: Sight::Seen { agreeing: AGREEING_NEEDED },
        };
        assess(&StormInput {
            now,
            started_at: Timestamp::EPOCH,
            data_centres: &[here],
            nodes: &self.nodes,
            probers: &[],
            groups: &self.groups,
            instances: &self.instances,
            unused: &[],
            rates: &BudgetRates::default(),
            memory,
        })
    }
}

impl Numbers {
    fn image(&mut self, image: ImageId) -> u32 {
        let next = u32::try_from(self.images.len()).unwrap_or(NO_NUMBER);
        *self.images.entry(image).or_insert(next)
    }

    /// The check that judges all of a group; of several nobody knows which one lets all pass.
    fn check(&mut self, id: GroupId, group: &Group) -> u32 {
        let is_live = |check: &&CheckSpec| check.purpose.is_live();
        let live = group.health.iter().flat_map(|health| &health.checks).filter(is_live).count();
        if live != 1 {
            return NO_NUMBER;
        }
        *self.checks.entry(id).or_insert_with(|| {
            self.next_check += 1;
            self.next_check
        })
    }
}

/// Of a single group its own `max_unhealthy` says more than a hold for all does.
fn group_hold(allowance: &Allowance, groups: usize) -> Option<(GroupId, GroupHold)> {
    let is_of_all = |hold: &Hold| matches!(hold.cause, HoldCause::MostFail { .. } | HoldCause::Degrading { .. });
    let hold = allowance.hold.filter(|hold| groups > 1 || !is_of_all(hold))?;
    Some((allowance.group, GroupHold { hold, told: allowance.repair_hold() }))
}
