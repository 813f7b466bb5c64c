//! How one account's engine is set up. Owns the defaults and where they come from.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use tsg_core::placement::topology::Topology;
use tsg_core::protocol::timing::ProtocolTiming;

/// How one account's engine works. The defaults suit CloudAPI as it is shipped.
///
/// ```
/// use tsg_engine::EngineConfig;
///
/// let config = EngineConfig::default();
/// assert!(config.requests_per_second < 10.0, "below CloudAPI's own limit");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// The protocol's waits.
    pub timing: ProtocolTiming,
    /// Requests for each second. CloudAPI is shipped with 10; the margin is for what the host
    /// itself asks (0.4) and for clocks that do not agree, so that it never refuses one.
    pub requests_per_second: f64,
    /// Requests at once after a pause. CloudAPI is shipped with 30, of which the host takes 3.
    pub burst: u32,
    /// Creates unanswered at once in the whole account, at most. Triton places one machine at a
    /// time and gives up on one that waited 180 s, so this bound shrinks when answers get slow.
    pub creates_in_flight_max: u32,
    /// Least time between the starts of two complete lists.
    pub list_interval_min: Duration,
    /// The same while machines come or go: each step of a rollout waits for a list twice, once
    /// until what went is gone and once until what came runs.
    pub list_interval_awaited: Duration,
    /// Most time between the starts of two complete lists while requests are answered.
    pub list_interval_max: Duration,
    /// Share of the requests that complete lists may take while creates wait: together with the
    /// margin of the rate it keeps a scale-out within 5 % of the fastest there can be.
    pub list_share_busy: f64,
    /// Share of the requests that complete lists may take otherwise.
    pub list_share_idle: f64,
    /// Deletes and starts that nobody asked for, in the whole account, for each minute.
    pub unasked_per_minute: u32,
    /// Least time between two deletes that nobody asked for in one group.
    pub unasked_gap: Duration,
    /// How long after its start an engine takes to allow itself all unasked actions.
    pub ramp: Duration,
    /// A group that is torn down is forgotten this long after its last operation closed, so
    /// that lists which still show its machines are understood.
    pub forget_after: Duration,
    /// Where the compute nodes stand, as far as somebody knows: CloudAPI shows their ids and no
    /// more. Rules about racks need it.
    pub topology: Topology,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            timing: ProtocolTiming::default(),
            requests_per_second: 9.5,
            burst: 26,
            creates_in_flight_max: 100,
            list_interval_min: Duration::from_secs(5),
            list_interval_awaited: Duration::from_secs(1),
            list_interval_max: Duration::from_secs(120),
            list_share_busy: 0.015,
            list_share_idle: 0.20,
            unasked_per_minute: 20,
            unasked_gap: Duration::from_secs(10),
            ramp: Duration::from_secs(5 * 60),
            forget_after: Duration::from_secs(3600),
            topology: Topology::default(),
        }
    }
}
