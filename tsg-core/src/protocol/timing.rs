//! How long the protocol waits, and why. Owns the figures; must never be shortened below what
//! CloudAPI itself guarantees outside of a simulated data centre.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// The protocol's waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolTiming {
    /// A create that has not left this long after its dispatch began is dropped unsent.
    pub send_guard: Duration,
    /// An attempt in doubt may be repeated no sooner than this after it was sent: 300 s of
    /// signature life, 120 s of the proxy, and the placement queue.
    pub quiet: Duration,
    /// Complete negative look-ups needed before an attempt counts as quiet.
    pub quiet_lookups: u8,
    /// Least time between two of them.
    pub quiet_gap: Duration,
    /// Create requests for one operation at most.
    pub attempts_max: u8,
    /// Least time between two 404 answers that together prove absence.
    pub absence_gap: Duration,
    /// A machine may legitimately be `provisioning` this long: 3,810 s of workflow, rounded up.
    pub provisioning_grace: Duration,
    /// A DELETE is repeated this long after the last one when the machine is still there.
    pub delete_repeat: Duration,
    /// A complete list must be made within this time.
    pub list_limit: Duration,
    /// Closed operations are kept this long, for late arrivals.
    pub keep_closed: Duration,
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

impl Default for ProtocolTiming {
    fn default() -> Self {
        Self {
            send_guard: seconds(10),
            quiet: seconds(15 * 60),
            quiet_lookups: 3,
            quiet_gap: seconds(60),
            attempts_max: 3,
            absence_gap: seconds(60),
            provisioning_grace: seconds(65 * 60),
            delete_repeat: seconds(60),
            list_limit: seconds(60),
            keep_closed: seconds(90 * 24 * 3600),
        }
    }
}
