//! What is known of a whole deployment at one moment.
//!
//! Owns the records that an assessment is made from: small, flat, without heap. Must never hold
//! a verdict that the assessment itself should reach.

use core::time::Duration;

use super::memory::StormMemory;
use super::rates::BudgetRates;
use super::spend::{Needs, Unused};
use crate::model::id::{AccountId, ComputeNodeId, GroupId};
use crate::model::time::Timestamp;

/// Where a number is asked for and none is known: a compute node that nobody was told of, an
/// instance without a check, a word that several probers agree on.
pub const NO_NUMBER: u32 = u32::MAX;

/// Everything an assessment depends on.
///
/// Compute nodes, racks, data centres, images, checks and probers go by numbers, best dense ones.
/// They have to stay the same for as long as the memory is kept; only compute nodes may be
/// numbered anew, since the memory knows them by their id. No order of any slice matters.
#[derive(Debug, Clone, Copy)]
pub struct StormInput<'a> {
    /// The time.
    pub now: Timestamp,
    /// When this process started; repair begins slowly after it.
    pub started_at: Timestamp,
    /// The data centres. One that groups name and that is missing here counts as never seen.
    pub data_centres: &'a [DataCentreFacts],
    /// The compute nodes that are known; of two with one number the lesser id counts.
    pub nodes: &'a [NodeFacts],
    /// How well each prober sees each data centre.
    pub probers: &'a [ProberFacts],
    /// The groups; one that spans data centres has an entry for each of them. Of two entries for
    /// the same group and data centre only one is served.
    pub groups: &'a [GroupFacts],
    /// Their instances. One whose group is not there counts for nothing.
    pub instances: &'a [InstanceFacts],
    /// What plans did not use of the allowances of the last assessment.
    pub unused: &'a [Unused],
    /// How much may be spent.
    pub rates: &'a BudgetRates,
    /// What the last assessment asked to be remembered.
    pub memory: &'a StormMemory,
}

/// One data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataCentreFacts {
    /// Its number.
    pub data_centre: u32,
    /// Whether its CloudAPI answers a ping.
    pub ping: Probe,
    /// Whether its instances can be seen.
    pub sight: Sight,
}

/// The outcome of a probe of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// It passes.
    Passing,
    /// It fails.
    Failing {
        /// Since when.
        since: Timestamp,
    },
}

/// How well a data centre is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// It was not seen since the start.
    NotYet,
    /// It was seen before and is out of reach: cut off and dead look alike.
    CutOff {
        /// Since when.
        since: Timestamp,
    },
    /// It is seen.
    Seen {
        /// Complete looks in a row that agree with one another.
        agreeing: u32,
    },
}

/// One prober at one data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProberFacts {
    /// Its number.
    pub prober: u32,
    /// The data centre.
    pub data_centre: u32,
    /// The targets there that the prober checks itself with.
    pub canary: Probe,
}

/// One compute node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeFacts {
    /// Its number, as instances name it.
    pub node: u32,
    /// Which one it is, whatever its number.
    pub id: ComputeNodeId,
    /// Its rack, or [`NO_NUMBER`].
    pub rack: u32,
    /// Its data centre.
    pub data_centre: u32,
    /// What the operator's own interface says; `None` for a tenant, who has only probes.
    pub heartbeat: Option<Heartbeat>,
    /// Since when its data centre shows something on it as out of contact, which nothing but the
    /// loss of the node explains.
    pub out_of_contact_since: Option<Timestamp>,
    /// Since when an operator wants it emptied.
    pub draining_since: Option<Timestamp>,
}

/// A compute node as its operator sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// The last one that came.
    Running {
        /// When.
        at: Timestamp,
    },
    /// The operator's interface says that it does not run.
    Down {
        /// Since when.
        since: Timestamp,
    },
}

/// One group in one data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupFacts {
    /// The group.
    pub group: GroupId,
    /// Whose it is.
    pub account: AccountId,
    /// The data centre.
    pub data_centre: u32,
    /// How many steps it would take now if nothing limited it.
    pub needs: Needs,
    /// How long it waits for a silent compute node before it replaces what was there. Zero where
    /// a restart of the node does not bring its instances back.
    pub node_grace: Duration,
    /// Removals that a person let through in spite of a hold.
    pub overridden: u32,
}

/// How the last checks of an instance went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Not checked, or not lately, or on purpose out of service.
    Unchecked,
    /// It passes.
    Passing,
    /// It fails, is missing, or stopped without being asked to.
    Failing,
    /// It fails, and something answers at its address: its compute node is alive.
    Answering,
}

impl Outcome {
    /// Whether it fails, silent or not.
    ///
    /// ```
    /// use tsg_core::storm::input::Outcome;
    /// assert!(Outcome::Failing.is_failing() && Outcome::Answering.is_failing());
    /// assert!(!Outcome::Unchecked.is_failing());
    /// ```
    pub const fn is_failing(self) -> bool {
        matches!(self, Self::Failing | Self::Answering)
    }
}

/// One instance: 40 bytes, no heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceFacts {
    /// Since when the outcome is what it is.
    pub since: Timestamp,
    /// Index of its group in [`StormInput::groups`].
    pub group: u32,
    /// Its compute node, or [`NO_NUMBER`].
    pub node: u32,
    /// Its image, or [`NO_NUMBER`].
    pub image: u32,
    /// The group's revision it was made from.
    pub revision: u32,
    /// The check that judges it, or [`NO_NUMBER`].
    pub check: u32,
    /// The prober whose word the outcome is, or [`NO_NUMBER`] where several agree.
    pub prober: u32,
    /// The outcome.
    pub outcome: Outcome,
}

const _: () = assert!(core::mem::size_of::<InstanceFacts>() == 40, "a million of them are 40 MB");
