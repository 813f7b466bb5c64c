//! `/v1/tsg/groups`. Owns TSG v1's answers; groups themselves are the engine's intent.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use tsg_core::model::group::{Group, Lifecycle};
use tsg_core::model::id::GroupId;
use tsg_core::model::name::GroupName;
use tsg_core::ports::store::{Scope, StoreError};
use tsg_core::records::kinds::TakenGroupName;
use tsg_core::records::{Versioned, codec};
use tsg_engine::intent::{self, ChangeGroupError, CreateGroupError, DeleteGroupError, GroupChange, NewGroup};

use super::body::{self, CheckedGroup, GroupAnswer, GroupBody};
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::http::failure::Failure;

pub async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Failure> {
    let groups = codec::all::<Group>(app.store.as_ref(), Scope::Account(caller.account()), "").await?;
    let active = groups.iter().map(|group| &group.value).filter(|group| group.lifecycle == Lifecycle::Active);
    Ok(Json(active.map(GroupAnswer::of).collect::<Vec<_>>()).into_response())
}

pub async fn show(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Failure> {
    let group = find(&app, &caller, &id).await?;
    Ok(Json(GroupAnswer::of(&group.value)).into_response())
}

pub async fn create(State(app): State<App>, caller: Caller, body: Bytes) -> Result<Response, Failure> {
    let CheckedGroup { name, template, capacity } =
        body::read::<GroupBody>(&body)?.check(app.config.limits.capacity_max)?;
    let new = NewGroup {
        id: GroupId::new(app.draw_id()),
        name,
        template,
        capacity,
        policy: Group::first_policy(),
        placement: None,
        health: None,
    };
    let created = intent::create_group(app.store.as_ref(), &caller.intent(app.now()), &new).await;
    let group = created.map_err(|error| match error {
        CreateGroupError::NameTaken { name, .. } => {
            let text = format!("Cannot create group \"{name}\", group name conflicts with existing group.");
            Failure::new(StatusCode::CONFLICT, "NameTaken", text)
        }
        CreateGroupError::UnknownTemplate(id) => unknown_template(&id.to_string()),
        CreateGroupError::Policy(error) => Failure::unprocessable("InvalidPolicy", error.to_string()),
        CreateGroupError::Placement(error) => Failure::unprocessable("InvalidPlacement", error.to_string()),
        CreateGroupError::Health(error) => Failure::unprocessable("InvalidHealth", error.to_string()),
        CreateGroupError::Contended => Failure::contended(),
        CreateGroupError::Store(error) => error.into(),
    })?;
    caller.enrolled.engine.handle().wake();
    let location = format!("{}/{}", super::GROUPS, group.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(GroupAnswer::of(&group))).into_response())
}

pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Failure> {
    let current = find(&app, &caller, &id).await?;
    let wanted = body::read::<GroupBody>(&body)?.check(app.config.limits.capacity_max)?;
    if wanted.name != current.value.name {
        let text = format!("The group name \"{}\" does not match the name on the record.", wanted.name);
        return Err(Failure::new(StatusCode::BAD_REQUEST, "NameMismatch", text));
    }
    change(&app, &caller, current.value.id, wanted).await
}

/// Terraform's provider sends updates to the collection.
pub async fn update_by_name(State(app): State<App>, caller: Caller, body: Bytes) -> Result<Response, Failure> {
    let wanted = body::read::<GroupBody>(&body)?.check(app.config.limits.capacity_max)?;
    let id = named(&app, &caller, &wanted.name).await?.ok_or_else(|| Failure::not_found("group"))?;
    change(&app, &caller, id, wanted).await
}

async fn named(app: &Application, caller: &Caller, name: &GroupName) -> Result<Option<GroupId>, StoreError> {
    let taken = codec::get::<TakenGroupName>(app.store.as_ref(), caller.account(), name.as_str()).await?;
    Ok(taken.map(|taken| taken.value.group))
}

async fn change(app: &Application, caller: &Caller, id: GroupId, wanted: CheckedGroup) -> Result<Response, Failure> {
    let change =
        GroupChange { capacity: Some(wanted.capacity), template: Some(wanted.template), ..GroupChange::default() };
    let changed = intent::change_group(app.store.as_ref(), &caller.intent(app.now()), id, &change).await;
    let group = changed.map_err(change_failure)?;
    caller.enrolled.engine.handle().wake();
    Ok(Json(GroupAnswer::of(&group)).into_response())
}

/// What a failed change is answered with.
pub fn change_failure(error: ChangeGroupError) -> Failure {
    match error {
        ChangeGroupError::UnknownGroup(_) => Failure::not_found("group"),
        ChangeGroupError::UnknownTemplate(id) => unknown_template(&id.to_string()),
        // v1 asks for neither.
        ChangeGroupError::UnknownRevision { .. }
        | ChangeGroupError::Policy(_)
        | ChangeGroupError::Placement(_)
        | ChangeGroupError::Health(_) => Failure::unprocessable("InvalidGroup", error.to_string()),
        ChangeGroupError::Changed { .. } | ChangeGroupError::Contended => Failure::contended(),
        ChangeGroupError::Store(error) => error.into(),
    }
}

pub async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    let id = find(&app, &caller, &id).await?.value.id;
    let deleted = intent::delete_group(app.store.as_ref(), &caller.intent(app.now()), id, None).await;
    deleted.map_err(|error| match error {
        DeleteGroupError::UnknownGroup(_) => Failure::not_found("group"),
        DeleteGroupError::Changed { .. } | DeleteGroupError::Contended => Failure::contended(),
        DeleteGroupError::Store(error) => error.into(),
    })?;
    caller.enrolled.engine.handle().wake();
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's group of that id. One that is being deleted is gone already, as far as v1 knows.
pub async fn find(app: &Application, caller: &Caller, id: &str) -> Result<Versioned<Group>, Failure> {
    let id: GroupId = id.parse().map_err(|_| Failure::not_found("group"))?;
    let group = codec::get::<Group>(app.store.as_ref(), caller.account(), &id.to_string()).await?;
    group.filter(|group| group.value.lifecycle == Lifecycle::Active).ok_or_else(|| Failure::not_found("group"))
}

fn unknown_template(id: &str) -> Failure {
    Failure::unprocessable("UnknownTemplate", format!("template \"{id}\" does not exist"))
        .hint("create the template first; nothing was saved")
}
