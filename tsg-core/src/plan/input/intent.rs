//! What the user wants of a group. Owns the intent and the standing orders to a rollout; must
//! never hold a policy, which is kept apart because it is large and rarely changes.

use serde::{Deserialize, Serialize};

use crate::model::group::Lifecycle;
use crate::model::id::GroupId;
use crate::model::time::Timestamp;

/// What the user wants of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Which group.
    pub group: GroupId,
    /// Active, or being torn down.
    pub lifecycle: Lifecycle,
    /// How many instances.
    pub capacity: u32,
    /// The revision that is wanted.
    pub revision: u32,
    /// Stopped by a person.
    pub is_frozen: bool,
    /// What a person told the rollout and the repair to do.
    #[serde(default)]
    pub orders: Orders,
}

/// Standing orders. They are states, not events, so that an order given twice or read late means
/// the same; each names the revision it was given for, so that it dies with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Orders {
    /// The rollout is paused: nothing is replaced, capacity is kept.
    pub is_paused: bool,
    /// The revision whose canaries were found good; 0 for none.
    pub promoted: u32,
    /// The revision whose rollout was given up; 0 for none.
    pub aborted: u32,
    /// The revision whose checkpoints were released; 0 for none.
    pub continued: u32,
    /// How many of its checkpoints were.
    pub checkpoints: u8,
    /// When repairs were last told to go on; [`Timestamp::EPOCH`] for never.
    pub repairs_resumed_at: Timestamp,
    /// Replacements that a person allowed although the group is held; counted down by nobody, so
    /// it names how many members may be condemned at once until it is withdrawn.
    pub repairs_allowed: u32,
    /// How many instances a reprovision or rolling restart handles at once; 0 for what the update
    /// policy says.
    pub width: u32,
}
