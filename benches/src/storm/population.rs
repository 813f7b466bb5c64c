//! A deployment with trouble in it, made up for one run.
//!
//! Owns the input of the storm benches: groups in several data centres, their instances spread
//! over compute nodes in racks. Must never give two runs with different seeds the same order.

use core::time::Duration;

use tsg_core::model::id::{AccountId, ComputeNodeId, GroupId};
use tsg_core::model::time::Timestamp;
use tsg_core::storm::input::{
    DataCentreFacts, GroupFacts, InstanceFacts, NodeFacts, Outcome, Probe, ProberFacts, Sight, StormInput,
};
use tsg_core::storm::memory::StormMemory;
use tsg_core::storm::rates::BudgetRates;
use tsg_core::storm::spend::Needs;
use uuid::Uuid;

use crate::seeded::Seeded;

/// The moment everything is looked at.
pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

const DATA_CENTRES: u32 = 4;
const RACK_SIZE: u32 = 20;
const IMAGES: u32 = 40;
const CHECKS: u32 = 60;
const PROBERS: u32 = 3;
/// Groups that one account has.
const OF_ACCOUNT: u32 = 50;

/// What goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// One instance in a thousand fails, anywhere; hardly a group needs anything.
    Calm,
    /// A compute node, a rack, an image and a revision fail as well; many groups need something.
    Storm,
}

/// How large a deployment is.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Groups.
    pub groups: u32,
    /// Instances of each group.
    pub size: u32,
    /// Compute nodes, a multiple of the data centres and of a rack.
    pub nodes: u32,
}

/// Everything that one look is made from.
#[derive(Debug)]
pub struct Deployment {
    /// The data centres.
    pub data_centres: Vec<DataCentreFacts>,
    /// The compute nodes.
    pub nodes: Vec<NodeFacts>,
    /// The probers.
    pub probers: Vec<ProberFacts>,
    /// The groups.
    pub groups: Vec<GroupFacts>,
    /// Their instances.
    pub instances: Vec<InstanceFacts>,
    /// How much may be spent.
    pub rates: BudgetRates,
    memory: StormMemory,
}

/// What is broken in a storm.
struct Broken {
    node: u32,
    rack: u32,
    image: u32,
    group: u32,
}

impl Deployment {
    /// A deployment in random order.
    pub fn new(seed: u64, extent: Extent, weather: Weather) -> Self {
        let mut seeded = Seeded::new(seed);
        let node_of = |number| node(number, extent.nodes);
        let mut nodes: Vec<NodeFacts> = (0..extent.nodes).map(node_of).collect();
        let groups: Vec<GroupFacts> = (0..extent.groups).map(|number| group(&mut seeded, number, weather)).collect();
        let broken = Broken {
            node: 1,
            // In another data centre than the node.
            rack: (extent.nodes - 1) / RACK_SIZE,
            image: seeded.below(IMAGES),
            group: seeded.below(extent.groups),
        };
        let images: Vec<u32> = (0..extent.groups).map(|_| seeded.below(IMAGES)).collect();
        let numbers = (0..extent.groups).flat_map(|group| (0..extent.size).map(move |_| group));
        let mut instances: Vec<InstanceFacts> = numbers
            .map(|number| {
                let place = (number as usize, &groups[number as usize]);
                let mut facts = instance(&mut seeded, place, images[number as usize], extent.nodes);
                if weather == Weather::Storm && is_hit(&facts, &broken) {
                    facts.outcome = Outcome::Failing;
                    facts.since = NOW.before(Duration::from_secs(900 + u64::from(seeded.below(900))));
                }
                facts
            })
            .collect();
        seeded.shuffle(&mut nodes);
        seeded.shuffle(&mut instances);
        Self {
            data_centres: (0..DATA_CENTRES).map(data_centre).collect(),
            nodes,
            probers: (0..DATA_CENTRES)
                .flat_map(|place| (0..PROBERS).map(move |number| prober(number, place)))
                .collect(),
            groups,
            instances,
            rates: BudgetRates::default(),
            memory: StormMemory::default(),
        }
    }

    /// As the assessment takes it, an hour after the start.
    pub fn input(&self) -> StormInput<'_> {
        StormInput {
            now: NOW,
            started_at: NOW.before(Duration::from_secs(3600)),
            data_centres: &self.data_centres,
            nodes: &self.nodes,
            probers: &self.probers,
            groups: &self.groups,
            instances: &self.instances,
            unused: &[],
            rates: &self.rates,
            memory: &self.memory,
        }
    }
}

fn data_centre(number: u32) -> DataCentreFacts {
    DataCentreFacts { data_centre: number, ping: Probe::Passing, sight: Sight::Seen { agreeing: 9 } }
}

fn prober(number: u32, data_centre: u32) -> ProberFacts {
    ProberFacts { prober: number, data_centre, canary: Probe::Passing }
}

/// Neighbouring numbers are in one data centre, and mostly in one rack.
fn node(number: u32, of: u32) -> NodeFacts {
    NodeFacts {
        node: number,
        id: ComputeNodeId::new(Uuid::from_u128(u128::from(number) + 1)),
        rack: number / RACK_SIZE,
        data_centre: number / (of / DATA_CENTRES),
        heartbeat: None,
        out_of_contact_since: None,
        draining_since: None,
    }
}

fn group(seeded: &mut Seeded, number: u32, weather: Weather) -> GroupFacts {
    let needs_one_in = match weather {
        Weather::Calm => 100,
        Weather::Storm => 3,
    };
    let mut need = |most: u32| if seeded.below(needs_one_in) == 0 { 1 + seeded.below(most) } else { 0 };
    let needs = Needs { creates: need(300), asked_deletes: need(20), unasked_deletes: need(5), starts: need(5) };
    GroupFacts {
        group: GroupId::new(Uuid::from_u128(seeded.draw_wide())),
        account: AccountId::from_directory(Uuid::from_u128(u128::from(number / OF_ACCOUNT) + 1)),
        data_centre: seeded.below(DATA_CENTRES),
        needs,
        node_grace: Duration::from_secs(600),
        overridden: 0,
    }
}

fn instance(seeded: &mut Seeded, (group, facts): (usize, &GroupFacts), image: u32, nodes: u32) -> InstanceFacts {
    let of_data_centre = nodes / DATA_CENTRES;
    let fails = seeded.below(1000) == 0;
    InstanceFacts {
        // Long enough ago for nothing to count as degrading.
        since: NOW.before(Duration::from_secs(600 + u64::from(seeded.below(36_000)))),
        group: u32::try_from(group).unwrap_or(u32::MAX),
        node: facts.data_centre * of_data_centre + seeded.below(of_data_centre),
        image,
        revision: 1 + u32::from(seeded.below(10) == 0),
        check: u32::try_from(group).unwrap_or(u32::MAX) % CHECKS,
        prober: seeded.below(PROBERS),
        outcome: if fails { Outcome::Failing } else { Outcome::Passing },
    }
}

fn is_hit(facts: &InstanceFacts, broken: &Broken) -> bool {
    facts.node == broken.node
        || facts.node / RACK_SIZE == broken.rack
        || facts.image == broken.image
        || (facts.group == broken.group && facts.revision == 1)
}
