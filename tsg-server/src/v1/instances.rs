//! `/v1/tsg/groups/{id}/instances`: the machines of a group, as CloudAPI shows them now.
//!
//! Owns that only machines of the group's own ledger are listed; a tag that somebody put on
//! another machine makes it nobody's member.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::time::Duration;
use tsg_core::model::id::GroupId;
use tsg_core::model::operation::Operation;
use tsg_core::ports::store::{Scope, StoreError};
use tsg_core::records::codec;
use tsg_core::records::kinds::group_prefix;
use uuid::Uuid;

use super::groups::find;
use super::machine::MachineBody;
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::http::failure::Failure;

pub async fn list(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Failure> {
    let group = find(&app, &caller, &id).await?.value;
    let ledger = ledger(&app, &caller, group.id).await?;
    if ledger.is_empty() {
        return Ok(Json(Vec::<MachineBody<'_>>::new()).into_response());
    }
    let machines = caller.enrolled.client.machines_tagged(group.id).await.map_err(|error| {
        tracing::warn!(account = %caller.account(), %error, "machines cannot be listed");
        Failure::new(StatusCode::BAD_GATEWAY, "CloudUnavailable", "CloudAPI did not list the machines of this group")
            .hint("repeat the request when CloudAPI answers")
            .retry_after(Duration::from_secs(5))
    })?;
    let members = machines.iter().filter(|machine| ledger.contains(&machine.id));
    Ok(Json(members.map(MachineBody::of).collect::<Vec<_>>()).into_response())
}

/// The machines that the group's operations made.
async fn ledger(app: &Application, caller: &Caller, group: GroupId) -> Result<BTreeSet<Uuid>, StoreError> {
    let scope = Scope::Account(caller.account());
    let operations = codec::all::<Operation>(app.store.as_ref(), scope, &group_prefix(group)).await?;
    let is_open = |operation: &&Operation| !operation.phase.is_closed();
    let open = operations.iter().map(|operation| &operation.value).filter(is_open);
    Ok(open.filter_map(|operation| operation.instance).map(|instance| instance.uuid()).collect())
}
