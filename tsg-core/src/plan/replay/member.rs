//! Members and what there is to say about them, packed.
//!
//! Owns the order of their parts. Must never write what can be told from another part.

use serde_json::Value;
use uuid::Uuid;

use super::codes;
use super::wire::{Reader, Writer};
use crate::model::id::{InstanceId, OperationId};
use crate::model::time::Timestamp;
use crate::plan::input::{Detail, Member, NO_NODE};

/// An operation without a machine and nine small numbers.
pub(super) const LEN_MIN: usize = 16 + 9;
/// An operation, a moment and an empty object behind its length.
pub(super) const DETAIL_LEN_MIN: usize = 16 + 1 + 3;

const PROTECTED: u8 = 1;
const DETAILED: u8 = 1 << 1;
const BOUND: u8 = 1 << 2;
const UNLISTED: u8 = 1 << 3;
const TRAITS: u8 = PROTECTED | DETAILED | BOUND | UNLISTED;

pub(super) fn write(body: &mut Writer, member: &Member, now: Timestamp) {
    let traits = (u8::from(member.is_protected()) * PROTECTED)
        | (u8::from(member.is_detailed()) * DETAILED)
        | (u8::from(member.instance().is_some()) * BOUND)
        | (u8::from(member.is_unlisted()) * UNLISTED);
    body.byte(traits);
    body.byte(codes::of_phase(member.phase));
    body.byte(codes::of_sighting(member.sighting));
    body.byte(codes::of_verdict(member.verdict));
    body.id(member.operation.bits());
    if let Some(instance) = member.instance() {
        body.id(instance.uuid().as_u128());
    }
    moment(body, member.phase_since, now);
    moment(body, member.state_since, now);
    // No node is the greatest number there is; one more makes it the smallest.
    body.number(u64::from(member.compute_node.wrapping_add(1)));
    body.number(u64::from(member.revision));
    body.number(u64::from(member.sequence));
}

pub(super) fn read(body: &mut Reader<'_>, now: Timestamp) -> Option<Member> {
    let traits = body.byte().filter(|traits| traits & !TRAITS == 0)?;
    let (phase, sighting) = (codes::phase(body.byte()?)?, codes::sighting(body.byte()?)?);
    let verdict = codes::verdict(body.byte()?)?;
    let mut member = Member::planned(OperationId::from_bits(body.id()?), 0, 0, now);
    if traits & BOUND != 0 {
        member = member.with_instance(InstanceId::new(Uuid::from_u128(body.id()?)));
    }
    if traits & PROTECTED != 0 {
        member = member.with_protection();
    }
    if traits & DETAILED != 0 {
        member = member.with_detail();
    }
    if traits & UNLISTED != 0 {
        member = member.with_no_listing();
    }
    (member.phase, member.sighting, member.verdict) = (phase, sighting, verdict);
    (member.phase_since, member.state_since) = (read_moment(body, now)?, read_moment(body, now)?);
    member.compute_node = body.small()?.wrapping_add(NO_NODE);
    (member.revision, member.sequence) = (body.small()?, body.small()?);
    Some(member)
}

/// How long before now. Wraps around at both ends of time, and back again when it is read.
fn moment(body: &mut Writer, at: Timestamp, now: Timestamp) {
    body.signed(now.as_millis().wrapping_sub(at.as_millis()));
}

fn read_moment(body: &mut Reader<'_>, now: Timestamp) -> Option<Timestamp> {
    Some(Timestamp::from_millis(now.as_millis().wrapping_sub(body.signed()?)))
}

/// What differs from a detail that says nothing, which no later version may say differently.
pub(super) fn write_detail(body: &mut Writer, detail: &Detail) {
    body.id(detail.operation.bits());
    body.signed(detail.asked_at.as_millis());
    let nothing = json(&Detail::new(detail.operation, detail.asked_at));
    let mut said = json(detail);
    if let (Value::Object(said), Value::Object(nothing)) = (&mut said, &nothing) {
        said.retain(|key, value| nothing.get(key) != Some(value));
    }
    body.json(&said);
}

pub(super) fn read_detail(body: &mut Reader<'_>) -> Option<Detail> {
    let operation = OperationId::from_bits(body.id()?);
    let asked_at = Timestamp::from_millis(body.signed()?);
    let mut whole = json(&Detail::new(operation, asked_at));
    let (Value::Object(whole_fields), Value::Object(said)) = (&mut whole, body.json::<Value>()?) else { return None };
    for (key, value) in said {
        // A field that this version does not know would be forgotten in silence.
        *whole_fields.get_mut(&key)? = value;
    }
    serde_json::from_value(whole).ok()
}

fn json(detail: &Detail) -> Value {
    serde_json::to_value(detail).unwrap_or_default()
}
