//! The engine's pace and waits as settings.
//!
//! Owns which waits may be set and how short they may be. Must never let a real data centre be
//! worked with on shorter waits than the protocol was derived for.

use std::time::Duration;

use tsg_core::protocol::timing::ProtocolTiming;
use tsg_engine::EngineConfig;

use super::error::ConfigError;
use super::raw::RawSettings;

/// The engine's settings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EngineSettings {
    /// The data centre is a simulated one on this machine: shorter waits are allowed.
    pub simulated_datacenter: bool,
    /// How each account's engine works.
    pub config: EngineConfig,
}

/// The waits by name, in the order of the documentation.
const WAITS: [(&str, &str); 7] = [
    ("engine.quiet", "quiet"),
    ("engine.quiet_gap", "quiet_gap"),
    ("engine.absence_gap", "absence_gap"),
    ("engine.provisioning_grace", "provisioning_grace"),
    ("engine.delete_repeat", "delete_repeat"),
    ("engine.list_limit", "list_limit"),
    ("engine.keep_closed", "keep_closed"),
];

fn wait_mut<'t>(timing: &'t mut ProtocolTiming, name: &str) -> &'t mut Duration {
    match name {
        "quiet" => &mut timing.quiet,
        "quiet_gap" => &mut timing.quiet_gap,
        "absence_gap" => &mut timing.absence_gap,
        "provisioning_grace" => &mut timing.provisioning_grace,
        "delete_repeat" => &mut timing.delete_repeat,
        "list_limit" => &mut timing.list_limit,
        _ => &mut timing.keep_closed,
    }
}

impl EngineSettings {
    pub(super) fn read(&mut self, raw: &RawSettings) -> Result<(), ConfigError> {
        set(&mut self.simulated_datacenter, raw.switch("engine.simulated_datacenter")?);
        self.read_pace(raw)?;
        let timing = &mut self.config.timing;
        set(&mut timing.send_guard, raw.duration("engine.send_guard")?);
        for (key, name) in WAITS {
            set(wait_mut(timing, name), raw.duration(key)?);
        }
        let few = "a whole number from 1 to 100";
        let small = |text: &str| text.parse::<u8>().ok().filter(|count| (1..=100).contains(count));
        set(&mut timing.quiet_lookups, raw.parsed("engine.quiet_lookups", few, small)?);
        set(&mut timing.attempts_max, raw.parsed("engine.attempts_max", few, small)?);
        Ok(())
    }

    fn read_pace(&mut self, raw: &RawSettings) -> Result<(), ConfigError> {
        let config = &mut self.config;
        let rate = |text: &str| text.parse::<f64>().ok().filter(|rate| (0.1..=1000.0).contains(rate));
        set(
            &mut config.requests_per_second,
            raw.parsed("engine.requests_per_second", "a number from 0.1 to 1000", rate)?,
        );
        let whole = "a whole number from 1 to 1000";
        let bounded = |text: &str| text.parse::<u32>().ok().filter(|count| (1..=1000).contains(count));
        set(&mut config.burst, raw.parsed("engine.burst", whole, bounded)?);
        set(&mut config.creates_in_flight_max, raw.parsed("engine.creates_in_flight_max", whole, bounded)?);
        set(&mut config.unasked_per_minute, raw.parsed("engine.unasked_per_minute", whole, bounded)?);
        set(&mut config.list_interval_min, raw.duration("engine.list_interval_min")?);
        set(&mut config.list_interval_awaited, raw.duration("engine.list_interval_awaited")?);
        set(&mut config.list_interval_max, raw.duration("engine.list_interval_max")?);
        set(&mut config.unasked_gap, raw.duration("engine.unasked_gap")?);
        set(&mut config.ramp, raw.duration("engine.ramp")?);
        set(&mut config.forget_after, raw.duration("engine.forget_after")?);
        Ok(())
    }

    /// Refuses waits shorter than the protocol's own, and a guard longer than its own: those are
    /// what keeps "never more than capacity" true against a real CloudAPI.
    pub(super) fn require_safe_timing(&self) -> Result<(), ConfigError> {
        let (mut given, mut least) = (self.config.timing.clone(), ProtocolTiming::default());
        if given.send_guard > least.send_guard {
            return Err(ConfigError::LongSendGuard { given: given.send_guard, most: least.send_guard });
        }
        for (_, key) in WAITS.into_iter().filter(|(_, name)| !is_free(name)) {
            let (given, least) = (*wait_mut(&mut given, key), *wait_mut(&mut least, key));
            if given < least {
                return Err(ConfigError::UnsafeTiming { key, given, least });
            }
        }
        if given.quiet_lookups < least.quiet_lookups {
            return Err(ConfigError::FewLookups { given: given.quiet_lookups, least: least.quiet_lookups });
        }
        Ok(())
    }
}

/// Waits that carry no safety: shortening them costs requests or memory, nothing else.
fn is_free(name: &str) -> bool {
    matches!(name, "delete_repeat" | "list_limit")
}

pub(super) fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
