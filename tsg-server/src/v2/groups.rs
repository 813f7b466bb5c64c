//! `/v2/groups`: made, read, changed, deleted.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use tsg_core::health::spec::HealthSpec;
use tsg_core::model::group::Group;
use tsg_core::model::id::GroupId;
use tsg_core::model::name::GroupName;
use tsg_core::records::kinds::TakenGroupName;
use tsg_core::records::{Versioned, codec};
use tsg_engine::intent::{self, BlockChange, ChangeGroupError, CreateGroupError, DeleteGroupError};

use super::group_body::{GroupBody, GroupPatch, NewGroupBody};
use super::idempotency::{Answer, once};
use super::plan::is_still_planned;
use super::request::{Listed, Page, Params, Write, etag, json, precondition_failed};
use super::template_body::{id, invalid};
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::http::failure::Failure;

#[derive(Debug, Deserialize)]
pub struct Filter {
    name: Option<String>,
}

pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Params(filter): Params<Filter>,
) -> Result<Json<Listed<GroupBody>>, Failure> {
    if let Some(name) = filter.name {
        let found = by_name(&app, &caller, &id::<GroupName>("name", &name)?).await?;
        let items = found.iter().map(|group| body(&app, &caller, group)).collect();
        return Ok(Json(Listed { items, next: None }));
    }
    let (store, after) = (app.store.as_ref(), page.after.as_deref());
    let found = codec::page::<Group>(store, caller.account(), "", after, page.limit + 1).await?;
    let items = found.iter().map(|group| body(&app, &caller, group)).collect();
    Ok(Json(Listed::new(items, &page, GroupBody::id)))
}

async fn by_name(app: &Application, caller: &Caller, name: &GroupName) -> Result<Option<Versioned<Group>>, Failure> {
    let store = app.store.as_ref();
    let Some(taken) = codec::get::<TakenGroupName>(store, caller.account(), name.as_str()).await? else {
        return Ok(None);
    };
    Ok(codec::get::<Group>(store, caller.account(), &taken.value.group.to_string()).await?)
}

fn body(app: &Application, caller: &Caller, group: &Versioned<Group>) -> GroupBody {
    let view = caller.enrolled.engine.handle().group(group.value.id);
    GroupBody::of(group, view.as_deref(), app.now())
}

pub fn parse_id(id: &str) -> Result<GroupId, Failure> {
    id.parse().map_err(|_| Failure::not_found("group"))
}

/// The caller's group of that id, on its way out or not.
pub async fn find(app: &Application, caller: &Caller, id: &str) -> Result<Versioned<Group>, Failure> {
    let id = parse_id(id)?;
    let group = codec::get::<Group>(app.store.as_ref(), caller.account(), &id.to_string()).await?;
    group.ok_or_else(|| Failure::not_found("group"))
}

