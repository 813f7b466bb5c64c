//! How much may be unhealthy before repairs do more harm than good.
//!
//! Owns the short circuit's limits. Must never judge an instance.

use crate::model::amount::Amount;
use crate::model::span::Span;

/// The `max_unhealthy` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaxUnhealthy {
    /// How many of the wanted instances may be unhealthy or missing; a share rounds down, to one
    /// at least. Default: 40 %.
    pub limit: Amount,
    /// Repairs only while so many are unhealthy, both ends included; takes the place of `limit`.
    /// Default: none.
    pub range: Option<[u32; 2]>,
    /// How far back failures are counted. Default: 10 min.
    pub window: Span,
    /// How long the group must stay under the limit before repairs go on. Default: 5 min.
    pub clear_after: Span,
    /// Whether missing capacity is made up for while repairs are held. Default: no.
    pub add_while_held: bool,
}

impl Default for MaxUnhealthy {
    fn default() -> Self {
        Self {
            limit: Amount::Percent(40),
            range: None,
            window: Span::from_mins(10),
            clear_after: Span::from_mins(5),
            add_while_held: false,
        }
    }
}

impl MaxUnhealthy {
    /// How many of `desired` instances may be unhealthy: one at least, since a limit of none
    /// would keep a group of one or two from ever healing.
    pub const fn limit_of(&self, desired: u32) -> u32 {
        self.limit.at_least_one_of(desired)
    }

    /// Whether repairs may go on with so many of `desired` instances unhealthy.
    pub const fn permits(&self, unhealthy: u32, desired: u32) -> bool {
        match self.range {
            Some([least, most]) => least <= unhealthy && unhealthy <= most,
            None => unhealthy <= self.limit_of(desired),
        }
    }
}
