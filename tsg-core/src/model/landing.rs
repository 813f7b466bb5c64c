//! Where an instance landed, and whether its `placement` block wanted it there.
//!
//! Owns what is remembered of the one look that is taken at it. Must never hold the place itself:
//! the cloud shows that.

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::time::Timestamp;

/// What was found when an instance was first seen in its place. A rule says where a new instance
/// may go: what comes to it later breaks nothing, so that there is one look for each block that it
/// is under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landing {
    /// The hash of the block it was held against.
    pub block: Fingerprint,
    /// When.
    pub looked_at: Timestamp,
    /// Whether it stands where a hard rule does not want it.
    pub is_misplaced: bool,
    /// When it was decided to replace it for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_at: Option<Timestamp>,
}

/// How many instances of a group were replaced because of where they stood under a block, one after
/// the other, since one landed well.
///
/// ```
/// use tsg_core::model::fingerprint::Fingerprint;
/// use tsg_core::model::landing::{Landing, replaced_in_a_row};
/// use tsg_core::model::time::Timestamp;
///
/// let (block, at) = (Fingerprint::of(&1), Timestamp::from_millis);
/// let well = |millis| Landing { block, looked_at: at(millis), is_misplaced: false, replaced_at: None };
/// let replaced = |millis| Landing { is_misplaced: true, replaced_at: Some(at(millis)), ..well(0) };
/// assert_eq!(replaced_in_a_row(&[well(1), replaced(5), replaced(9)], block), 2);
/// assert_eq!(replaced_in_a_row(&[well(1), replaced(5), well(7), replaced(9)], block), 1);
/// assert_eq!(replaced_in_a_row(&[replaced(5)], Fingerprint::of(&2)), 0, "another block is another matter");
/// ```
pub fn replaced_in_a_row<'a>(landings: impl IntoIterator<Item = &'a Landing> + Clone, block: Fingerprint) -> u8 {
    let under = || landings.clone().into_iter().filter(move |landing| landing.block == block);
    let well_at = under().filter(|landing| !landing.is_misplaced).map(|landing| landing.looked_at).max();
    let since = well_at.unwrap_or(Timestamp::EPOCH);
    let replaced = under().filter(|landing| landing.replaced_at.is_some_and(|at| at > since)).count();
    u8::try_from(replaced).unwrap_or(u8::MAX)
}
