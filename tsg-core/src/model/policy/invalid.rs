//! Why a policy cannot be kept.
//!
//! Owns the sentences, each with the field, what is wrong with it and what to write instead, and
//! the rules that many fields share. Must never know a rule of one block only.

use thiserror::Error;

use crate::model::amount::Amount;
use crate::model::span::Span;

/// The first rule that a policy breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidPolicy {
    /// A share of more than the whole.
    #[error("`{field}` is {percent}%, more than the whole; write at most \"100%\"")]
    OverWhole {
        /// Which field.
        field: &'static str,
        /// What it is, in percent.
        percent: u16,
    },
    /// Nothing, where nothing can work.
    #[error("`{field}` is 0, so {consequence}; write {instead}")]
    Zero {
        /// Which field.
        field: &'static str,
        /// What would come of it.
        consequence: &'static str,
        /// What to write.
        instead: &'static str,
    },
    /// A first wait that is longer than the longest.
    #[error(
        "`{block}.delay` is {delay}, longer than `{block}.max_delay`, {max_delay}; \
         write a shorter delay or a longer max_delay"
    )]
    DelayOverMax {
        /// Which block.
        block: &'static str,
        /// Its first wait.
        delay: Span,
        /// Its longest wait.
        max_delay: Span,
    },
    /// A rollout that could not take a step.
    #[error(
        "`update.max_surge` and `update.max_unavailable` are both 0, so no instance could ever be replaced; \
         write 1 for one of them"
    )]
    NoRoom,
    /// A rollout that would end before its first instance may take its time.
    #[error(
        "`update.progress_deadline` is {progress}, not longer than `update.healthy_deadline`, {healthy}, so a rollout \
         would end before an instance's time is up; write a longer one, or 0 to let the first failure end it"
    )]
    ProgressDeadline {
        /// `progress_deadline`.
        progress: Span,
        /// `healthy_deadline`.
        healthy: Span,
    },
    /// A checkpoint before the beginning or after the end.
    #[error("`update.checkpoints` has {percent}; write shares from 1 to 99, in percent, such as [25, 50]")]
    Checkpoint {
        /// The share, in percent.
        percent: u8,
    },
    /// Checkpoints out of order.
    #[error("`update.checkpoints` has {later} after {earlier}; write each once and in rising order, such as [25, 50]")]
    CheckpointOrder {
        /// The one that stands first, in percent.
        earlier: u8,
        /// The one after it, in percent.
        later: u8,
    },
    /// More restarts than are remembered.
    #[error("`restart.attempts` is {attempts}; write 0 to {most}")]
    Attempts {
        /// What it is.
        attempts: u8,
        /// What it may be.
        most: u8,
    },
    /// Restarts that are forgotten before there are so many.
    #[error(
        "`restart.attempts` is {attempts}, but the waits between so many restarts come to {waits}, and after \
         `restart.interval`, {interval}, a restart is forgotten, so no instance would ever be replaced; write fewer \
         attempts, a shorter delay or window, or a longer interval"
    )]
    AttemptsForgotten {
        /// How many.
        attempts: u8,
        /// What the waits between them come to.
        waits: Span,
        /// How long they are remembered.
        interval: Span,
    },
    /// A range without a number in it.
    #[error("`max_unhealthy.range` is [{least}-{most}], which permits nothing; write the smaller number first")]
    Range {
        /// Its lower end.
        least: u32,
        /// Its upper end.
        most: u32,
    },
}

/// Refuses a share of more than the whole.
pub(super) fn share(field: &'static str, amount: Amount) -> Result<(), InvalidPolicy> {
    match amount {
        Amount::Percent(percent) if percent > 100 => Err(InvalidPolicy::OverWhole { field, percent }),
        _ => Ok(()),
    }
}

/// Refuses nothing, with what would come of it and what to write.
pub(super) fn some(
    field: &'static str,
    is_zero: bool,
    consequence: &'static str,
    instead: &'static str,
) -> Result<(), InvalidPolicy> {
    if is_zero { Err(InvalidPolicy::Zero { field, consequence, instead }) } else { Ok(()) }
}

/// Refuses a first wait that is longer than the longest.
pub(super) fn back_off(block: &'static str, delay: Span, max_delay: Span) -> Result<(), InvalidPolicy> {
    if delay > max_delay { Err(InvalidPolicy::DelayOverMax { block, delay, max_delay }) } else { Ok(()) }
}
