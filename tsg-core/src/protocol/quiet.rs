//! The quiet rule: when a create that nobody answered may be repeated.
//!
//! Owns the only way out of doubt without a machine. Must never conclude anything from time
//! alone: without complete negative look-ups an operation stays in doubt for ever.

use crate::model::operation::{Operation, Silence};
use crate::model::time::Timestamp;

use super::timing::ProtocolTiming;

/// Whether the account itself answers: the difference between "nothing there" and "not allowed
/// to see".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfTest {
    /// It answered within this cycle.
    Green,
    /// It did not.
    Failing,
}

/// What to do next about an operation in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuietStep {
    /// Make the two look-ups now.
    LookUp,
    /// Nothing before then.
    Wait {
        /// Until when.
        until: Timestamp,
    },
    /// Send the same operation again, as a new attempt under the same name.
    Retry,
    /// Give it up: every attempt stayed quiet. The slot is free; a late arrival may come.
    Lost,
}

/// Decides about an operation in doubt from the negative look-ups so far.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::operation::Operation;
/// use tsg_core::protocol::quiet::{QuietStep, SelfTest, note_negative, quiet};
/// use tsg_core::protocol::timing::ProtocolTiming;
///
/// let mut operation: Operation = serde_json::from_str(r#"{
///     "id": "aaaaaaaaaaaaaaaaaaaaaaaabk", "group": "00000000-0000-0000-0000-000000000001",
///     "sequence": 1, "revision": 1, "template": "00000000-0000-0000-0000-000000000002",
///     "name": "web-aaaaaaaaaaaaaaaaaaaaaaaabk", "phase": "unknown",
///     "phase_since": 1800000000000, "planned_at": 1800000000000, "cause": "capacity",
///     "attempts": [], "silence": {"negatives": 0}, "absence": {"not_found": 0}, "residue": []
/// }"#)?;
/// let (timing, doubted_at) = (ProtocolTiming::default(), operation.phase_since);
/// assert_eq!(quiet(&operation, SelfTest::Green, doubted_at, &timing), QuietStep::LookUp);
///
/// // Three look-ups find nothing, the last of them a quarter of an hour after it was sent.
/// for minute in [5, 10, 15] {
///     let at = doubted_at.after(Duration::from_secs(minute * 60));
///     operation.silence = note_negative(operation.silence, at, &timing);
/// }
/// let now = doubted_at.after(Duration::from_secs(15 * 60));
/// assert_eq!(quiet(&operation, SelfTest::Green, now, &timing), QuietStep::Retry);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn quiet(operation: &Operation, self_test: SelfTest, now: Timestamp, timing: &ProtocolTiming) -> QuietStep {
    let silence = operation.silence;
    let quiet_from = quiet_from(operation, timing);
    if is_quiet(silence, quiet_from, timing) {
        let may_repeat = operation.attempts.len() < usize::from(timing.attempts_max);
        return match self_test {
            SelfTest::Failing => QuietStep::Wait { until: now.after(timing.quiet_gap) },
            SelfTest::Green if may_repeat => QuietStep::Retry,
            SelfTest::Green => QuietStep::Lost,
        };
    }
    match next_look(silence, quiet_from, timing) {
        Some(due) if due > now => QuietStep::Wait { until: due },
        _ => QuietStep::LookUp,
    }
}

/// Counts a complete double look-up, made at `at`, that found nothing active. Look-ups that
/// follow too closely see the same stale state and count as one.
pub fn note_negative(silence: Silence, at: Timestamp, timing: &ProtocolTiming) -> Silence {
    let is_apart = silence.last_at.is_none_or(|last| at >= last.after(timing.quiet_gap));
    if is_apart { Silence { negatives: silence.negatives.saturating_add(1), last_at: Some(at) } } else { silence }
}

/// From when on nothing that was sent can take effect any more.
fn quiet_from(operation: &Operation, timing: &ProtocolTiming) -> Timestamp {
    operation.last_attempt().map_or(operation.phase_since, |attempt| attempt.sent_at).after(timing.quiet)
}

fn is_quiet(silence: Silence, quiet_from: Timestamp, timing: &ProtocolTiming) -> bool {
    silence.negatives >= timing.quiet_lookups && silence.last_at.is_some_and(|last| last >= quiet_from)
}

/// When the next look-up is due; `None` when there was none yet. The gaps double, since an
/// answer that is not there after a minute will rarely be there after two, and the last one is
/// made as soon as it can decide.
fn next_look(silence: Silence, quiet_from: Timestamp, timing: &ProtocolTiming) -> Option<Timestamp> {
    let last = silence.last_at?;
    let soonest = last.after(timing.quiet_gap);
    let doublings = u32::from(silence.negatives.saturating_sub(1)).min(16);
    let relaxed = last.after(timing.quiet_gap.saturating_mul(1 << doublings));
    Some(if last < quiet_from { relaxed.min(quiet_from).max(soonest) } else { soonest })
}