pub async fn show(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Failure> {
    let group = find(&app, &caller, &id).await?;
    Ok(([(ETAG, etag(group.version))], Json(body(&app, &caller, &group))).into_response())
}

pub async fn create(State(app): State<App>, caller: Caller, write: Write) -> Result<Response, Failure> {
    let body = json::<NewGroupBody>(&write.body)?;
    once(&app, &caller, &write, async |id| {
        let new = body.check(GroupId::new(id), app.config.limits.capacity_max)?;
        check_commands(&app, new.health.as_deref())?;
        let created = intent::create_group(app.store.as_ref(), &caller.intent(app.now()), &new).await;
        let group = created.map_err(create_failure)?;
        caller.enrolled.engine.handle().wake();
        let location = Some(format!("/v2/groups/{}", group.id));
        Ok(Answer { location, ..answer(&app, &caller, StatusCode::CREATED, group.id).await? })
    })
    .await
}

/// No group is left with a check that nobody can make.
fn check_commands(app: &Application, health: Option<&HealthSpec>) -> Result<(), Failure> {
    health.map_or(Ok(()), |health| health.check_commands(app.commands)).map_err(|error| invalid("health", &error))
}

fn unknown_revision(error: &ChangeGroupError) -> Failure {
    Failure::unprocessable("UnknownRevision", error.to_string())
        .hint("see /v2/groups/{id}/revisions for those that are remembered")
}

fn create_failure(error: CreateGroupError) -> Failure {
    match error {
        CreateGroupError::NameTaken { .. } => Failure::new(StatusCode::CONFLICT, "NameTaken", error.to_string())
            .hint("choose another name, or change the group that has it"),
        CreateGroupError::UnknownTemplate(_) => Failure::unprocessable("UnknownTemplate", error.to_string())
            .hint("create the template first; nothing was saved"),
        CreateGroupError::Policy(error) => invalid("policy", &error),
        CreateGroupError::Placement(error) => invalid("placement", &error),
        CreateGroupError::Health(error) => invalid("health", &error),
        CreateGroupError::Contended => Failure::contended(),
        CreateGroupError::Store(error) => error.into(),
    }
}

pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    write: Write,
) -> Result<Response, Failure> {
    let group = parse_id(&id)?;
    let mut patch = json::<GroupPatch>(&write.body)?;
    let expected = patch.take_expected_plan()?;
    let change = patch.check(write.only_at, app.config.limits.capacity_max)?;
    if let Some(BlockChange::Set(health)) = &change.health {
        check_commands(&app, Some(health))?;
    }
    once(&app, &caller, &write, async |_| {
        if let Some(expected) = expected {
            is_still_planned(&caller, group, change.capacity, expected).await?;
        }
        let changed = intent::change_group(app.store.as_ref(), &caller.intent(app.now()), group, &change).await;
        changed.map_err(|error| match error {
            ChangeGroupError::UnknownGroup(_) => Failure::not_found("group"),
            ChangeGroupError::UnknownTemplate(_) => Failure::unprocessable("UnknownTemplate", error.to_string()),
            ChangeGroupError::UnknownRevision { .. } => unknown_revision(&error),
            ChangeGroupError::Policy(error) => invalid("policy", &error),
            ChangeGroupError::Placement(error) => invalid("placement", &error),
            ChangeGroupError::Health(error) => invalid("health", &error),
            ChangeGroupError::Changed { .. } => precondition_failed(),
            ChangeGroupError::Contended => Failure::contended(),
            ChangeGroupError::Store(error) => error.into(),
        })?;
        caller.enrolled.engine.handle().wake();
        answer(&app, &caller, StatusCode::OK, group).await
    })
    .await
}

pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    write: Write,
) -> Result<Response, Failure> {
    // Whether it exists is asked only once the key has no answer: a repetition may come long after
    // the group's records are gone.
    let group = parse_id(&id)?;
    once(&app, &caller, &write, async |_| {
        let by = caller.intent(app.now());
        let deleted = intent::delete_group(app.store.as_ref(), &by, group, write.only_at).await;
        deleted.map_err(|error| match error {
            DeleteGroupError::UnknownGroup(_) => Failure::not_found("group"),
            DeleteGroupError::Changed { .. } => precondition_failed(),
            DeleteGroupError::Contended => Failure::contended(),
            DeleteGroupError::Store(error) => error.into(),
        })?;
        caller.enrolled.engine.handle().wake();
        // The group stays visible, on its way out, until its last instance is gone.
        answer(&app, &caller, StatusCode::ACCEPTED, group).await
    })
    .await
}

/// Has the engine look again now; what it does is up to the planner.
pub async fn reconcile(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    find(&app, &caller, &id).await?;
    caller.enrolled.engine.handle().wake();
    Ok(StatusCode::ACCEPTED)
}

pub async fn answer(app: &Application, caller: &Caller, status: StatusCode, id: GroupId) -> Result<Answer, Failure> {
    let group = find(app, caller, &id.to_string()).await?;
    Ok(Answer { etag: Some(etag(group.version)), ..Answer::json(status, &body(app, caller, &group)) })
}
