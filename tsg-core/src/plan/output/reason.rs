//! Why a step is taken. Owns the reasons and the victim ranks, with their numbers; must never
//! hold a sentence.

use serde::{Deserialize, Serialize};

use crate::model::id::OperationId;
use crate::model::operation::Cause;
use crate::model::time::Timestamp;

/// Why a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The group has fewer members than it should.
    BelowCapacity {
        /// How many it has.
        occupied: u32,
        /// How many it should have.
        wanted: u32,
    },
    /// The group has more members than it should; this one goes first because of `rank`.
    AboveCapacity {
        /// How many it has.
        occupied: u32,
        /// How many it should have.
        wanted: u32,
        /// What decided that this one goes.
        rank: VictimRank,
    },
    /// The group is being deleted.
    TearDown,
    /// Its provisioning failed.
    ProvisioningFailed,
    /// It has been provisioning longer than is legitimate.
    ProvisioningOverdue {
        /// Since when.
        since: Timestamp,
    },
    /// It is stopped.
    Stopped {
        /// Start requests within the restart interval so far.
        starts: u8,
    },
    /// It would not start.
    WouldNotStart {
        /// Start requests within the restart interval so far.
        starts: u8,
    },
    /// It is unhealthy.
    Unhealthy {
        /// Since when.
        since: Timestamp,
        /// Restarts within the restart interval so far.
        restarts: u8,
    },
    /// It is still unhealthy after every restart the policy allows.
    StaysUnhealthy {
        /// Since when.
        since: Timestamp,
        /// Restarts within the restart interval so far.
        restarts: u8,
    },
    /// It did not become healthy within `healthy_deadline`.
    NeverHealthy {
        /// Since when it was waited for.
        since: Timestamp,
    },
    /// Its compute node is lost.
    NodeLost {
        /// Which.
        node: u32,
        /// Since when it is silent.
        since: Timestamp,
    },
    /// Its compute node is to be emptied.
    NodeDraining {
        /// Which.
        node: u32,
    },
    /// Its compute node came back from a reboot and left it stopped.
    NodeRestarted {
        /// Which.
        node: u32,
    },
    /// A person said that it is broken.
    MarkedBroken,
    /// It takes the place of one that is given up.
    Succeeds {
        /// Which.
        predecessor: OperationId,
        /// How many replacements of that slot died young before.
        retries: u8,
    },
    /// Its successor has proved itself.
    Succeeded {
        /// How many proven members there are.
        available: u32,
        /// How many there have to be.
        wanted: u32,
    },
    /// One repair to find out whether repairs help again.
    ProbeRepair {
        /// Since when repairs are suspended.
        since: Timestamp,
    },
    /// A canary of a new revision.
    Canary {
        /// The new revision.
        revision: u32,
        /// How many canaries there are to be.
        of: u32,
    },
    /// The group moves to another revision.
    RolledOut {
        /// From which; 0 for several.
        from: u32,
        /// To which.
        to: u32,
    },
    /// The group moves back to the newest stable revision.
    RolledBack {
        /// From which.
        from: u32,
        /// To which.
        to: u32,
    },
    /// A person asked for it to be replaced.
    Reprovisioned,
    /// A person asked for it to be restarted.
    RestartAsked,
    /// It was drained.
    Drained {
        /// Since when it was draining.
        since: Timestamp,
        /// Whether its guest said that it was done.
        is_acknowledged: bool,
        /// What it is removed for.
        cause: Cause,
    },
    /// It has been shut down, or would not shut down in time.
    ShutDown {
        /// Since when it was shutting down.
        since: Timestamp,
        /// What it is removed for.
        cause: Cause,
    },
    /// It was kept as long as the policy says, or newer ones are kept instead.
    KeptLongEnough {
        /// Since when.
        since: Timestamp,
    },
    /// One that was given up serves again after its replacement had taken its place; one of them goes.
    ReturnedLate {
        /// The compute node that the one given up is on;
        /// [`NO_NODE`](super::super::input::NO_NODE) where nobody knows.
        node: u32,
    },
}

impl Reason {
    /// Whether a start or restart for this reason is one of the attempts that the restart policy
    /// counts: only what the instance did itself is held against it.
    ///
    /// ```
    /// use tsg_core::model::{operation::Cause, time::Timestamp};
    /// use tsg_core::plan::output::Reason;
    ///
    /// let unhealthy = Reason::Unhealthy { since: Timestamp::EPOCH, restarts: 0 };
    /// assert!(unhealthy.uses_attempt() && !Reason::RestartAsked.uses_attempt());
    /// assert_eq!((unhealthy.cause(), Reason::RestartAsked.cause()), (Cause::Repair, Cause::Rollout));
    /// ```
    pub const fn uses_attempt(self) -> bool {
        matches!(self, Self::Stopped { .. } | Self::Unhealthy { .. })
    }

    /// The cause to record with an operation or its removal.
    pub const fn cause(self) -> Cause {
        match self {
            Self::BelowCapacity { .. } => Cause::Capacity,
            Self::AboveCapacity { .. } => Cause::ScaleIn,
            Self::TearDown => Cause::TearDown,
            Self::Canary { .. }
            | Self::RolledOut { .. }
            | Self::RolledBack { .. }
            | Self::Reprovisioned
            | Self::RestartAsked => Cause::Rollout,
            Self::Drained { cause, .. } | Self::ShutDown { cause, .. } => cause,
            Self::KeptLongEnough { .. } => Cause::Expiry,
            Self::ProvisioningFailed
            | Self::ProvisioningOverdue { .. }
            | Self::Stopped { .. }
            | Self::WouldNotStart { .. }
            | Self::Unhealthy { .. }
            | Self::StaysUnhealthy { .. }
            | Self::NeverHealthy { .. }
            | Self::NodeLost { .. }
            | Self::NodeDraining { .. }
            | Self::NodeRestarted { .. }
            | Self::MarkedBroken
            | Self::Succeeds { .. }
            | Self::Succeeded { .. }
            | Self::ProbeRepair { .. }
            | Self::ReturnedLate { .. } => Cause::Repair,
        }
    }
}

/// What decides who goes first in a scale-in; earlier variants go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VictimRank {
    /// Not sent yet: costs nothing.
    Unsent,
    /// Its ordinal is beyond the capacity.
    BeyondOrdinals,
    /// Named by a person.
    Named,
    /// Failed, stopped, or never became healthy.
    Broken,
    /// Unhealthy.
    Unhealthy,
    /// Missing or out of contact.
    OutOfContact,
    /// On a compute node that is suspect, lost, or to be emptied.
    Evacuated,
    /// Still being provisioned, or not listed in discovery yet.
    Starting,
    /// Not of the revision that the group is on.
    OldRevision,
    /// Its guest says that it is idle while others are busy.
    Idle,
    /// Its guest says that it costs less than others.
    Cheap,
    /// In the data centre, the rack or on the compute node that holds most of the group.
    Crowded,
    /// The oldest.
    Oldest,
    /// The newest.
    Newest,
    /// Drawn by lot.
    Drawn,
}

impl VictimRank {
    /// All of them, in order.
    pub const ALL: [Self; 15] = [
        Self::Unsent,
        Self::BeyondOrdinals,
        Self::Named,
        Self::Broken,
        Self::Unhealthy,
        Self::OutOfContact,
        Self::Evacuated,
        Self::Starting,
        Self::OldRevision,
        Self::Idle,
        Self::Cheap,
        Self::Crowded,
        Self::Oldest,
        Self::Newest,
        Self::Drawn,
    ];
}
