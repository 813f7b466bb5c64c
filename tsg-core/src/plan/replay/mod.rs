//! Recordings: an input of the planner as bytes, so that a plan can be made again later, bit for
//! bit.
//!
//! Owns the format and its versions. Must never guess: bytes that are damaged, of a newer format
//! or not a recording at all are refused, each with its own error.
//!
//! A recording is the magic, the version (2 bytes), a checksum of the rest (8 bytes), and then:
//! the frame, the places, the members and the details, each behind its length or number.
//!
//! - The **frame** is JSON: everything that there is one of. It is small whatever the group is,
//!   and its shape grows with the planner's; names keep old recordings readable, since what they
//!   do not have has its default, as in every other record. What an older reader must not pass
//!   over raises the version.
//! - **Members** are packed: they are the bulk, and their shape is fixed. Ids are as they are,
//!   times are distances from now, numbers take as many bytes as they need: about 50 bytes for a
//!   serving member, of which 32 are ids that nothing makes smaller.
//! - A **detail** is JSON of what differs from one that says nothing: few members have one, and
//!   most of what it could say is not said.

mod codes;
mod frame;
mod member;
mod wire;

use alloc::vec::Vec;

use thiserror::Error;

use super::input::{Detail, Place, PlanInput};
use super::recorded::Recorded;
use crate::model::fingerprint::Fingerprint;
use frame::Frame;
use wire::{Reader, Writer};

/// The version of the format that is written.
pub const VERSION: u16 = 1;

/// What every recording begins with.
const MAGIC: &[u8; 8] = b"tsg-plan";
/// Magic, version and checksum.
const HEADER_LEN: usize = MAGIC.len() + 2 + CHECKSUM_LEN;
const CHECKSUM_LEN: usize = 8;

/// Why bytes are not a recording that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// They do not begin as one.
    #[error("this is not a recorded plan input; give the bytes that `record` returned")]
    NotARecording,
    /// A later version wrote them.
    #[error("the recording has format {version}, and this tsg reads up to {VERSION}; use a newer tsg")]
    Newer {
        /// The version of its format.
        version: u16,
    },
    /// Their checksum is another one, or they end too soon.
    #[error("the recording is damaged or cut short; copy it again")]
    Damaged,
    /// The checksum is right, and still what a part of it says cannot be.
    #[error("the recording says what cannot be, in its {0}; it was not written by tsg")]
    Impossible(Part),
}

/// A part of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Part {
    /// Everything that there is one of: intent, policy, memory, limits, conditions, time.
    #[error("frame")]
    Frame,
    /// Where the compute nodes stand.
    #[error("places")]
    Places,
    /// The members.
    #[error("members")]
    Members,
    /// What there is to say beyond them.
    #[error("details")]
    Details,
    /// What comes after the end.
    #[error("end")]
    End,
}

/// Records an input.
///
/// ```
/// # use tsg_core::model::{group::Lifecycle, id::GroupId, policy::Policy, time::Timestamp};
/// # use tsg_core::plan::input::{Conditions, Intent, Limits, Orders, View, ViewTrust};
/// # use tsg_core::plan::{PlanInput, memory::PlanMemory};
/// use tsg_core::plan::plan;
/// use tsg_core::plan::recorded::Recorded;
/// use tsg_core::plan::replay::record;
/// # use tsg_core::protocol::timing::ProtocolTiming;
/// # let now = Timestamp::from_millis(1_800_000_000_000);
/// # let group = GroupId::new(uuid::Uuid::from_u128(1));
/// # let (lifecycle, orders) = (Lifecycle::Active, Orders::default());
/// # let (policy, timing) = (Policy::default(), ProtocolTiming::default());
/// # let input = PlanInput {
/// #     intent: Intent { group, lifecycle, capacity: 3, revision: 1, is_frozen: false, orders },
/// #     policy: &policy,
/// #     revisions: &[],
/// #     view: View { taken_at: now, trust: ViewTrust::Trusted },
/// #     members: &[],
/// #     details: &[],
/// #     memory: PlanMemory::default(),
/// #     limits: Limits::default(),
/// #     conditions: Conditions::default(),
/// #     timing: &timing,
/// #     now,
/// #     seed: 7,
/// # };
/// let bytes = record(&input);
/// let recorded = Recorded::parse(&bytes)?;
/// assert_eq!(plan(&recorded.input()), plan(&input));
/// # Ok::<(), tsg_core::plan::replay::ReplayError>(())
/// ```
pub fn record(input: &PlanInput<'_>) -> Vec<u8> {
    let mut body = Writer::default();
    body.json(&Frame::of(input));
    body.number(input.conditions.places.len() as u64);
    for place in input.conditions.places {
        body.number(u64::from(place.rack));
        body.number(u64::from(place.data_centre));
    }
    body.number(input.members.len() as u64);
    for member in input.members {
        member::write(&mut body, member, input.now);
    }
    body.number(input.details.len() as u64);
    for detail in input.details {
        member::write_detail(&mut body, detail);
    }
    sealed(&body.into_bytes())
}

/// A body behind its header.
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_LEN + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&checksum(body));
    bytes.extend_from_slice(body);
    bytes
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut sum = [0; CHECKSUM_LEN];
    sum.copy_from_slice(&Fingerprint::of_bytes(body).as_bytes()[..CHECKSUM_LEN]);
    sum
}

impl Recorded {
    /// Reads a recording, as [`record`] wrote it. The work and the memory it takes are
    /// proportional to the number of bytes, whatever they say.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ReplayError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ReplayError::NotARecording)?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or(ReplayError::Damaged)?;
        match u16::from_le_bytes(*version) {
            VERSION => {}
            0 => return Err(ReplayError::NotARecording),
            version => return Err(ReplayError::Newer { version }),
        }
        let (sum, body) = rest.split_first_chunk::<CHECKSUM_LEN>().ok_or(ReplayError::Damaged)?;
        if *sum != checksum(body) {
            return Err(ReplayError::Damaged);
        }
        let mut body = Reader::new(body);
        let mut recorded = body.json::<Frame<'_>>().ok_or(ReplayError::Impossible(Part::Frame))?.into_recorded();
        recorded.places = places(&mut body).ok_or(ReplayError::Impossible(Part::Places))?;
        recorded.members = body
            .many(member::LEN_MIN, |body| member::read(body, recorded.now))
            .ok_or(ReplayError::Impossible(Part::Members))?;
        recorded.details = details(&mut body).ok_or(ReplayError::Impossible(Part::Details))?;
        if body.is_at_end() { Ok(recorded) } else { Err(ReplayError::Impossible(Part::End)) }
    }
}

fn places(body: &mut Reader<'_>) -> Option<Vec<Place>> {
    body.many(2, |body| Some(Place { rack: body.small()?, data_centre: body.small()? }))
}

fn details(body: &mut Reader<'_>) -> Option<Vec<Detail>> {
    body.many(member::DETAIL_LEN_MIN, member::read_detail)
}
