//! A machine's audit trail: finished jobs, newest first.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// What a finished job did, as far as a wait hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditAction {
    /// The machine was made.
    Provision,
    /// It was started.
    Start,
    /// It was stopped.
    Stop,
    /// It was rebooted.
    Reboot,
    /// It was renamed.
    Rename,
    /// It was resized.
    Resize,
    /// It was destroyed.
    Destroy,
    /// Tags were added, replaced or removed.
    Tags,
    /// Metadata was added, replaced or removed.
    Metadata,
    /// Deletion protection was switched.
    DeletionProtection,
    /// Anything else.
    Other,
}

impl AuditAction {
    fn from_wire(text: &str) -> Self {
        match text {
            "provision" => Self::Provision,
            "start" => Self::Start,
            "stop" => Self::Stop,
            "reboot" => Self::Reboot,
            "rename" => Self::Rename,
            "resize" => Self::Resize,
            "destroy" => Self::Destroy,
            "set_tags" | "replace_tags" | "remove_tags" => Self::Tags,
            "set_metadata" | "replace_metadata" | "remove_metadata" => Self::Metadata,
            "enable_deletion_protection" | "disable_deletion_protection" => Self::DeletionProtection,
            _ => Self::Other,
        }
    }
}

/// One finished job.
#[derive(Clone, Debug, Deserialize)]
pub struct AuditEntry {
    /// What it did.
    #[serde(deserialize_with = "read_action")]
    pub action: AuditAction,
    /// Whether it succeeded.
    #[serde(rename = "success", deserialize_with = "read_success")]
    pub succeeded: bool,
    /// When it ended.
    pub time: Timestamp,
}

fn read_action<'de, D: Deserializer<'de>>(from: D) -> Result<AuditAction, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
    Ok(AuditAction::from_wire(&text))
}

/// CloudAPI writes `"yes"` and `"no"`.
fn read_success<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
    Ok(text == "yes")
}
