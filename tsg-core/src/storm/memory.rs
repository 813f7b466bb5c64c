//! What an assessment asks to be remembered. Owns the memory as a whole; each part is owned by
//! its own file. Must never hold what the facts of the moment say.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::allot::KeptLine;
use super::budgets::Budgets;
use super::holds::KeptHold;
use super::nodes::NodeMemory;
use super::spend::PerSpend;

/// What is remembered between assessments. Empty in a quiet deployment but for the book.
///
/// An empty one is a safe beginning: nothing is suspect, the purses are full, and the slow start
/// keeps repair from using them. A part that an older memory does not have begins empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StormMemory {
    /// Compute nodes.
    pub nodes: NodeMemory,
    /// Holds that stand.
    pub holds: Vec<KeptHold>,
    /// Purses and their book.
    pub budgets: Budgets,
    /// Groups that wait for their turn.
    pub lines: Vec<KeptLine>,
    /// The data centre that was given the last token that could not be divided.
    pub divided_last: PerSpend<Option<u32>>,
}
