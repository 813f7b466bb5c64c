//! `/v2/groups/{id}/placement`: where a group's instances stand, and where the next one can go.
//!
//! Owns the answer, and when there is none. Must never place anything, nor look anything up that the
//! engine has not seen.

mod body;
mod creates;
mod outlook;
mod text;
mod unruled;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tsg_core::model::group::{Group, Lifecycle};
use tsg_core::model::template::Template;
use tsg_core::placement::topology::Topology;
use tsg_core::records::codec;
use tsg_engine::{GroupView, Occupancy, PlacementSource, PlacementView};

use super::groups::find;
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::http::failure::Failure;

pub use body::PlacementBody;
pub use creates::CreatesBody;

/// What is known of the account's compute nodes.
#[derive(Debug)]
pub struct Site<'a> {
    topology: &'a Topology,
    /// `None` before the account was listed.
    occupancy: Option<Arc<Occupancy>>,
}

impl<'a> Site<'a> {
    /// As the caller's engine has seen it.
    pub fn of(app: &'a Application, caller: &Caller) -> Self {
        let topology = &app.config.engine.config.topology;
        Self { topology, occupancy: caller.enrolled.engine.handle().occupancy() }
    }
}

/// Shows it.
pub async fn show(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Failure> {
    let group = find(&app, &caller, &id).await?.value;
    let (site, view) = (Site::of(&app, &caller), caller.enrolled.engine.handle().group(group.id));
    if let Some(seen) = view.as_deref().and_then(|view| seen_of(view, &group)) {
        return Ok(Json(PlacementBody::of(&seen, &site)).into_response());
    }
    let is_ruled = group.lifecycle == Lifecycle::Active && is_under_rules(&app, &caller, &group).await?;
    let unruled = view.filter(|_| !is_ruled).and_then(|view| PlacementBody::unruled(&group, &view, &site));
    unruled.map(|body| Json(body).into_response()).ok_or_else(unseen)
}

/// Whether the group or its template has rules.
async fn is_under_rules(app: &Application, caller: &Caller, group: &Group) -> Result<bool, Failure> {
    let template = codec::get::<Template>(app.store.as_ref(), caller.account(), &group.template.to_string()).await?;
    let of_template = template.map(|template| template.value.spec.placement);
    let block = group.placement.as_deref().or(of_template.as_ref());
    Ok(block.is_some_and(|block| !block.is_default()))
}

/// What was seen of a group's placement, unless the group says something else by now.
pub fn seen_of(view: &GroupView, group: &Group) -> Option<Arc<PlacementView>> {
    let seen = view.placement.clone()?;
    let is_current = match &group.placement {
        Some(block) => **block == seen.block,
        None => seen.source == PlacementSource::Template,
    };
    is_current.then_some(seen)
}

fn unseen() -> Failure {
    let what = "the account was not listed since the group says what it says of placement";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "PlacementUnseen", what)
        .hint("repeat the request; GET /v2/health says how the account is seen")
}
