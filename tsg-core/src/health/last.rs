//! What was heard of a check last.
//!
//! Owns how it is told to whoever wants to know why something is believed. Must never be what a
//! verdict is formed from: the pulse is.

use core::time::Duration;

use super::fact::{Obstruction, Outcome};
use crate::model::time::Timestamp;

/// What one prober told of one check of an instance last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastFact {
    /// The prober.
    pub prober: u16,
    /// The place of the check among those of the group.
    pub check: u16,
    /// What it found when it could tell last; `None` if it never could.
    pub told: Option<Told>,
    /// Why it could not tell when it tried last, if it could not.
    pub obstruction: Option<Obstruction>,
}

/// What a prober found when it could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What: passed, degraded or failed.
    pub outcome: Outcome,
    /// When the probe began.
    pub at: Timestamp,
    /// How long it took at least, and at most an eighth more; `None` if that is not known.
    pub took: Option<Duration>,
    /// How many facts in a row, up to this one, agree with where the check stands, or do not: as many
    /// as can be counted. Passes and degraded ones that lead away from a failure count together until
    /// it stands elsewhere. Zero for a failure in the start window, which counts for nothing.
    pub in_a_row: u16,
    /// Whether it is so old that it says nothing any more.
    pub is_stale: bool,
}
