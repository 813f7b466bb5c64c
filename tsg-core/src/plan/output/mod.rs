//! What the planner returns: actions, memory, a typed report and a wake-up.
//!
//! Owns the shapes that the engine executes and that people read; each has its own file. Must
//! never hold a sentence; text is rendered from the types.

pub mod action;
pub mod class;
pub mod error;
pub mod reason;
pub mod report;

pub use action::{Action, Origin, PlannedAction};
pub use class::{Class, ClassCounts};
pub use error::{MEMBERS_MAX, PlanError, Rule};
pub use reason::{Reason, VictimRank};
pub use report::{Block, GroupStatus, Report, RolloutReport, Wait};

use alloc::vec::Vec;

use serde::Serialize;

use super::memory::PlanMemory;
use crate::count;
use crate::model::time::Timestamp;

/// What should be done about a group now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The steps, in the order to take them.
    pub actions: Vec<PlannedAction>,
    /// Where some of the new operations come from, in the order of their creates; one that has
    /// no entry just fills up the capacity.
    pub origins: Vec<Origin>,
    /// What to remember, when it changed.
    pub memory: Option<PlanMemory>,
    /// Why, and what waits.
    pub report: Report,
    /// When to plan again if nothing happens before.
    pub next_wakeup: Option<Timestamp>,
}

impl Plan {
    /// Instances that it creates.
    pub(super) fn creates(&self) -> u32 {
        let created = self.actions.iter().filter(|planned| matches!(planned.action, Action::Create { .. }));
        count::of(created.count())
    }
}
