//! Which instances a scale-in leaves alone. Owns that choice; must never look at an instance.

use serde::{Deserialize, Serialize};

use crate::model::span::Span;

/// The `protect` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Protection {
    /// For how long after its adoption an instance is not chosen by a scale-in, unless it is
    /// named. Default: 1 h.
    pub adopted_for: Span,
}

impl Default for Protection {
    fn default() -> Self {
        Self { adopted_for: Span::from_hours(1) }
    }
}
