//! One operation of a group joined with what was seen of its machine.
//!
//! Owns the dense half of a member: one cache line, no heap. Must never grow beyond it; what few
//! members have stands in [`Detail`](super::Detail).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::id::{InstanceId, OperationId};
use crate::model::instance::InstanceState;
use crate::model::operation::Phase;
use crate::model::time::Timestamp;

/// How the last complete view saw a member's machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sighting {
    /// No machine is known, so none could be seen.
    None,
    /// It was not in a complete list, and a get by its id has not proved anything yet.
    Missing,
    /// It was there.
    Present(InstanceState),
}

/// A verdict of the health policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No health policy, or no facts.
    #[default]
    Unknown,
    /// In its start window.
    Starting,
    /// Passing.
    Healthy,
    /// Passing, but not well.
    Degraded,
    /// Failing.
    Unhealthy,
    /// It failed, was started again, and has not passed since.
    Recovering,
}

impl Verdict {
    /// Of the same instance once its machine was started again: what failed is not well because of
    /// that.
    ///
    /// ```
    /// use tsg_core::plan::input::Verdict;
    /// assert_eq!(Verdict::Unhealthy.started_again(), Verdict::Recovering);
    /// assert_eq!(Verdict::Recovering.started_again(), Verdict::Recovering);
    /// assert_eq!(Verdict::Healthy.started_again(), Verdict::Starting);
    /// ```
    #[must_use]
    pub const fn started_again(self) -> Self {
        if self.is_failing() { Self::Recovering } else { Self::Starting }
    }

    /// Whether it failed when it was judged last.
    ///
    /// ```
    /// use tsg_core::plan::input::Verdict;
    /// assert!(Verdict::Unhealthy.is_failing() && Verdict::Recovering.is_failing());
    /// assert!(!Verdict::Starting.is_failing() && !Verdict::Unknown.is_failing());
    /// ```
    pub const fn is_failing(self) -> bool {
        matches!(self, Self::Unhealthy | Self::Recovering)
    }

    /// Whether it was started and has not passed since, and may still.
    ///
    /// ```
    /// use tsg_core::plan::input::Verdict;
    /// assert!(Verdict::Starting.is_coming_up() && Verdict::Recovering.is_coming_up());
    /// assert!(!Verdict::Unhealthy.is_coming_up());
    /// ```
    pub const fn is_coming_up(self) -> bool {
        matches!(self, Self::Starting | Self::Recovering)
    }
}

/// No compute node is known.
pub const NO_NODE: u32 = u32::MAX;

/// One operation of a group joined with what was seen of its machine: 64 bytes, no heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The operation.
    pub operation: OperationId,
    instance: Uuid,
    /// When the operation entered its phase.
    pub phase_since: Timestamp,
    /// Since when its sighting and verdict are what they are, as far as anybody looked.
    pub state_since: Timestamp,
    /// Dense number of the compute node, or [`NO_NODE`].
    pub compute_node: u32,
    /// The revision it was made from, or was last changed to.
    pub revision: u32,
    /// Its place in the ledger; older members have smaller ones.
    pub sequence: u32,
    /// Where the operation stands.
    pub phase: Phase,
    /// How the machine was seen.
    pub sighting: Sighting,
    /// The health policy's verdict.
    pub verdict: Verdict,
    traits: u8,
}

const _: () = assert!(core::mem::size_of::<Member>() == 64, "a member is one cache line");

const PROTECTED: u8 = 1;
const DETAILED: u8 = 1 << 1;
const UNLISTED: u8 = 1 << 2;

impl Member {
    /// A member that was just planned; the rest is set by field or by the `with_` methods.
    pub const fn planned(operation: OperationId, sequence: u32, revision: u32, at: Timestamp) -> Self {
        Self {
            operation,
            instance: Uuid::nil(),
            phase_since: at,
            state_since: at,
            compute_node: NO_NODE,
            revision,
            sequence,
            phase: Phase::Planned,
            sighting: Sighting::None,
            verdict: Verdict::Unknown,
            traits: 0,
        }
    }

    /// The machine, once bound.
    pub const fn instance(&self) -> Option<InstanceId> {
        if self.instance.is_nil() { None } else { Some(InstanceId::new(self.instance)) }
    }

    /// Whether the cloud refuses to delete it.
    pub const fn is_protected(&self) -> bool {
        self.traits & PROTECTED != 0
    }

    /// Whether there is a [`Detail`](super::Detail) of it.
    pub const fn is_detailed(&self) -> bool {
        self.traits & DETAILED != 0
    }

    /// Whether discovery does not answer with it although it should once it is well, so that it is
    /// in nobody's service yet.
    pub const fn is_unlisted(&self) -> bool {
        self.traits & UNLISTED != 0
    }

    /// Whether there is nothing more to say about it than what all members have.
    pub(crate) const fn is_common(&self) -> bool {
        self.traits & (DETAILED | UNLISTED) == 0
    }

    /// With its machine.
    #[must_use]
    pub const fn with_instance(mut self, instance: InstanceId) -> Self {
        self.instance = instance.uuid();
        self
    }

    /// Marked as protected against deletion.
    #[must_use]
    pub const fn with_protection(mut self) -> Self {
        self.traits |= PROTECTED;
        self
    }

    /// Marked as one that discovery does not answer with.
    #[must_use]
    pub const fn with_no_listing(mut self) -> Self {
        self.traits |= UNLISTED;
        self
    }

    /// As one that discovery answers with.
    #[must_use]
    pub const fn listed(mut self) -> Self {
        self.traits &= !UNLISTED;
        self
    }

    /// Marked as having a [`Detail`](super::Detail).
    #[must_use]
    pub const fn with_detail(mut self) -> Self {
        self.traits |= DETAILED;
        self
    }
}
