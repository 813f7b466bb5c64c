//! A deployment to be assessed. Owns what its parts are like unless a test says otherwise; must
//! never be reachable from production code.

use core::time::Duration;

use tsg_core::model::id::{AccountId, ComputeNodeId, GroupId};
use tsg_core::model::time::Timestamp;
use tsg_core::storm::input::{
    DataCentreFacts, GroupFacts, Heartbeat, InstanceFacts, NO_NUMBER, NodeFacts, Outcome, Probe, ProberFacts, Sight,
};
use tsg_core::storm::rates::BudgetRates;
use tsg_core::storm::spend::{Needs, Unused};
use tsg_core::storm::{StormInput, StormMemory, StormOutput, assess};
use uuid::Uuid;

pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Everything an assessment is given.
#[derive(Debug, Clone)]
pub struct Scene {
    pub now: Timestamp,
    pub started_at: Timestamp,
    pub data_centres: Vec<DataCentreFacts>,
    pub nodes: Vec<NodeFacts>,
    pub probers: Vec<ProberFacts>,
    pub groups: Vec<GroupFacts>,
    pub instances: Vec<InstanceFacts>,
    pub unused: Vec<Unused>,
    pub rates: BudgetRates,
    pub memory: StormMemory,
}

pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

pub fn group_id(number: u32) -> GroupId {
    GroupId::new(Uuid::from_u128(number.into()))
}

pub fn account_id(number: u32) -> AccountId {
    AccountId::from_directory(Uuid::from_u128(number.into()))
}

pub fn data_centre(number: u32) -> DataCentreFacts {
    DataCentreFacts { data_centre: number, ping: Probe::Passing, sight: Sight::Seen { agreeing: 9 } }
}

pub fn group(number: u32, data_centre: u32) -> GroupFacts {
    GroupFacts {
        group: group_id(number),
        account: account_id(number / 10),
        data_centre,
        needs: Needs::default(),
        node_grace: minutes(10),
        overridden: 0,
    }
}

/// A compute node in a rack of ten, as a tenant sees it.
pub fn node(number: u32, data_centre: u32) -> NodeFacts {
    NodeFacts {
        node: number,
        id: ComputeNodeId::new(Uuid::from_u128(u128::from(number) + 1000)),
        rack: number / 10,
        data_centre,
        heartbeat: None,
        out_of_contact_since: None,
        draining_since: None,
    }
}

pub fn instance(group: u32, node: u32) -> InstanceFacts {
    InstanceFacts {
        since: NOW.before(minutes(60)),
        group,
        node,
        image: NO_NUMBER,
        revision: 1,
        check: NO_NUMBER,
        prober: NO_NUMBER,
        outcome: Outcome::Passing,
    }
}

impl Scene {
    /// One data centre that is seen, and an hour behind the start.
    pub fn calm() -> Self {
        Self {
            now: NOW,
            started_at: NOW.before(minutes(60)),
            data_centres: vec![data_centre(0)],
            nodes: Vec::new(),
            probers: Vec::new(),
            groups: Vec::new(),
            instances: Vec::new(),
            unused: Vec::new(),
            rates: BudgetRates::default(),
            memory: StormMemory::default(),
        }
    }

    /// Compute nodes in one data centre with so many instances each, of groups that have ten.
    pub fn with_nodes(nodes: u32, on_each: u32) -> Self {
        let mut scene = Self::calm();
        scene.nodes = (0..nodes).map(|number| node(number, 0)).collect();
        let count = nodes * on_each;
        scene.groups = (0..count.div_ceil(10)).map(|number| group(number, 0)).collect();
        // Neighbours on a node are of different groups.
        let groups = u32::try_from(scene.groups.len()).unwrap().max(1);
        scene.instances = (0..count).map(|number| instance(number % groups, number / on_each)).collect();
        scene
    }

    /// Lets everything of this kind fail since a while.
    pub fn fail(&mut self, since: Duration, is_meant: impl Fn(&InstanceFacts) -> bool) {
        let since = self.now.before(since);
        for facts in self.instances.iter_mut().filter(|facts| is_meant(facts) && facts.outcome != Outcome::Failing) {
            (facts.outcome, facts.since) = (Outcome::Failing, since);
        }
    }

    /// Lets everything of this kind pass again.
    pub fn mend(&mut self, is_meant: impl Fn(&InstanceFacts) -> bool) {
        for facts in self.instances.iter_mut().filter(|facts| is_meant(facts)) {
            (facts.outcome, facts.since) = (Outcome::Passing, self.now);
        }
    }

    /// Gives every node a heartbeat just now.
    pub fn beat(&mut self) {
        let at = self.now;
        self.nodes.iter_mut().for_each(|facts| facts.heartbeat = Some(Heartbeat::Running { at }));
    }

    pub fn input(&self) -> StormInput<'_> {
        StormInput {
            now: self.now,
            started_at: self.started_at,
            data_centres: &self.data_centres,
            nodes: &self.nodes,
            probers: &self.probers,
            groups: &self.groups,
            instances: &self.instances,
            unused: &self.unused,
            rates: &self.rates,
            memory: &self.memory,
        }
    }

    /// Assesses, and remembers.
    pub fn assess(&mut self) -> StormOutput {
        let output = assess(&self.input());
        self.memory = output.memory.clone();
        self.unused.clear();
        output
    }

    /// Assesses later.
    pub fn later(&mut self, by: Duration) -> StormOutput {
        self.now = self.now.after(by);
        self.assess()
    }
}
