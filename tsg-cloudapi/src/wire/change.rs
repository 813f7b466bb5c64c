//! Frames of the change feed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Says that a machine changed: a hint to look, never a fact to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct ChangeHint {
    /// Which machine.
    #[serde(rename = "changedResourceId")]
    pub machine: Uuid,
}

/// The one frame a client sends; nothing arrives before it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Registration {
    resource: &'static str,
    sub_resources: [&'static str; 7],
}

impl Registration {
    /// What a group manager wants to hear of.
    pub(crate) const MACHINES: Self = Self {
        resource: "vm",
        sub_resources: ["alias", "destroyed", "nics", "owner_uuid", "server_uuid", "state", "tags"],
    };
}
