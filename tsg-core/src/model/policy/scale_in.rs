//! Which instances a smaller group loses, and how many at once.
//!
//! Owns the scale-in policy. Must never rank instances.

use serde::{Deserialize, Serialize};

use super::invalid::{InvalidPolicy, share, some};
use crate::model::amount::Amount;

/// Who goes first among instances that nothing else tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleInOrder {
    /// The oldest.
    #[default]
    Oldest,
    /// The newest.
    Newest,
    /// Any, by an order that follows from their ids.
    Random,
}

/// The `scale_in` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScaleInPolicy {
    /// Who goes first. Default: the oldest.
    pub order: ScaleInOrder,
    /// How many go at once; a share rounds down, to one at least. Default: 10 %.
    pub at_once: Amount,
}

impl Default for ScaleInPolicy {
    fn default() -> Self {
        Self { order: ScaleInOrder::Oldest, at_once: Amount::Percent(10) }
    }
}

impl ScaleInPolicy {
    pub(super) fn check(&self) -> Result<(), InvalidPolicy> {
        share("scale_in.at_once", self.at_once)?;
        some("scale_in.at_once", self.at_once.is_zero(), "the group could never get smaller", "1 or more, or \"10%\"")
    }
}
