//! A cloud that is as even as can be, and what a forecast says that comes of a scene in it.

use core::time::Duration;

use tsg_core::plan::forecast::{Faults, Forecast, Latency, Model, forecast};

use super::table::Scene;

/// So many seconds.
pub const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A cloud in which everything takes the same time, as fast as it is told.
pub const EVEN: Model = Model {
    provisioning: Latency::Fixed(secs(20)),
    healthy_after: Duration::ZERO,
    destroy: secs(10),
    drain: secs(30),
    shutdown: secs(10),
    restart: secs(15),
    resize: secs(30),
    allocation: Duration::ZERO,
    requests_per_second: 0,
    nodes: 0,
    faults: Faults { failing_every: 0, unhealthy_revision: 0 },
    refill: secs(1),
    horizon: secs(7 * 24 * 3600),
    plans_max: 100_000,
};

/// What comes of a scene.
pub fn foreseen(scene: &Scene, model: &Model) -> Forecast {
    forecast(&scene.input(&scene.members), model).unwrap()
}
