//! When an instance is given up and another one made for it.
//!
//! Owns the replacement policy. Must never count replacements; that is memory, not policy.

use serde::{Deserialize, Serialize};

use super::invalid::{InvalidPolicy, back_off, share, some};
use crate::model::amount::Amount;
use crate::model::span::Span;

/// Whether unhealthy instances are replaced at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplaceMode {
    /// Without being asked.
    #[default]
    Automatic,
    /// Reported only; a person decides.
    DetectOnly,
}

/// Which of the two comes first, the new instance or the old one's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplaceOrder {
    /// The new one is made and healthy before the old one goes.
    #[default]
    StartFirst,
    /// The old one goes, then the new one is made.
    StopFirst,
}

/// The `replace` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplacePolicy {
    /// Whether unhealthy instances are replaced at all. Default: automatic.
    pub mode: ReplaceMode,
    /// The wait before an instance that was given up is replaced; each retry waits twice as long.
    /// Default: 30 s.
    pub delay: Span,
    /// The longest such wait. Default: 1 h.
    pub max_delay: Span,
    /// How many replacements of replacements are made before repairs are suspended. Default: 5.
    pub max_retries: u8,
    /// How long a replacement must live for its own failure to be a new problem rather than a
    /// retry of the old one. Default: 1 h.
    pub min_healthy_period: Span,
    /// Which comes first. Default: the new one.
    pub order: ReplaceOrder,
    /// How many repairs may be under way at once; a share rounds down, to one at least.
    /// Default: 10 %.
    pub in_flight: Amount,
}

impl Default for ReplacePolicy {
    fn default() -> Self {
        Self {
            mode: ReplaceMode::Automatic,
            delay: Span::from_secs(30),
            max_delay: Span::from_hours(1),
            max_retries: 5,
            min_healthy_period: Span::from_hours(1),
            order: ReplaceOrder::StartFirst,
            in_flight: Amount::Percent(10),
        }
    }
}

impl ReplacePolicy {
    pub(super) fn check(&self) -> Result<(), InvalidPolicy> {
        share("replace.in_flight", self.in_flight)?;
        let instead = "1 or more, or `mode: detect_only` to replace nothing";
        some("replace.in_flight", self.in_flight.is_zero(), "nothing could ever be repaired", instead)?;
        back_off("replace", self.delay, self.max_delay)
    }
}
