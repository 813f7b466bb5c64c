//! What proves that a machine is no more.
//!
//! Owns the difference between "gone" and "cannot see it". Must never count a refusal, a
//! time-out or a list without it.

use crate::model::id::InstanceId;
use crate::model::instance::{InstanceState, ObservedInstance};
use crate::model::operation::Absence;
use crate::model::time::Timestamp;
use crate::ports::cloud::{CloudError, ErrorKind, Reach};

use super::quiet::SelfTest;
use super::timing::ProtocolTiming;

/// Answers of 404 that together prove absence: one alone may come from a replica that lags.
const NOT_FOUND_NEEDED: u8 = 2;

/// What a get by UUID says about a machine.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and only on its way to where it is read")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GetEvidence {
    /// It was destroyed: the cloud said so and showed the very machine.
    Destroyed,
    /// The cloud knows no such machine.
    NotFound,
    /// It is there.
    Seen(ObservedInstance),
    /// Nothing: no answer, an error of the cloud's own, or another machine.
    Nothing,
}

/// Reads the reply to a get.
pub fn weigh_get(instance: InstanceId, reply: &Result<ObservedInstance, CloudError>) -> GetEvidence {
    match reply {
        Ok(seen) if seen.id != instance => GetEvidence::Nothing,
        Ok(seen) if seen.state == InstanceState::Deleted => GetEvidence::Destroyed,
        Ok(seen) => GetEvidence::Seen(*seen),
        Err(error) if is_clean_not_found(error) => GetEvidence::NotFound,
        Err(_) => GetEvidence::Nothing,
    }
}

/// A proxy's 404 page is `Corrupt` or says nothing of a status; only CloudAPI's own counts.
fn is_clean_not_found(error: &CloudError) -> bool {
    error.kind == ErrorKind::NotFound && error.reach == Reach::Answered && error.status == Some(404)
}

/// What is known about the end of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsenceFinding {
    /// It is no more.
    Gone,
    /// It is there; earlier evidence of its absence is void.
    Present,
    /// Not proved.
    Unproven {
        /// The evidence to keep.
        absence: Absence,
        /// When another get can add to it.
        look_again_at: Timestamp,
    },
}

/// Adds the evidence of one get to what was known `before`.
///
/// Destroyed is proof at once. 404 counts while the account's self-test is green, and proves
/// only when it comes twice with [`ProtocolTiming::absence_gap`] between.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::operation::Absence;
/// use tsg_core::model::{id::InstanceId, time::Timestamp};
/// use tsg_core::ports::cloud::{CloudCode, CloudError, ErrorKind, Reach};
/// use tsg_core::protocol::absence::{AbsenceFinding, absence, weigh_get};
/// use tsg_core::protocol::{quiet::SelfTest, timing::ProtocolTiming};
///
/// let not_found = Err(CloudError {
///     kind: ErrorKind::NotFound,
///     code: CloudCode::ResourceNotFound,
///     reach: Reach::Answered,
///     status: Some(404),
///     message: "VM not found".into(),
///     request_id: None,
///     retry_after: None,
/// });
/// let evidence = weigh_get(InstanceId::new(uuid::Uuid::from_u128(1)), &not_found);
/// let (timing, now) = (ProtocolTiming::default(), Timestamp::from_millis(1_800_000_000_000));
///
/// // One 404 may come from a replica that lags; a second one a minute later does not.
/// let once = absence(Absence::default(), &evidence, SelfTest::Green, now, &timing);
/// let AbsenceFinding::Unproven { absence: known, look_again_at } = once else { unreachable!() };
/// assert_eq!(look_again_at.since(now), Duration::from_secs(60));
/// let twice = absence(known, &evidence, SelfTest::Green, look_again_at, &timing);
/// assert_eq!(twice, AbsenceFinding::Gone);
/// ```
pub fn absence(
    before: Absence,
    evidence: &GetEvidence,
    self_test: SelfTest,
    now: Timestamp,
    timing: &ProtocolTiming,
) -> AbsenceFinding {
    let after = match (evidence, self_test) {
        (GetEvidence::Destroyed, _) => return AbsenceFinding::Gone,
        (GetEvidence::Seen(_), _) => return AbsenceFinding::Present,
        (GetEvidence::NotFound, SelfTest::Green) => note_not_found(before, now, timing),
        (GetEvidence::NotFound, SelfTest::Failing) | (GetEvidence::Nothing, _) => before,
    };
    if after.not_found >= NOT_FOUND_NEEDED {
        return AbsenceFinding::Gone;
    }
    let last = if after == before { now } else { after.last_at.unwrap_or(now) };
    AbsenceFinding::Unproven { absence: after, look_again_at: last.after(timing.absence_gap) }
}

fn note_not_found(before: Absence, now: Timestamp, timing: &ProtocolTiming) -> Absence {
    let is_apart = before.last_at.is_none_or(|last| now >= last.after(timing.absence_gap));
    if is_apart { Absence { not_found: before.not_found.saturating_add(1), last_at: Some(now) } } else { before }
}
