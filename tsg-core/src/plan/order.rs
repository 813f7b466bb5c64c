//! Brings members into the one order that the steps work in: by operation.
//!
//! Owns the proof that no operation is given twice. Must never be paid for by callers that keep
//! their members in order: for them [`super::survey`] proves it in passing.

use alloc::vec::Vec;

use super::input::Member;
use super::output::PlanError;

/// The members by operation.
pub(super) fn ordered(members: &[Member]) -> Result<Vec<Member>, PlanError> {
    let mut ordered = members.to_vec();
    ordered.sort_unstable_by_key(|member| member.operation);
    for pair in ordered.windows(2) {
        if pair[0].operation == pair[1].operation {
            return Err(PlanError::TwiceTheSame(pair[0].operation));
        }
    }
    Ok(ordered)
}

/// Where an operation stands among members that are in order.
pub(super) fn position(ordered: &[Member], operation: crate::model::id::OperationId) -> Result<usize, usize> {
    ordered.binary_search_by_key(&operation.bits(), |member| member.operation.bits())
}
