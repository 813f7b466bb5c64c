//! `/v2/groups/{id}/plan`: what would be done, for the capacity that is or for another.
//!
//! Runs the production planner on the ledger and the engine's last look. Must never carry out or
//! record anything of it.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tsg_core::model::group::{Group, LedgerHead};
use tsg_core::model::id::ImageId;
use tsg_core::model::instance::{ObservedInstance, PackageMark, ResizeMode};
use tsg_core::model::operation::Operation;
use tsg_core::model::revision::RevisionFacts;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::join::{Joined, Look, join};
use tsg_core::observe::lasting::LastingStates;
use tsg_core::plan::input::{Conditions, Intent, PlanInput, View, ViewTrust};
use tsg_core::plan::memory::PlanMemory;
use tsg_core::plan::output::{Plan, PlannedAction};
use tsg_core::plan::plan as make_plan;
use tsg_core::plan::render::in_words;
use tsg_core::ports::store::Scope;
use tsg_core::records::codec;
use tsg_core::records::kinds::group_prefix;
use tsg_engine::{GroupView, MemberView};
use uuid::Uuid;

use super::group_body::{ReportBody, check_capacity};
use super::groups::find;
use super::placement::{PlacementBody, seen_of};
use super::request::json;
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::http::failure::Failure;
use crate::time;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    capacity: Option<i64>,
}

#[derive(Debug, Serialize)]
struct PlanBody {
    capacity: u32,
    view: View,
    actions: Vec<PlannedAction>,
    steps: Vec<String>,
    report: ReportBody,
    /// `null` without a block, and until the account was listed under it.
    placement: Option<PlacementBody>,
    next_wakeup: Option<String>,
}

/// Plans, and shows it.
pub async fn plan(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Failure> {
    let group = find(&app, &caller, &id).await?.value;
    let asked = if body.is_empty() { Asked::default() } else { json::<Asked>(&body)? };
    let capacity = match asked.capacity {
        Some(capacity) => check_capacity(capacity, app.config.limits.capacity_max)?,
        None => group.capacity,
    };
    let view = caller.enrolled.engine.handle().group(group.id);
    let placement = view.as_ref().and_then(|view| seen_of(view, &group));
    let placement = placement.map(|seen| PlacementBody::of(&seen, &app.config.engine.config.topology));
    let now = app.now();
    let joined = joined(&app, &caller, &group, view.as_deref(), now).await?;
    let memory = memory(&app, &caller, &group).await?;
    let seen = view.as_ref().map_or(UNSEEN, |view| view.view);
    // What the engine may do across its groups just now is known to it alone.
    let limits = view.and_then(|view| view.limits).unwrap_or_default();
    let is_resizable = joined.resize == Some(ResizeMode::Live);
    let facts = group.revisions.facts().into_iter();
    let revisions: Vec<_> = facts.map(|facts| RevisionFacts { is_resizable, ..facts }).collect();
    let input = PlanInput {
        intent: Intent {
            group: group.id,
            lifecycle: group.lifecycle,
            capacity,
            revision: group.revision,
            is_frozen: group.freeze.is_some(),
            orders: group.orders,
        },
        policy: &group.policy,
        revisions: &revisions,
        view: seen,
        members: &joined.members,
        details: &joined.details,
        memory,
        limits,
        conditions: Conditions::default(),
        timing: &app.config.engine.config.timing,
        now,
        seed: app.entropy.draw(),
    };
    let plan = make_plan(&input).map_err(|error| {
        tracing::error!(group = %group.id, %error, "a group cannot be planned");
        Failure::new(StatusCode::CONFLICT, "Unplannable", "the group's records do not fit together just now")
            .hint("repeat the request; the details are in the server's log")
    })?;
    Ok(Json(PlanBody { placement, ..body_of(plan, capacity, seen, now) }).into_response())
}

fn body_of(plan: Plan, capacity: u32, view: View, now: Timestamp) -> PlanBody {
    PlanBody {
        capacity,
        view,
        steps: plan.actions.iter().map(|action| in_words(action, now).to_string()).collect(),
        actions: plan.actions,
        report: ReportBody::of(&plan.report, now),
        placement: None,
        next_wakeup: plan.next_wakeup.map(time::milliseconds),
    }
}

/// Before the engine's first look.
const UNSEEN: View = View { taken_at: Timestamp::EPOCH, trust: ViewTrust::Unobserved };

async fn memory(app: &Application, caller: &Caller, group: &Group) -> Result<PlanMemory, Failure> {
    let head = codec::get::<LedgerHead>(app.store.as_ref(), caller.account(), &group.id.to_string()).await?;
    Ok(head.map_or_else(PlanMemory::default, |head| head.value.memory))
}

/// The group's operations joined with the engine's last look.
async fn joined(
    app: &Application,
    caller: &Caller,
    group: &Group,
    view: Option<&GroupView>,
    now: Timestamp,
) -> Result<Joined, Failure> {
    let scope = Scope::Account(caller.account());
    let operations = codec::all::<Operation>(app.store.as_ref(), scope, &group_prefix(group.id)).await?;
    let taken_at = view.map_or(Timestamp::EPOCH, |view| view.view.taken_at);
    let lasting = view.map(lasting_by).unwrap_or_default();
    let youth = group.policy.update.healthy_deadline.as_duration() * 2;
    let look = Look { taken_at, lasting: &lasting, now, youth };
    Ok(join(operations.iter().map(|operation| &operation.value), &look))
}

/// The part of the engine's last look that concerns this group, and since when it is so.
fn lasting_by(view: &GroupView) -> LastingStates {
    let mut lasting = LastingStates::new();
    for (member, seen) in view.members.iter().filter_map(|member| Some((member, seen(member)?))) {
        match member.state_since {
            Some(since) => lasting.take_over(&seen, since, member.guest_since.unwrap_or(Timestamp::EPOCH)),
            None => lasting.note(&seen, view.view.taken_at),
        }
    }
    lasting
}

fn seen(member: &MemberView) -> Option<ObservedInstance> {
    Some(ObservedInstance {
        id: member.instance?,
        state: member.state?,
        created_at: member.created_at.unwrap_or(member.phase_since),
        named: Some(member.operation),
        claim: None,
        compute_node: member.compute_node,
        // The planner does not ask which image a machine has.
        image: ImageId::new(Uuid::nil()),
        package: PackageMark::NONE,
        brand: member.brand,
        guest: member.guest,
        address: member.address,
        is_protected: member.is_protected,
        is_delisted: false,
    })
}
