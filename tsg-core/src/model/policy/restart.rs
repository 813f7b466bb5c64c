//! When an instance that fails is started again, and how often.
//!
//! Owns the restart policy. Must never count restarts; that is memory, not policy.

use crate::model::span::Span;

/// What an instance is restarted after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RestartConditions {
    /// Nothing: what fails goes straight to a replacement.
    Never,
    /// Its own failure.
    OnFailure,
    /// The return of its compute node.
    OnCnRestart,
    /// Either of the two.
    #[default]
    OnFailureOrCnRestart,
    /// Either of the two, and a person who stopped it.
    Always,
}

impl RestartConditions {
    /// Whether an instance that failed is restarted.
    pub const fn on_failure(self) -> bool {
        matches!(self, Self::OnFailure | Self::OnFailureOrCnRestart | Self::Always)
    }

    /// Whether an instance that its compute node brought down is started again.
    pub const fn on_cn_restart(self) -> bool {
        matches!(self, Self::OnCnRestart | Self::OnFailureOrCnRestart | Self::Always)
    }

    /// Whether even an instance that a person stopped is started again.
    pub const fn always(self) -> bool {
        matches!(self, Self::Always)
    }
}

/// The `restart` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RestartPolicy {
    /// What an instance is restarted after. Default: its own failure and its node's return.
    pub condition: RestartConditions,
    /// How many restarts an instance gets within `interval` before it is replaced; 0 to 8.
    /// Default: 3.
    pub attempts: u8,
    /// The sliding interval over which attempts are counted. Default: 30 min.
    pub interval: Span,
    /// The wait before the first restart; each one after it waits twice as long. Default: 15 s.
    pub delay: Span,
    /// The longest such wait. Default: 5 min.
    pub max_delay: Span,
    /// How long a restarted instance may take to be healthy again. Default: 120 s.
    pub window: Span,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            condition: RestartConditions::OnFailureOrCnRestart,
            attempts: 3,
            interval: Span::from_mins(30),
            delay: Span::from_secs(15),
            max_delay: Span::from_mins(5),
            window: Span::from_secs(120),
        }
    }
}
