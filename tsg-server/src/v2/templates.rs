//! `/v2/templates`: made, read and deleted, never changed.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use tsg_core::model::id::TemplateId;
use tsg_core::model::name::TemplateName;
use tsg_core::model::template::Template;
use tsg_core::records::codec;
use tsg_core::records::kinds::TakenTemplateName;
use tsg_engine::intent::{self, CreateTemplateError, DeleteTemplateError};

use super::idempotency::{Answer, once};
use super::request::{Listed, Page, Params, Write, json};
use super::template_body::{NewTemplate, TemplateBody, id};
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
) -> Result<Json<Listed<TemplateBody>>, Failure> {
    if let Some(name) = filter.name {
        let found = by_name(&app, &caller, &id::<TemplateName>("name", &name)?).await?;
        return Ok(Json(Listed { items: found.into_iter().collect(), next: None }));
    }
    let (store, after) = (app.store.as_ref(), page.after.as_deref());
    let found = codec::page::<Template>(store, caller.account(), "", after, page.limit + 1).await?;
    let items = found.iter().map(|template| TemplateBody::of(&template.value)).collect();
    Ok(Json(Listed::new(items, &page, TemplateBody::id)))
}

async fn by_name(app: &Application, caller: &Caller, name: &TemplateName) -> Result<Option<TemplateBody>, Failure> {
    let store = app.store.as_ref();
    let taken = codec::get::<TakenTemplateName>(store, caller.account(), name.as_str()).await?;
    let Some(taken) = taken else { return Ok(None) };
    let template = codec::get::<Template>(store, caller.account(), &taken.value.template.to_string()).await?;
    Ok(template.map(|template| TemplateBody::of(&template.value)))
}

pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TemplateBody>, Failure> {
    let id: TemplateId = id.parse().map_err(|_| Failure::not_found("template"))?;
    let template = codec::get::<Template>(app.store.as_ref(), caller.account(), &id.to_string()).await?;
    let template = template.ok_or_else(|| Failure::not_found("template"))?;
    Ok(Json(TemplateBody::of(&template.value)))
}

pub async fn create(State(app): State<App>, caller: Caller, write: Write) -> Result<Response, Failure> {
    let spec = json::<NewTemplate>(&write.body)?.into_spec()?;
    once(&app, &caller, &write, async |id| {
        let id = TemplateId::new(id);
        let created = intent::create_template(app.store.as_ref(), &caller.intent(app.now()), id, spec).await;
        let template = created.map_err(create_failure)?;
        let location = Some(format!("/v2/templates/{}", template.id));
        Ok(Answer { location, ..Answer::json(StatusCode::CREATED, &TemplateBody::of(&template)) })
    })
    .await
}

fn create_failure(error: CreateTemplateError) -> Failure {
    match error {
        CreateTemplateError::NameTaken { .. } => Failure::new(StatusCode::CONFLICT, "NameTaken", error.to_string())
            .hint("templates cannot be changed; choose another name"),
        CreateTemplateError::Invalid(invalid) => Failure::unprocessable("InvalidTemplate", invalid.to_string()),
        CreateTemplateError::Contended => Failure::contended(),
        CreateTemplateError::Store(error) => error.into(),
    }
}

pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    write: Write,
) -> Result<Response, Failure> {
    let id: TemplateId = id.parse().map_err(|_| Failure::not_found("template"))?;
    once(&app, &caller, &write, async |_| {
        let deleted = intent::delete_template(app.store.as_ref(), &caller.intent(app.now()), id).await;
        deleted.map_err(|error| match error {
            DeleteTemplateError::UnknownTemplate(_) => Failure::not_found("template"),
            DeleteTemplateError::InUse { .. } => Failure::new(StatusCode::CONFLICT, "TemplateInUse", error.to_string())
                .hint("delete the group, or give it another template"),
            DeleteTemplateError::Contended => Failure::contended(),
            DeleteTemplateError::Store(error) => error.into(),
        })?;
        Ok(Answer::empty(StatusCode::NO_CONTENT))
    })
    .await
}
