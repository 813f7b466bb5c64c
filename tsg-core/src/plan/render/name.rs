//! The names of states, classes, ranks and causes.

use core::fmt;

use crate::model::revision::Disruption;
use crate::plan::input::ViewTrust;
use crate::plan::memory::{RolloutState, Setback, SuspensionCause};
use crate::plan::output::{Class, GroupStatus, VictimRank};
use crate::protocol::create::Refusal;

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
            Self::Retiring => "on their way out",
            Self::Kept => "kept",
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::OutOfContact => "out of contact",
            Self::Stranded => "on a silent compute node",
            Self::Overdue => "overdue",
            Self::Starting => "starting",
            Self::Stopped => "stopped",
            Self::Unhealthy => "unhealthy",
            Self::Unlisted => "not listed",
            Self::Serving => "serving",
        })
    }
}

impl fmt::Display for VictimRank {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unsent => "was not sent yet",
            Self::BeyondOrdinals => "has no ordinal to keep",
            Self::Named => "was named",
            Self::Broken => "is stopped or failed",
            Self::Unhealthy => "is unhealthy",
            Self::OutOfContact => "is out of contact",
            Self::Evacuated => "is on a compute node that is silent or to be emptied",
            Self::Starting => "does not serve yet",
            Self::OldRevision => "is of another revision",
            Self::Idle => "is idle",
            Self::Cheap => "costs the least",
            Self::Crowded => "is where most of the group is",
            Self::Oldest => "is the oldest",
            Self::Newest => "is the newest",
            Self::Drawn => "was drawn by lot",
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

impl fmt::Display for RolloutState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Planned => "planned",
            Self::Canary => "canary",
            Self::AwaitingPromotion => "awaiting promotion",
            Self::Rolling => "rolling",
            Self::Checkpoint => "checkpoint",
            Self::Baking => "baking",
            Self::Reverting => "reverting",
            Self::Successful => "successful",
            Self::Reverted => "reverted",
            Self::FailedHold => "failed, held",
        })
    }
}

impl fmt::Display for SuspensionCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RetriesSpent { retries } => write!(out, "one place was filled anew {retries} times in vain"),
            Self::LineagesFail { lineages, revision } => {
                write!(out, "{lineages} replacements of revision {revision} died young")
            }
        }
    }
}

/// What a change does to an instance, as a thing.
pub(super) const fn disruption(disruption: Disruption) -> &'static str {
    match disruption {
        Disruption::None => "nothing",
        Disruption::InPlace => "a change in place",
        Disruption::Resize => "a resize",
        Disruption::Replace => "a replacement",
    }
}

/// What an update does to an instance, as a verb.
pub(super) const fn of_update(disruption: Disruption) -> &'static str {
    match disruption {
        Disruption::None | Disruption::InPlace => "update",
        Disruption::Resize => "resize",
        Disruption::Replace => "replace",
    }
}

pub(super) const fn distrust(trust: ViewTrust) -> &'static str {
    match trust {
        ViewTrust::Unobserved => "the account was not seen yet, or not for too long",
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
