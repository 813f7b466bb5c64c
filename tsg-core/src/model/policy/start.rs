//! How many instances come up together. Owns the start policy; must never count who is starting.

use crate::model::amount::Amount;

/// The `start` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StartPolicy {
    /// How many instances may be starting at once; a share rounds down, to one at least.
    /// Default: 100 %.
    pub parallel: Amount,
}

impl Default for StartPolicy {
    fn default() -> Self {
        Self { parallel: Amount::Percent(100) }
    }
}
