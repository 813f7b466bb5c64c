//! How many instances come up together. Owns the start policy; must never count who is starting.

use serde::{Deserialize, Serialize};

use super::invalid::{InvalidPolicy, share, some};
use crate::model::amount::Amount;

/// The `start` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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

impl StartPolicy {
    pub(super) fn check(&self) -> Result<(), InvalidPolicy> {
        share("start.parallel", self.parallel)?;
        some("start.parallel", self.parallel.is_zero(), "nothing could ever start", "1 or more, or \"100%\"")
    }
}
