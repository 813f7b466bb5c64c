//! `/v2/groups/{id}/plan`: what would be done, for the capacity that is or for another.
//!
//! Asks the account's engine, so that what is shown is what would be done. Must never carry out or
//! record anything of it.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tsg_core::model::id::GroupId;
use tsg_core::plan::fingerprint::PlanId;
use tsg_core::plan::input::View;
use tsg_core::plan::output::{PlanError, PlannedAction};
use tsg_core::plan::render::in_words;
use tsg_engine::{Preview, Rehearsal, Survey};

use super::group_body::{ReportBody, check_capacity};
use super::groups::find;
use super::placement::{CreatesBody, PlacementBody, Site};
use super::request::json;
use crate::app::App;
use crate::auth::Caller;
use crate::http::failure::Failure;
use crate::time;

/// How long the engine may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    capacity: Option<i64>,
}

#[derive(Debug, Serialize)]
struct PlanBody {
    id: PlanId,
    capacity: u32,
    view: View,
    actions: Vec<PlannedAction>,
    steps: Vec<String>,
    report: ReportBody,
    /// `null` without a block, and until the account was listed under it.
    placement: Option<PlacementBody>,
    /// Where the creates would go; `null` where there are none.
    creates: Option<CreatesBody>,
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
    let site = Site::of(&app, &caller);
    let handle = caller.enrolled.engine.handle();
    let seen = answered(group.id, handle.preview(group.id, asked.capacity.and(Some(capacity)))).await?;
    let Preview { rehearsal, placement, destinations } = seen;
    let placement = match placement {
        Survey::Ruled(seen) => Some(PlacementBody::of(&seen, &site)),
        Survey::Unruled | Survey::Unseen => None,
    };
    let creates = destinations.as_ref().map(|told| CreatesBody::of(told, &site));
    Ok(Json(PlanBody { placement, creates, ..body_of(rehearsal, capacity) }).into_response())
}

/// Refuses a change whose plan is not the one that was shown.
pub async fn is_still_planned(
    caller: &Caller,
    group: GroupId,
    capacity: Option<u32>,
    expected: PlanId,
) -> Result<(), Failure> {
    let rehearsal = answered(group, caller.enrolled.engine.handle().rehearse(group, capacity)).await?;
    if rehearsal.id == expected {
        return Ok(());
    }
    let message = format!("the plan is {} by now, not {expected}; nothing was changed", rehearsal.id);
    Err(Failure::new(StatusCode::CONFLICT, "PlanChanged", message).hint("look at the plan again, and give its id"))
}

/// Waits for what the engine says of a plan.
pub async fn answered<T>(
    group: GroupId,
    asked: impl Future<Output = Option<Result<T, PlanError>>>,
) -> Result<T, Failure> {
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    answer.ok().flatten().ok_or_else(no_answer)?.map_err(|error| {
        tracing::error!(%group, %error, "a group cannot be planned");
        Failure::new(StatusCode::CONFLICT, "Unplannable", "the group's records do not fit together just now")
            .hint("repeat the request; the details are in the server's log")
    })
}

/// The engine has ended, or is busy for longer than anybody waits.
pub fn no_answer() -> Failure {
    Failure::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "EngineUnavailable",
        "the account's engine does not answer just now, or too many wait for it",
    )
    .hint("repeat the request; GET /v2/health says how the engine stands")
}

fn body_of(Rehearsal { plan, id, view, at, .. }: Rehearsal, capacity: u32) -> PlanBody {
    PlanBody {
        id,
        capacity,
        view,
        steps: plan.actions.iter().map(|action| in_words(action, at).to_string()).collect(),
        actions: plan.actions,
        report: ReportBody::of(&plan.report, at),
        placement: None,
        creates: None,
        next_wakeup: plan.next_wakeup.map(time::milliseconds),
    }
}
