//! How a server keeps up with a simulated data centre in which time passes faster.
//!
//! Owns the arithmetic. It must never be used with a real data centre, whose times are the protocol's own.

use std::time::Duration;

use tsg_server::config::EngineSettings;

/// The most requests for each second that make sense over loopback.
const REQUESTS_PER_SECOND_MAX: f64 = 200.0;

/// Divides every wait by the speed of the data centre, and multiplies the requests it allows.
pub(crate) fn keep_up(settings: &mut EngineSettings, speed: f64) {
    settings.simulated_datacenter = true;
    let config = &mut settings.config;
    let timing = &mut config.timing;
    let waits = [
        &mut timing.quiet,
        &mut timing.quiet_gap,
        &mut timing.absence_gap,
        &mut timing.provisioning_grace,
        &mut timing.delete_repeat,
        &mut config.list_interval_min,
        &mut config.list_interval_awaited,
        &mut config.list_interval_max,
        &mut config.unasked_gap,
        &mut config.ramp,
        &mut config.forget_after,
    ];
    for wait in waits {
        *wait = shortened(*wait, speed);
    }
    config.requests_per_second = (config.requests_per_second * speed.max(1.0)).min(REQUESTS_PER_SECOND_MAX);
}

/// A wait is never stretched, and never shortened to nothing.
fn shortened(wait: Duration, speed: f64) -> Duration {
    wait.div_f64(speed.max(1.0)).max(Duration::from_millis(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_shrink_with_the_speed_and_a_slow_data_centre_changes_none() {
        let shipped = EngineSettings::default();
        let mut fast = shipped.clone();
        keep_up(&mut fast, 20.0);
        assert_eq!(fast.config.timing.quiet, shipped.config.timing.quiet / 20);
        assert_eq!(fast.config.timing.send_guard, shipped.config.timing.send_guard);
        let mut slow = shipped.clone();
        keep_up(&mut slow, 0.5);
        assert_eq!(slow.config, shipped.config);
    }
}
