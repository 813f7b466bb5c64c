//! Errands: what was decided to do to a machine and is not done yet.
//!
//! Owns the record that survives a crash between the decision and the request. Whoever finds one
//! sends it again; must never be one that does harm when it is done twice.

use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::TemplateId;
use super::time::Timestamp;

/// First wait before an errand is sent again; doubles with each request.
const AGAIN_FIRST: Duration = Duration::from_secs(10);
/// Longest wait before an errand is sent again.
const AGAIN_MAX: Duration = Duration::from_secs(300);
/// Requests after which an errand is given up: about three quarters of an hour.
const REQUESTS_MAX: u32 = 12;

/// What is to be done to a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrandKind {
    /// Restart it.
    Restart,
    /// Take it out of discovery and tell its guest.
    Drain,
    /// Tell its guest that it stays after all, and list it.
    Undrain,
    /// Shut it down.
    Stop,
    /// Give it the size of the operation's template, then its labels.
    Resize {
        /// The templates that its labels may come from.
        from: Vec<TemplateId>,
    },
    /// Give it the labels of the operation's template.
    Update {
        /// The templates that its labels may come from.
        from: Vec<TemplateId>,
    },
}

impl ErrandKind {
    /// The templates that the machine's labels may come from, if they are to change.
    pub fn from(&self) -> &[TemplateId] {
        match self {
            Self::Resize { from } | Self::Update { from } => from,
            Self::Restart | Self::Drain | Self::Undrain | Self::Stop => &[],
        }
    }

    /// Whether the machine does not count as proven before it is done.
    pub const fn is_trial(&self) -> bool {
        matches!(self, Self::Restart | Self::Resize { .. } | Self::Update { .. })
    }
}

/// What was decided to do to a machine and is not done yet.
///
/// ```
/// use tsg_core::model::errand::{Errand, ErrandKind};
/// use tsg_core::model::time::Timestamp;
///
/// let decided_at = Timestamp::from_millis(1_800_000_000_000);
/// let mut errand = Errand::new(ErrandKind::Stop, decided_at);
/// assert_eq!(errand.due_at(), decided_at);
/// errand.note_sent(decided_at);
/// assert_eq!(errand.due_at().since(decided_at).as_secs(), 10);
/// assert!(!errand.is_spent());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// What.
    pub kind: ErrandKind,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// How many requests were dispatched.
    pub attempts: u32,
    /// When the newest was dispatched.
    pub last_sent_at: Option<Timestamp>,
}

impl Errand {
    /// One that nothing was sent for.
    pub const fn new(kind: ErrandKind, decided_at: Timestamp) -> Self {
        Self { kind, decided_at, attempts: 0, last_sent_at: None }
    }

    /// A request for it is about to leave.
    pub fn note_sent(&mut self, at: Timestamp) {
        self.attempts = self.attempts.saturating_add(1);
        self.last_sent_at = Some(at);
    }

    /// When the next request may leave.
    pub fn due_at(&self) -> Timestamp {
        match (self.last_sent_at, self.attempts.checked_sub(1)) {
            (Some(last), Some(doublings)) => {
                last.after(AGAIN_FIRST.saturating_mul(1 << doublings.min(10)).min(AGAIN_MAX))
            }
            _ => self.decided_at,
        }
    }

    /// Whether it was tried so often that it is given up.
    pub const fn is_spent(&self) -> bool {
        self.attempts >= REQUESTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_is_repeated_less_and_less_often_and_given_up() {
        let mut errand = Errand::new(ErrandKind::Drain, Timestamp::EPOCH);
        let mut waits = Vec::new();
        let mut now = Timestamp::EPOCH;
        while !errand.is_spent() {
            errand.note_sent(now);
            waits.push(errand.due_at().since(now).as_secs());
            now = errand.due_at();
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300, 300, 300, 300, 300]);
    }
}
