//! Whether the instances of a group can stand in for one another. Owns that choice and nothing
//! else; must never hand out an ordinal.

use serde::{Deserialize, Serialize};

/// The `identity` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// Any instance is as good as any other.
    #[default]
    Unordered,
    /// Each instance has a number, and there are never two with the same one.
    Ordinal,
}
