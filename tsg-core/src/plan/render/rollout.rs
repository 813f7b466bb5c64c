//! Rollouts in words.

use core::fmt;

use super::InWords;
use super::measure::{Count, Length};
use crate::plan::memory::{Failure, RolloutState};
use crate::plan::output::RolloutReport;

impl fmt::Display for InWords<'_, RolloutReport> {
    /// Nothing is said of one that is done, nor of a group's first: that is its capacity.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RolloutReport { course, changed, available, remaining } = self.value;
        let is_silent = course.is_first && course.state != RolloutState::FailedHold;
        if is_silent || (course.state == RolloutState::Successful && *remaining == 0) {
            return Ok(());
        }
        write!(
            out,
            "\n  rollout of revision {}: {}; {changed} changed, {available} available, {remaining} to go",
            course.target, course.state
        )
    }
}

impl fmt::Display for InWords<'_, Failure> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.value {
            Failure::Instances { failed, tolerated } => {
                write!(out, "{} failed, {tolerated} tolerated", Count(failed, "new instance"))
            }
            Failure::NoProgress { since } => {
                write!(out, "it has not come forward for {}", Length(self.now.since(since)))
            }
            Failure::Aborted => out.write_str("a person gave it up"),
        }
    }
}
