//! How an instance is taken out of service, and what is kept of it.
//!
//! Owns the stop policy. Must never decide which instance goes.

use serde::{Deserialize, Serialize};

use super::invalid::{InvalidPolicy, some};
use crate::model::span::Span;

/// How an instance is given time to finish its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrainPolicy {
    /// The wait between its removal from DNS and what follows. Default: 0.
    pub delay: Span,
    /// The longest wait for the guest to say that it has drained; 0: it is not asked. Default: 0.
    pub timeout: Span,
}

/// Whether an instance is shut down before it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// It is deleted as it runs.
    #[default]
    Immediate,
    /// It is stopped first, which lets its services end in order.
    Graceful,
}

/// Which instances are stopped and kept rather than deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preserve {
    /// None.
    #[default]
    Never,
    /// Those that failed, so that somebody can look into them.
    Failed,
    /// All of them.
    Always,
}

/// The `stop` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StopPolicy {
    /// How an instance is given time to finish its work. Default: none.
    pub drain: DrainPolicy,
    /// Whether it is shut down before it is deleted. Default: no, it is deleted as it runs.
    pub shutdown: Shutdown,
    /// How long a graceful shutdown may take. Default: 60 s.
    pub shutdown_timeout: Span,
    /// Which instances are kept. Default: none.
    pub preserve: Preserve,
    /// How long they are kept. Default: 24 h.
    pub preserve_for: Span,
    /// How many are kept for each group; the oldest is deleted for the next. Default: 3.
    pub preserve_max: u32,
}

impl Default for StopPolicy {
    fn default() -> Self {
        Self {
            drain: DrainPolicy::default(),
            shutdown: Shutdown::Immediate,
            shutdown_timeout: Span::from_secs(60),
            preserve: Preserve::Never,
            preserve_for: Span::from_hours(24),
            preserve_max: 3,
        }
    }
}

impl StopPolicy {
    pub(super) fn check(&self) -> Result<(), InvalidPolicy> {
        let has_no_time = self.shutdown == Shutdown::Graceful && self.shutdown_timeout.is_zero();
        some(
            "stop.shutdown_timeout",
            has_no_time,
            "nothing could shut down in time",
            "\"1m\", or `shutdown: immediate`",
        )?;
        let (is_kept, instead) = (self.preserve != Preserve::Never, "1 or more, or `preserve: never`");
        some("stop.preserve_max", is_kept && self.preserve_max == 0, "nothing could be kept", instead)?;
        let instead = "\"1d\", or `preserve: never`";
        some("stop.preserve_for", is_kept && self.preserve_for.is_zero(), "nothing would be kept", instead)
    }
}
