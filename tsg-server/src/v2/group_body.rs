//! Groups on the wire of `/v2`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use tsg_core::health::spec::HealthSpec;
use tsg_core::model::group::{Freeze, Group, Lifecycle};
use tsg_core::model::id::GroupId;
use tsg_core::model::policy::Policy;
use tsg_core::model::time::Timestamp;
use tsg_core::placement::compile::{Compiled, InWords};
use tsg_core::placement::rule::PlacementSpec;
use tsg_core::plan::fingerprint::PlanId;
use tsg_core::plan::input::Orders;
use tsg_core::plan::output::{Block, Class, GroupStatus, Report, RolloutReport, Wait};
use tsg_core::plan::render::in_words;
use tsg_core::ports::store::Revision;
use tsg_core::records::Versioned;
use tsg_engine::intent::{BlockChange, GroupChange, NewGroup};
use tsg_engine::{GroupView, Trouble};

use super::template_body::{id as parse_id, invalid};
use crate::http::failure::Failure;
use crate::time;

/// A group, as it comes in. Nothing but policy, placement and health has a default: nobody scales to zero by leaving
/// a field out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGroupBody {
    name: String,
    template_id: String,
    capacity: i64,
    #[serde(default)]
    policy: Box<Policy>,
    #[serde(default)]
    placement: Option<Box<PlacementSpec>>,
    #[serde(default)]
    health: Option<Box<HealthSpec>>,
}

impl NewGroupBody {
    /// The group to make under this id, checked.
    pub fn check(self, id: GroupId, capacity_max: u32) -> Result<NewGroup, Failure> {
        Ok(NewGroup {
            id,
            name: self.name.parse().map_err(|error| invalid("name", &error))?,
            template: parse_id("template_id", &self.template_id)?,
            capacity: check_capacity(self.capacity, capacity_max)?,
            policy: self.policy,
            placement: self.placement,
            health: self.health,
        })
    }
}

/// A change of a group, as it comes in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupPatch {
    capacity: Option<i64>,
    template_id: Option<String>,
    revision: Option<u32>,
    policy: Option<Box<Policy>>,
    #[serde(default, deserialize_with = "block_change")]
    placement: Option<BlockChange<PlacementSpec>>,
    #[serde(default, deserialize_with = "block_change")]
    health: Option<BlockChange<HealthSpec>>,
    /// The plan that was shown for this capacity: nothing is changed if another one is made by now.
    expected_plan: Option<PlanId>,
}

/// A field that is left out changes nothing; `null` takes the group's own block away.
fn block_change<'de, D, T>(from: D) -> Result<Option<BlockChange<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let given = Option::<Box<T>>::deserialize(from)?;
    Ok(Some(given.map_or(BlockChange::Remove, BlockChange::Set)))
}

impl GroupPatch {
    /// Takes out which plan the change is bound to. Only a capacity can be planned beforehand.
    pub fn take_expected_plan(&mut self) -> Result<Option<PlanId>, Failure> {
        let Some(plan) = self.expected_plan.take() else { return Ok(None) };
        let Self { capacity, template_id, revision, policy, placement, health, expected_plan: _ } = self;
        let is_more = template_id.is_some() || revision.is_some() || policy.is_some();
        if capacity.is_none() || is_more || placement.is_some() || health.is_some() {
            let message = "expected_plan goes with capacity and nothing else";
            return Err(Failure::unprocessable("PlanOfMore", message)
                .hint("POST /v2/groups/{id}/plan plans for another capacity; change the rest by itself"));
        }
        Ok(Some(plan))
    }

    /// What to change, checked; something is there.
    pub fn check(self, only_at: Option<Revision>, capacity_max: u32) -> Result<GroupChange, Failure> {
        let Self { capacity, template_id, revision, policy, placement, health, expected_plan: _ } = self;
        let is_template_left = template_id.is_none() && revision.is_none();
        let is_block_left = policy.is_none() && placement.is_none() && health.is_none();
        if is_template_left && is_block_left && capacity.is_none() {
            let message = "give capacity, template_id, revision, policy, placement, health or several of them";
            return Err(Failure::unprocessable("NothingToChange", message));
        }
        if template_id.is_some() && revision.is_some() {
            return Err(Failure::unprocessable("TwoTemplates", "give template_id or revision, not both")
                .hint("a revision is gone back to by its number; it names its template itself"));
        }
        let capacity = capacity.map(|capacity| check_capacity(capacity, capacity_max)).transpose()?;
        let template = template_id.map(|text| parse_id("template_id", &text)).transpose()?;
        Ok(GroupChange { capacity, template, revision, policy, placement, health, only_at })
    }
}

