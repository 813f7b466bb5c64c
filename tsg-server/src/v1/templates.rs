//! `/v1/tsg/templates`. Owns TSG v1's answers; templates themselves are the engine's intent.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use tsg_core::model::id::TemplateId;
use tsg_core::model::template::Template;
use tsg_core::ports::store::Scope;
use tsg_core::records::codec;
use tsg_engine::intent::{self, CreateTemplateError, DeleteTemplateError};

use super::body::{self, NewTemplate, TemplateBody};
use crate::app::App;
use crate::auth::Caller;
use crate::http::failure::Failure;

pub async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Failure> {
    let templates = codec::all::<Template>(app.store.as_ref(), Scope::Account(caller.account()), "").await?;
    let bodies: Vec<_> = templates.iter().map(|template| TemplateBody::of(&template.value)).collect();
    Ok(Json(bodies).into_response())
}

pub async fn show(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Failure> {
    let id = parse_id(&id)?;
    let template = codec::get::<Template>(app.store.as_ref(), caller.account(), &id.to_string()).await?;
    let template = template.ok_or_else(|| Failure::not_found("template"))?;
    Ok(Json(TemplateBody::of(&template.value)).into_response())
}

pub async fn create(State(app): State<App>, caller: Caller, body: Bytes) -> Result<Response, Failure> {
    let spec = body::read::<NewTemplate>(&body)?.into_spec()?;
    let name = spec.name.clone();
    let id = TemplateId::new(app.draw_id());
    let created = intent::create_template(app.store.as_ref(), &caller.intent(app.now()), id, spec).await;
    let template = created.map_err(|error| match error {
        CreateTemplateError::NameTaken { .. } => {
            let text = format!("Cannot create template \"{name}\", conflicts with another template.");
            Failure::new(StatusCode::CONFLICT, "NameTaken", text)
        }
        CreateTemplateError::Invalid(invalid) => Failure::unprocessable("InvalidTemplate", invalid.to_string()),
        CreateTemplateError::Contended => Failure::contended(),
        CreateTemplateError::Store(error) => error.into(),
    })?;
    let location = format!("{}/{}", super::TEMPLATES, template.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(TemplateBody::of(&template))).into_response())
}

pub async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    let id = parse_id(&id)?;
    let deleted = intent::delete_template(app.store.as_ref(), &caller.intent(app.now()), id).await;
    deleted.map(|()| StatusCode::NO_CONTENT).map_err(|error| match error {
        DeleteTemplateError::UnknownTemplate(_) => Failure::not_found("template"),
        DeleteTemplateError::InUse { .. } => Failure::new(
            StatusCode::CONFLICT,
            "TemplateInUse",
            format!("Cannot delete template \"{id}\" while in use, must be removed from all groups first."),
        ),
        DeleteTemplateError::Contended => Failure::contended(),
        DeleteTemplateError::Store(error) => error.into(),
    })
}

/// A text that is no id cannot be anybody's template.
fn parse_id(text: &str) -> Result<TemplateId, Failure> {
    text.parse().map_err(|_| Failure::not_found("template"))
}
