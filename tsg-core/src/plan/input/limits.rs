//! What a plan may do at most, decided across groups. Owns the budgets of one round; must never
//! hold a policy of the group.

use serde::{Deserialize, Serialize};

/// What a plan may do at most, decided across groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Instances over the capacity that may always exist, whatever the group is doing.
    pub surge: u32,
    /// Instances that may exist at most: what quota, or the compute nodes under a hard rule,
    /// have room for.
    pub most_instances: u32,
    /// New creates in this round, on top of the group's own window.
    pub creates: u32,
    /// New removals that the user asked for (scale-in, tear-down, rollout) in this round.
    pub asked_deletes: u32,
    /// New removals that nobody asked for (repair) in this round.
    pub unasked_deletes: u32,
    /// New starts and restarts in this round.
    pub starts: u32,
    /// How many machines that carry an operation of this group, but are not bound, occupy slots.
    pub orphans: u32,
    /// Members that vanished since the user's last change, within the window of `max_unhealthy`.
    pub lost_recently: u32,
    /// Members of the capacity that discovery is to answer with at least, whatever the policy allows.
    #[serde(default)]
    pub least_listed: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            surge: 0,
            most_instances: u32::MAX,
            creates: u32::MAX,
            asked_deletes: u32::MAX,
            unasked_deletes: u32::MAX,
            starts: u32::MAX,
            orphans: 0,
            lost_recently: 0,
            least_listed: 0,
        }
    }
}