/// A capacity that this server takes.
pub fn check_capacity(capacity: i64, capacity_max: u32) -> Result<u32, Failure> {
    u32::try_from(capacity).ok().filter(|capacity| *capacity <= capacity_max).ok_or_else(|| {
        invalid("capacity", &format!("{capacity} is not a number from 0 to {capacity_max}"))
            .hint("the largest capacity is the operator's setting limits.capacity_max")
    })
}

/// A group, as it goes out.
#[derive(Debug, Serialize)]
pub struct GroupBody {
    id: String,
    name: String,
    template_id: String,
    revision: u32,
    capacity: u32,
    lifecycle: Lifecycle,
    policy: Box<Policy>,
    placement: Option<Box<PlacementSpec>>,
    health: Option<Box<HealthSpec>>,
    /// `None` where the group's checks do not drive discovery.
    discovery: Option<DiscoveryBody>,
    orders: Orders,
    freeze: Option<Freeze>,
    status: Option<GroupStatus>,
    report: Option<ReportBody>,
    trouble: Option<Trouble>,
    created_at: String,
    updated_at: String,
    version: Revision,
}

/// How a group stands in discovery.
#[derive(Debug, Serialize)]
struct DiscoveryBody {
    /// Why instances stay listed although they are not ready, in words.
    alarm: Option<String>,
}

/// Why a group stands as it does.
#[derive(Debug, Serialize)]
pub struct ReportBody {
    status: GroupStatus,
    summary: String,
    wanted: u32,
    counts: BTreeMap<Class, u32>,
    old_revision: u32,
    rollout: Option<RolloutReport>,
    waits: Vec<Wait>,
    blocks: Vec<Block>,
}

impl ReportBody {
    /// On the wire; the summary tells times as seen from `now`.
    pub fn of(report: &Report, now: Timestamp) -> Self {
        Self {
            status: report.status,
            summary: in_words(report, now).to_string(),
            wanted: report.wanted,
            counts: Class::ALL.into_iter().map(|class| (class, report.counts.of(class))).collect(),
            old_revision: report.old_revision,
            rollout: report.rollout,
            waits: report.waits.clone(),
            blocks: report.blocks.clone(),
        }
    }
}

impl GroupBody {
    /// On the wire, with the engine's last view of it.
    pub fn of(group: &Versioned<Group>, view: Option<&GroupView>, now: Timestamp) -> Self {
        let Versioned { version, value: group, .. } = group;
        // A report on what the user wanted before says nothing about what they want now.
        let view = view.filter(|view| view.group == *group);
        let report = view.and_then(|view| view.report.as_ref());
        Self {
            id: group.id.to_string(),
            name: group.name.to_string(),
            template_id: group.template.to_string(),
            revision: group.revision,
            capacity: group.capacity,
            lifecycle: group.lifecycle,
            policy: group.policy.clone(),
            placement: group.placement.clone(),
            health: group.health.clone(),
            discovery: view
                .and_then(|view| view.discovery)
                .map(|discovery| DiscoveryBody { alarm: discovery.alarm.map(|alarm| alarm.to_string()) }),
            orders: group.orders,
            freeze: group.freeze.clone(),
            status: report.map(|report| report.status),
            report: report.map(|report| ReportBody::of(report, now)),
            trouble: view.and_then(trouble),
            created_at: time::milliseconds(group.created_at),
            updated_at: time::milliseconds(group.updated_at),
            version: *version,
        }
    }

    /// The id, which is also the cursor of a list.
    pub fn id(&self) -> String {
        self.id.clone()
    }
}

/// What keeps the engine from doing what is planned.
pub fn trouble(view: &GroupView) -> Option<Trouble> {
    view.trouble.clone().or_else(|| blocked_placement(view))
}

/// Rules under which no instance may be made now.
fn blocked_placement(view: &GroupView) -> Option<Trouble> {
    let seen = view.blocked.as_ref()?;
    let blocked = Compiled { blocked: seen.why.clone(), ..Compiled::default() };
    let words = InWords::new(&blocked, &seen.block).to_string();
    Some(Trouble { at: seen.at, what: format!("placement {}", words.replace('\n', "; ")) })
}
