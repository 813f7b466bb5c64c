//! What there is to say about a few members beyond what all of them have.
//!
//! Owns the sparse half of a member. Most members have none, so that the common case stays one
//! cache line. Must never repeat what [`Member`](super::Member) says.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::guest::GuestReport;
use crate::model::id::OperationId;
use crate::model::operation::Cause;
use crate::model::time::Timestamp;

/// The sparse half of a member.
///
/// ```
/// use tsg_core::model::{id::OperationId, time::Timestamp};
/// use tsg_core::plan::input::{Detail, Mark, Marks};
///
/// let asked_at = Timestamp::from_millis(1_800_000_000_000);
/// let held = Detail { marks: Marks::NONE.with(Mark::Held), ..Detail::new(OperationId::from_bits(9), asked_at) };
/// assert_eq!((held.restarts.last_at(), held.ordinal), (None, None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Whose.
    pub operation: OperationId,
    /// When its create was decided: what `healthy_deadline` runs from.
    pub asked_at: Timestamp,
    /// When it was last told to start or restart, and the times before.
    pub restarts: RestartHistory,
    /// How many times in a row its predecessors died young.
    pub lineage: Lineage,
    /// The member whose place it was made to take.
    pub replaces: Option<OperationId>,
    /// How far its removal has come, once begun.
    pub retirement: Option<Retirement>,
    /// What its guest says.
    pub guest: GuestReport,
    /// When the guest's report was last seen to change; [`Timestamp::EPOCH`] for never.
    pub guest_at: Timestamp,
    /// What people said about it.
    pub marks: Marks,
    /// When it was adopted as a late arrival; [`Timestamp::EPOCH`] for never.
    pub adopted_at: Timestamp,
    /// Its place in a group with ordinal identity.
    pub ordinal: Option<u32>,
}

impl Detail {
    /// Nothing to say yet about a member whose create was decided then.
    pub const fn new(operation: OperationId, asked_at: Timestamp) -> Self {
        Self {
            operation,
            asked_at,
            restarts: RestartHistory::NONE,
            lineage: Lineage { retries: 0 },
            replaces: None,
            retirement: None,
            guest: SILENT,
            guest_at: Timestamp::EPOCH,
            marks: Marks::NONE,
            adopted_at: Timestamp::EPOCH,
            ordinal: None,
        }
    }
}

/// A guest that says nothing.
const SILENT: GuestReport = GuestReport { scale_in_cost: None, busy: None, has_drained: false, is_unhealthy: false };

/// Start and restart requests that are remembered of one instance.
pub const RESTARTS_REMEMBERED: usize = 8;

/// The newest start and restart requests of an instance.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::plan::input::RestartHistory;
///
/// let (now, minute) = (Timestamp::from_millis(1_800_000_000_000), Duration::from_secs(60));
/// let history = RestartHistory::NONE.with(now.before(40 * minute)).with(now.before(10 * minute));
/// assert_eq!(history.within(30 * minute, now), 1);
/// assert_eq!(history.first_within(30 * minute, now), Some(now.before(10 * minute)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RestartHistory {
    /// When, the newest first; [`Timestamp::EPOCH`] where there was none.
    times: [Timestamp; RESTARTS_REMEMBERED],
    /// One bit for each, the newest in the lowest: set where it was not the instance's fault.
    #[serde(default)]
    excused: u8,
}

const _: () = assert!(RESTARTS_REMEMBERED == u8::BITS as usize, "one bit for each");

impl RestartHistory {
    /// Never restarted.
    pub const NONE: Self = Self { times: [Timestamp::EPOCH; RESTARTS_REMEMBERED], excused: 0 };

    /// With one more request, the newest.
    #[must_use]
    pub fn with(mut self, at: Timestamp) -> Self {
        self.times.rotate_right(1);
        self.times[0] = at;
        self.excused <<= 1;
        self
    }

    /// With one more request, the newest, that uses no attempt: its compute node was rebooted.
    #[must_use]
    pub fn with_excused(self, at: Timestamp) -> Self {
        let mut with = self.with(at);
        with.excused |= 1;
        with
    }

    /// When the newest was made.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.times.first().copied().filter(|at| *at != Timestamp::EPOCH)
    }

    /// How many attempts were made within the interval that ends then.
    pub fn within(&self, interval: Duration, end: Timestamp) -> u8 {
        self.attempts(end.before(interval)).fold(0, |count, _| count + 1)
    }

    /// The first attempt within the interval that ends then.
    pub fn first_within(&self, interval: Duration, end: Timestamp) -> Option<Timestamp> {
        self.attempts(end.before(interval)).min()
    }

    fn attempts(&self, start: Timestamp) -> impl Iterator<Item = Timestamp> {
        let numbered = (0_u32..).zip(&self.times).filter(move |(_, at)| **at != Timestamp::EPOCH && **at > start);
        numbered.filter(|(nth, _)| self.excused >> nth & 1 == 0).map(|(_, at)| *at)
    }
}

/// A chain of replacements for one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lineage {
    /// How many replacements in a row died before they had been healthy for the minimum period;
    /// 0 for one that replaces nothing, or something that had lived long.
    pub retries: u8,
}

/// How far the removal of a member has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retirement {
    /// Which stage.
    pub stage: RetirementStage,
    /// Since when it is in that stage.
    pub since: Timestamp,
    /// What it is removed for.
    pub cause: Cause,
}

/// The stages of a graceful removal. Deleting is a phase of the operation, not a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetirementStage {
    /// Taken out of discovery and told; it finishes what it is doing.
    Draining,
    /// Told to shut down.
    Stopping,
    /// Stopped, and kept for a person to look at; outside of the capacity.
    Kept,
}

/// What a person can say about one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Mark {
    /// Leave it alone in every respect.
    Held,
    /// Repair leaves it alone.
    Skipped,
    /// It is broken, whatever its checks say: replace it now.
    Condemned,
    /// It goes first when the group shrinks.
    Named,
    /// Replace it, as an update would, although its revision is right.
    Reprovision,
    /// Restart it, as an update would.
    Restart,
}

impl Mark {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Held, Self::Skipped, Self::Condemned, Self::Named, Self::Reprovision, Self::Restart];
}

/// What people said about one instance.
///
/// ```
/// use tsg_core::plan::input::{Mark, Marks};
///
/// let marks = Marks::NONE.with(Mark::Held).with(Mark::Named);
/// assert!(marks.has(Mark::Held) && !marks.without(Mark::Held).has(Mark::Held));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marks(u8);

impl Marks {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Whether somebody said so.
    pub const fn has(self, mark: Mark) -> bool {
        self.0 >> mark as u8 & 1 == 1
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, mark: Mark) -> Self {
        Self(self.0 | 1 << mark as u8)
    }

    /// Without one.
    #[must_use]
    pub const fn without(self, mark: Mark) -> Self {
        Self(self.0 & !(1 << mark as u8))
    }
}
