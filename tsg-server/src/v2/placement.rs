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
use tsg_core::model::group::Lifecycle;
use tsg_core::model::id::GroupId;
use tsg_core::placement::topology::Topology;
use tsg_engine::{Occupancy, Survey};

use super::groups::find;
use super::plan::{PATIENCE, no_answer};
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
    if group.lifecycle != Lifecycle::Active {
        return Err(leaving());
    }
    let site = Site::of(&app, &caller);
    let body = match survey(&caller, group.id).await? {
        Survey::Ruled(seen) => Some(PlacementBody::of(&seen, &site)),
        Survey::Unseen => None,
        Survey::Unruled => {
            let view = caller.enrolled.engine.handle().group(group.id);
            view.and_then(|view| PlacementBody::unruled(&group, &view, &site))
        }
    };
    body.map(|body| Json(body).into_response()).ok_or_else(unseen)
}

/// What the account's engine sees of a group's placement.
async fn survey(caller: &Caller, group: GroupId) -> Result<Survey, Failure> {
    let handle = caller.enrolled.engine.handle();
    tokio::time::timeout(PATIENCE, handle.survey(group)).await.ok().flatten().ok_or_else(no_answer)
}

fn leaving() -> Failure {
    Failure::new(StatusCode::CONFLICT, "GroupDeleting", "the group is being deleted, and nothing is placed for it")
        .hint("GET /v2/groups/{id} says how far that is")
}

fn unseen() -> Failure {
    let what = "the newest list of the account does not show what the group's placement rules are about";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "PlacementUnseen", what)
        .hint("repeat the request; GET /v2/health says how the account is seen")
}
