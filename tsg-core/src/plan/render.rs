//! Plans in words.
//!
//! Owns every sentence about a plan, for the command line, the API and the logs alike. Must
//! never decide anything; the types did.

use core::fmt;
use core::time::Duration;

use super::input::ViewTrust;
use super::memory::Setback;
use super::output::{Action, Block, Class, GroupStatus, Plan, PlannedAction, Reason, Report, VictimRank, Wait};
use crate::model::time::Timestamp;
use crate::protocol::create::Refusal;

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
        match self.value.action {
            Action::Create { operation, revision } => write!(out, "create {operation} from revision {revision}")?,
            Action::Cancel { operation } => write!(out, "cancel {operation}")?,
            Action::Delete { operation, .. } => write!(out, "delete {operation}")?,
            Action::Start { operation, .. } => write!(out, "start {operation}")?,
        }
        write!(out, ": {}", in_words(&self.value.reason, self.now))
    }
}

impl fmt::Display for InWords<'_, Reason> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Reason::BelowCapacity { occupied, wanted } => write!(out, "the group has {occupied} of {wanted}"),
            Reason::AboveCapacity { occupied, wanted, rank } => {
                write!(out, "the group has {occupied} of {wanted}, and this one {rank}")
            }
            Reason::TearDown => out.write_str("the group is being deleted"),
            Reason::ProvisioningFailed => out.write_str("its provisioning failed"),
            Reason::ProvisioningOverdue { since } => {
                write!(out, "it has been provisioning for {}", Length(self.now.since(*since)))
            }
            Reason::Stopped { starts: 0 } => out.write_str("it is stopped"),
            Reason::Stopped { starts } => write!(out, "it is stopped after {}", Count(*starts, "start")),
            Reason::WouldNotStart { starts } => write!(out, "it is still stopped after {}", Count(*starts, "start")),
        }
    }
}

impl fmt::Display for InWords<'_, Wait> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.value {
            Wait::Answers { count } => write!(out, "waits for the answer to {}", Count(count, "create")),
            Wait::Evidence { count } => write!(out, "waits for evidence about {} in doubt", Count(count, "create")),
            Wait::Dispatch { count } => write!(out, "waits for {} to be sent", Count(count, "create")),
            Wait::Provisioning { count } => write!(out, "waits for {} to come up", Count(count, "machine")),
            Wait::Destruction { count } => write!(out, "waits for {} to be destroyed", Count(count, "machine")),
            Wait::Absence { count } => {
                write!(out, "waits for proof that {} no list shows is gone", Count(count, "machine"))
            }
            Wait::Stopping { count } => write!(out, "waits for {} to finish stopping", Count(count, "machine")),
            Wait::Slots { count } => write!(out, "waits for slots for {}", Count(count, "create")),
            Wait::Window { count, window } => {
                write!(out, "waits for the slow start with {}; {window} at once so far", Count(count, "create"))
            }
            Wait::StartDelay { until } => write!(out, "starts again {}", Distance { to: until, now: self.now }),
            Wait::Budget { count } => write!(out, "waits for a shared budget with {}", Count(count, "step")),
        }
    }
}

impl fmt::Display for InWords<'_, Block> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.value {
            Block::Frozen => out.write_str("blocked: a person has stopped this group"),
            Block::CreatesRefused(backoff) => {
                let distance = Distance { to: backoff.until, now: self.now };
                write!(out, "blocked: {}; pause {}, tries one {distance}", backoff.cause, backoff.times)
            }
            Block::View(trust) => write!(out, "blocked: {}", distrust(trust)),
            Block::Protected { count } => {
                write!(out, "blocked: {} to be deleted, but protected against it", Count(count, "machine"))
            }
            Block::OutOfContact { count } => {
                write!(out, "blocked: {} out of contact, not proved gone", Count(count, "machine"))
            }
            Block::Unhealthy { count } => {
                write!(out, "blocked: {} running but unhealthy", Count(count, "machine"))
            }
            Block::Orphans { count } => {
                write!(out, "blocked: {} with this group's tags, not members of it", Count(count, "machine"))
            }
        }
    }
}

impl fmt::Display for GroupStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Converged => "converged",
            Self::Converging => "converging",
            Self::Blocked => "blocked",
            Self::Held => "held",
            Self::Frozen => "frozen",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        })
    }
}

impl fmt::Display for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Leaving => "leaving",
            Self::Intended => "planned",
            Self::Requested => "requested",
            Self::InDoubt => "in doubt",
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::OutOfContact => "out of contact",
            Self::Overdue => "overdue",
            Self::Starting => "starting",
            Self::Stopped => "stopped",
            Self::Unhealthy => "unhealthy",
            Self::Serving => "serving",
        })
    }
}

impl fmt::Display for VictimRank {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unsent => "was not sent yet",
            Self::Broken => "is stopped",
            Self::Unhealthy => "is unhealthy",
            Self::OutOfContact => "is out of contact",
            Self::Starting => "is not up yet",
            Self::OldRevision => "is of another revision",
            Self::Crowded => "is on the fullest compute node",
            Self::Oldest => "is the oldest",
        })
    }
}

impl fmt::Display for Setback {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Refused(cause) => refusal(*cause),
            Self::ProvisioningFailed => "new machines fail to come up",
        })
    }
}

const fn distrust(trust: ViewTrust) -> &'static str {
    match trust {
        ViewTrust::Unobserved => "the account was not seen yet",
        // Never a block; said all the same, so that no trust is without words.
        ViewTrust::Trusted => "the account is seen well",
        ViewTrust::Distrusted => {
            "too many machines vanished or changed at once; nothing is believed until it agrees again"
        }
        ViewTrust::LockedOut => "the cloud does not accept this account's credentials",
        ViewTrust::LedgerBehind => {
            "the cloud shows operations that the ledger has forgotten; was an old store restored?"
        }
    }
}

const fn refusal(cause: Refusal) -> &'static str {
    match cause {
        Refusal::Credentials => "the credentials are not accepted",
        Refusal::Permission => "the account may not create machines",
        Refusal::Quota => "the quota is used up",
        Refusal::Throttled => "the cloud is throttling",
        Refusal::Capacity => "no compute node has room",
        Refusal::Request => "the cloud refuses the template",
        Refusal::Maintenance => "the cloud is in maintenance",
        Refusal::Unreachable => "the cloud cannot be reached",
    }
}

/// A number of things: "1 machine", "2 machines".
struct Count<N>(N, &'static str);

impl<N: fmt::Display + Into<u32> + Copy> fmt::Display for Count<N> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.into() == 1 { "" } else { "s" };
        write!(out, "{} {}{plural}", self.0, self.1)
    }
}

/// A moment as a distance: "in 45 s", "now".
struct Distance {
    to: Timestamp,
    now: Timestamp,
}

impl fmt::Display for Distance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.to <= self.now {
            return out.write_str("now");
        }
        write!(out, "in {}", Length(self.to.since(self.now)))
    }
}

/// A duration in its largest useful unit: "45 s", "15 min", "65 h".
struct Length(Duration);

impl fmt::Display for Length {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded up, so that what is left is never told as nothing.
        let seconds = self.0.as_millis().div_ceil(1000);
        match seconds {
            0..=119 => write!(out, "{seconds} s"),
            120..=7199 => write!(out, "{} min", seconds / 60),
            _ => write!(out, "{} h", seconds / 3600),
        }
    }
}
