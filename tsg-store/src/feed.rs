//! How far back the change feed reaches. Owns the number of remembered deletes and the answer to
//! a reader who comes too late; must never touch a record.

use tsg_core::ports::store::{Revision, StoreError};

/// How many deletes are remembered. At about 150 bytes each the feed's memory stays below 15 MB;
/// a reader would have to be 100,000 deletes behind to be sent back to the start.
pub(crate) const TOMBSTONES_KEPT: usize = 100_000;

/// Refuses a reader who would miss deletes that are forgotten. From the very start nothing can be
/// missed: who has read nothing need not hear what is gone.
pub(crate) fn check_reach(after: Revision, forgotten: Revision) -> Result<(), StoreError> {
    if after == Revision(0) || after >= forgotten {
        return Ok(());
    }
    Err(StoreError::Invalid {
        reason: format!(
            "deletes up to revision {} are forgotten, so changes after {} cannot be told whole: list again and \
             follow from 0",
            forgotten.0, after.0
        ),
    })
}
