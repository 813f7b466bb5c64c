//! The ledger in memory: what the store says of one account's groups, with versions.
//!
//! Owns the mirror that plans are made from. Must never run ahead of the store: it changes only
//! by what was committed or read.

mod books;
mod edit;
mod load;

use std::collections::BTreeMap;

use thiserror::Error;

use tsg_core::model::group::{Group, LedgerHead};
use tsg_core::model::id::{GroupId, OperationId};
use tsg_core::model::operation::{InvalidEdge, Operation, Phase};
use tsg_core::observe::join::Brief;
use tsg_core::ports::store::{Revision, StoreError};
use tsg_core::records::Versioned;

pub(crate) use books::{Books, Recorded};
pub(crate) use edit::{Edit, Sending};

/// Why something could not be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum LedgerError {
    /// The group is not in the store any more.
    #[error("group {0} is gone")]
    UnknownGroup(GroupId),
    /// Somebody else changed the group first; it has been read again.
    #[error("group {0} was changed by somebody else")]
    Overtaken(GroupId),
    /// The protocol has no such edge.
    #[error(transparent)]
    Edge(#[from] InvalidEdge),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One group's ledger: intent, head and operations, each at the version it was read at.
#[derive(Debug)]
pub(crate) struct GroupLedger {
    group: Versioned<Group>,
    head: Versioned<LedgerHead>,
    operations: BTreeMap<OperationId, Versioned<Operation>>,
    /// Those that are not closed, as they are joined with each look.
    open: BTreeMap<OperationId, Brief>,
    /// How many operations stand in each phase.
    counts: BTreeMap<Phase, u32>,
    /// Set when the store may say something else by now.
    is_stale: bool,
}

impl GroupLedger {
    fn new(group: Versioned<Group>, head: Versioned<LedgerHead>) -> Self {
        Self {
            group,
            head,
            operations: BTreeMap::new(),
            open: BTreeMap::new(),
            counts: BTreeMap::new(),
            is_stale: false,
        }
    }

    /// The intent.
    pub(crate) fn group(&self) -> &Group {
        &self.group.value
    }

    /// The head.
    pub(crate) fn head(&self) -> &LedgerHead {
        &self.head.value
    }

    /// One operation, in any phase.
    pub(crate) fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.operations.get(&id).map(|read| &read.value)
    }

    /// Every operation, closed ones included.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.values().map(|read| &read.value)
    }

    /// The operations that are not closed, ordered by id.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Operation> {
        self.open.keys().filter_map(|id| self.operation(*id))
    }

    /// What a join needs of the operations that are not closed, ordered by id.
    pub(crate) fn briefs(&self) -> impl Iterator<Item = &Brief> {
        self.open.values()
    }

    /// How many operations are not closed.
    pub(crate) fn open_count(&self) -> u32 {
        u32::try_from(self.open.len()).unwrap_or(u32::MAX)
    }

    /// How many open operations stand in one of these phases.
    pub(crate) fn count_open(&self, is_counted: impl Fn(Phase) -> bool) -> u32 {
        let open = self.counts.iter().filter(|(phase, _)| !phase.is_closed() && is_counted(**phase));
        open.map(|(_, count)| *count).sum()
    }

    fn keep(&mut self, read: Versioned<Operation>) {
        self.forget(read.value.id);
        *self.counts.entry(read.value.phase).or_default() += 1;
        self.open.extend(Brief::of(&read.value).map(|brief| (brief.operation(), brief)));
        self.operations.insert(read.value.id, read);
    }

    fn forget(&mut self, id: OperationId) {
        self.open.remove(&id);
        if let Some(read) = self.operations.remove(&id)
            && let Some(count) = self.counts.get_mut(&read.value.phase)
        {
            *count -= 1;
        }
    }

    fn head_version(&self) -> Revision {
        self.head.version
    }
}
