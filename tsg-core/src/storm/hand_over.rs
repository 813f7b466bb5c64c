//! An assessment in the planner's own words.
//!
//! Owns the way of each value into [`Limits`] and [`Conditions`](crate::plan::input::Conditions).
//! Must never decide anything, nor know a step of the planner.

use alloc::vec::Vec;

use super::holds::{Hold, HoldCause};
use super::nodes::{NodeCondition, NodeState};
use super::output::{Allowance, StormOutput};
use crate::plan::input;

impl StormOutput {
    /// The compute nodes that are not healthy, by number, as the planner takes them.
    ///
    /// ```
    /// use tsg_core::model::time::Timestamp;
    /// use tsg_core::plan::input;
    /// use tsg_core::storm::nodes::{NodeCondition, NodeState};
    /// use tsg_core::storm::{StormMemory, StormOutput};
    ///
    /// let since = Timestamp::EPOCH;
    /// let lost = NodeState::Lost { since, confirmed_at: since };
    /// let output = StormOutput {
    ///     allowances: vec![],
    ///     node_conditions: vec![NodeCondition { node: 4, state: lost }],
    ///     holds: vec![],
    ///     correlations: vec![],
    ///     memory: StormMemory::default(),
    ///     next_wakeup: None,
    /// };
    /// let expected = input::NodeCondition { node: 4, state: input::NodeState::Lost { since } };
    /// assert_eq!(output.planner_nodes(), [expected]);
    /// ```
    pub fn planner_nodes(&self) -> Vec<input::NodeCondition> {
        self.node_conditions.iter().filter_map(|condition| condition.planned_with()).collect()
    }
}

impl NodeCondition {
    fn planned_with(&self) -> Option<input::NodeCondition> {
        let state = match self.state {
            NodeState::Healthy => return None,
            NodeState::Suspect { since } => input::NodeState::Suspect { since },
            NodeState::Lost { since, .. } => input::NodeState::Lost { since },
            NodeState::Returned { at } => input::NodeState::Returned { at },
            NodeState::Draining { since } => input::NodeState::Draining { since },
        };
        Some(input::NodeCondition { node: self.node, state })
    }
}

impl Allowance {
    /// These limits with what is allowed in place of what they had.
    #[must_use]
    pub const fn limits(&self, limits: input::Limits) -> input::Limits {
        input::Limits {
            creates: self.creates,
            asked_deletes: self.asked_deletes,
            unasked_deletes: self.unasked_deletes,
            starts: self.starts,
            ..limits
        }
    }

    /// The hold as the planner takes it; `None` where the planner knows none such, and the
    /// allowance alone stops it.
    pub const fn repair_hold(&self) -> Option<input::RepairHold> {
        let Some(Hold { cause, since, .. }) = self.hold else { return None };
        match cause {
            HoldCause::ProbersFail { .. } => Some(input::RepairHold::ProberFails { since }),
            HoldCause::CloudFails => Some(input::RepairHold::CloudFails { since }),
            HoldCause::MostFail { failing, of } => Some(input::RepairHold::DataCentreFails { failing, of, since }),
            HoldCause::NodesSilent { suspect, lost, of } => {
                Some(input::RepairHold::NodesSuspect { nodes: suspect.saturating_add(lost), of, since })
            }
            HoldCause::NotSeenYet
            | HoldCause::CutOff { .. }
            | HoldCause::Degrading { .. }
            | HoldCause::Correlated(_)
            | HoldCause::EveryDataCentre { .. } => None,
        }
    }
}
