//! What a world is made of and how fast it works: the parameters of a simulated data centre.
//! It never changes once a world exists; faults change behaviour, the specification does not.

use serde::{Deserialize, Serialize};

use super::rng::Latency;
use super::time::SimTime;

/// The parameters of a world. The default is a small data centre that suits a laptop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorldSpec {
    /// Everything random follows from this.
    pub seed: u64,
    /// Name of the data centre.
    pub datacenter: String,
    /// Where virtual time begins.
    pub start: SimTime,
    /// Number of racks.
    pub racks: u32,
    /// Compute nodes in each rack.
    pub servers_per_rack: u32,
    /// Memory of a compute node, in MiB.
    pub server_memory_mib: u64,
    /// Disk of a compute node, in MiB.
    pub server_disk_mib: u64,
    /// How long things take.
    pub timing: Timing,
    /// The request throttle; `None` serves everything.
    pub throttle: Option<Throttle>,
    /// How late the name service is.
    pub propagation: Propagation,
    /// How long destroyed machines answer 410 before they answer 404; `None` is for ever.
    pub history_ms: Option<u64>,
}

impl Default for WorldSpec {
    fn default() -> Self {
        Self {
            seed: 1,
            datacenter: "us-sim-1".to_owned(),
            start: SimTime::WORLD_START,
            racks: 3,
            servers_per_rack: 4,
            server_memory_mib: 512 * 1024,
            server_disk_mib: 16 * 1024 * 1024,
            timing: Timing::default(),
            throttle: Some(Throttle::default()),
            propagation: Propagation::default(),
            history_ms: None,
        }
    }
}

impl WorldSpec {
    /// The default data centre with another seed.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }
}

/// How long things take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// One request's way there and back, without the work.
    pub request: Latency,
    /// One placement. Placements are serial in the whole data centre.
    pub allocation: Latency,
    /// From the placement to the answer of a create. CloudAPI sleeps that long before it reads the
    /// new machine back (sdc-cloudapi lib/machines.js).
    pub create_reply_ms: u64,
    /// A placement that would have to wait longer than this for its turn fails.
    pub allocation_patience_ms: u64,
    /// From placement to running.
    pub provision: Latency,
    /// Halting a machine.
    pub stop: Latency,
    /// Booting a machine.
    pub start: Latency,
    /// Changing tags, metadata, name, size and switches.
    pub update: Latency,
    /// From the accepted delete to gone, without the halt of a running machine.
    pub destroy: Latency,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            request: Latency::Uniform { min_ms: 4, max_ms: 12 },
            allocation: Latency::Fixed { ms: 20 },
            create_reply_ms: 200,
            allocation_patience_ms: 180_000,
            provision: Latency::LogNormal { median_ms: 20_000.0, p99_ms: 60_000.0 },
            stop: Latency::Uniform { min_ms: 1_000, max_ms: 4_000 },
            start: Latency::Uniform { min_ms: 1_000, max_ms: 3_000 },
            update: Latency::Uniform { min_ms: 300, max_ms: 1_500 },
            destroy: Latency::Uniform { min_ms: 1_000, max_ms: 4_000 },
        }
    }
}

impl Timing {
    /// Everything a hundred times faster than life, for demonstrations and client tests.
    #[must_use]
    pub fn brisk() -> Self {
        let quick = Latency::Uniform { min_ms: 50, max_ms: 150 };
        Self {
            create_reply_ms: 20,
            provision: Latency::LogNormal { median_ms: 400.0, p99_ms: 1_200.0 },
            stop: quick,
            start: quick,
            update: quick,
            destroy: quick,
            ..Self::default()
        }
    }
}

/// The request throttle: a token bucket for each account and resource group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// Tokens that come back each second.
    pub rate_per_second: u32,
    /// Tokens of a full bucket.
    pub burst: u32,
}

impl Default for Throttle {
    /// What CloudAPI ships with.
    fn default() -> Self {
        Self { rate_per_second: 10, burst: 30 }
    }
}

/// How late the name service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Propagation {
    /// From a change to the answers that show it.
    pub delay_ms: u64,
    /// How long a compute node is silent before it counts as absent.
    pub silence_ms: u64,
    /// How long one that came back still counts as absent.
    pub settle_ms: u64,
}

impl Default for Propagation {
    /// The change feed's seconds, and triton-cns' own limits for compute nodes (lib/cn-filter.js).
    fn default() -> Self {
        Self { delay_ms: 3_000, silence_ms: 60_000, settle_ms: 120_000 }
    }
}

impl Propagation {
    /// Changes show at once, a compute node's silence too; one that came back takes its time.
    #[must_use]
    pub fn immediate() -> Self {
        Self { delay_ms: 0, silence_ms: 0, ..Self::default() }
    }
}
