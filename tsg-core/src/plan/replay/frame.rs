//! Everything in an input that there is one of.
//!
//! Owns the JSON part of a recording. Must never hold what there is one of for each member.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize};

use crate::model::policy::{
    Identity, MaxUnhealthy, NodeLossPolicy, Policy, Protection, ReplacePolicy, RestartPolicy, ScaleInPolicy,
    StartPolicy, StopPolicy, UpdatePolicy, Window,
};
use crate::model::revision::RevisionFacts;
use crate::model::time::Timestamp;
use crate::plan::input::{Intent, Limits, NodeCondition, PlanInput, RepairHold, View};
use crate::plan::memory::PlanMemory;
use crate::plan::recorded::Recorded;
use crate::protocol::timing::ProtocolTiming;

/// Everything in an input that there is one of.
#[derive(Serialize, Deserialize)]
pub(super) struct Frame<'a> {
    intent: Intent,
    #[serde(deserialize_with = "as_it_was")]
    policy: Cow<'a, Policy>,
    revisions: Cow<'a, [RevisionFacts]>,
    view: View,
    memory: PlanMemory,
    limits: Limits,
    nodes: Cow<'a, [NodeCondition]>,
    hold: Option<RepairHold>,
    timing: Cow<'a, ProtocolTiming>,
    now: Timestamp,
    /// In two halves, the higher first: few readers of JSON take 128 bits.
    seed: [u64; 2],
}

impl<'a> Frame<'a> {
    pub(super) fn of(input: &PlanInput<'a>) -> Self {
        Self {
            intent: input.intent,
            policy: Cow::Borrowed(input.policy),
            revisions: Cow::Borrowed(input.revisions),
            view: input.view,
            memory: input.memory,
            limits: input.limits,
            nodes: Cow::Borrowed(input.conditions.nodes),
            hold: input.conditions.hold,
            timing: Cow::Borrowed(input.timing),
            now: input.now,
            seed: [(input.seed >> 64) as u64, input.seed as u64],
        }
    }

    /// Without places, members and details yet.
    pub(super) fn into_recorded(self) -> Recorded {
        let [high, low] = self.seed.map(u128::from);
        Recorded {
            intent: self.intent,
            policy: self.policy.into_owned(),
            revisions: self.revisions.into_owned(),
            view: self.view,
            members: Vec::new(),
            details: Vec::new(),
            memory: self.memory,
            limits: self.limits,
            nodes: self.nodes.into_owned(),
            places: Vec::new(),
            hold: self.hold,
            timing: self.timing.into_owned(),
            now: self.now,
            seed: high << 64 | low,
        }
    }
}

/// A policy that was in force is not judged by the rules of today: it was planned with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InForce {
    update: UpdatePolicy,
    restart: RestartPolicy,
    replace: ReplacePolicy,
    stop: StopPolicy,
    start: StartPolicy,
    max_unhealthy: MaxUnhealthy,
    cn_loss: NodeLossPolicy,
    scale_in: ScaleInPolicy,
    identity: Identity,
    protect: Protection,
    windows: Vec<Window>,
}

fn as_it_was<'de, D: Deserializer<'de>>(from: D) -> Result<Cow<'static, Policy>, D::Error> {
    let read = InForce::deserialize(from)?;
    Ok(Cow::Owned(Policy {
        update: read.update,
        restart: read.restart,
        replace: read.replace,
        stop: read.stop,
        start: read.start,
        max_unhealthy: read.max_unhealthy,
        cn_loss: read.cn_loss,
        scale_in: read.scale_in,
        identity: read.identity,
        protect: read.protect,
        windows: read.windows,
    }))
}
