//! Plans in words.
//!
//! Owns every sentence about a plan, for the command line, the API and the logs alike. Must
//! never decide anything; the types did.

mod block;
mod forecast;
mod measure;
mod name;
mod reason;
mod rollout;
mod wait;
mod why;

use core::fmt;

use super::output::{Action, Class, Plan, PlannedAction, Report};
use crate::model::time::Timestamp;
use measure::Distance;

/// A value in words, as seen from a moment: times are told as distances from it.
#[derive(Debug, Clone, Copy)]
pub struct InWords<'a, T> {
    value: &'a T,
    now: Timestamp,
}

/// Puts a plan, or a part of one, into words.
///
/// ```
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::output::Wait;
/// use tsg_core::plan::render::in_words;
///
/// let now = Timestamp::EPOCH;
/// let wait = Wait::Provisioning { count: 2 };
/// assert_eq!(in_words(&wait, now).to_string(), "waits for 2 machines to come up");
/// ```
pub const fn in_words<T>(value: &T, now: Timestamp) -> InWords<'_, T> {
    InWords { value, now }
}

impl fmt::Display for InWords<'_, Plan> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        in_words(&self.value.report, self.now).fmt(out)?;
        for action in &self.value.actions {
            write!(out, "\n  {}", in_words(action, self.now))?;
        }
        if let Some(wakeup) = self.value.next_wakeup {
            write!(out, "\n  looks again {}", Distance { to: wakeup, now: self.now })?;
        }
        Ok(())
    }
}

impl fmt::Display for InWords<'_, Report> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.value;
        write!(out, "{}: {} of {} serving", report.status, report.counts.of(Class::Serving), report.wanted)?;
        for class in Class::ALL.into_iter().filter(|class| *class != Class::Serving) {
            let count = report.counts.of(class);
            if count > 0 {
                write!(out, ", {count} {class}")?;
            }
        }
        if report.old_revision > 0 {
            write!(out, "; {} of another revision", report.old_revision)?;
        }
        if let Some(rollout) = &report.rollout {
            write!(out, "{}", in_words(rollout, self.now))?;
        }
        for wait in &report.waits {
            write!(out, "\n  {}", in_words(wait, self.now))?;
        }
        for block in &report.blocks {
            write!(out, "\n  {}", in_words(block, self.now))?;
        }
        Ok(())
    }
}

impl fmt::Display for InWords<'_, PlannedAction> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", in_words(&self.value.action, self.now), in_words(&self.value.reason, self.now))
    }
}

impl fmt::Display for InWords<'_, Action> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Action::Create { operation, revision } => write!(out, "create {operation} from revision {revision}"),
            Action::Cancel { operation } => write!(out, "cancel {operation}"),
            Action::Delete { operation, .. } => write!(out, "delete {operation}"),
            Action::Start { operation, .. } => write!(out, "start {operation}"),
            Action::Restart { operation, .. } => write!(out, "restart {operation}"),
            Action::Drain { operation, .. } => write!(out, "drain {operation}"),
            Action::Stop { operation, .. } => write!(out, "stop {operation}"),
            Action::Keep { operation, .. } => write!(out, "keep {operation}"),
            Action::Update { operation, revision, disruption, .. } => {
                write!(out, "{} {operation} to revision {revision}", name::of_update(*disruption))
            }
        }
    }
}
