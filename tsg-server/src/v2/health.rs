//! `/v2/health`: whether the server lives, and, to those who may know, how it is.
//!
//! Owns who may know what: everybody that it lives, an account how its own engine is. Must never
//! tell anything by where a request comes from: behind a proxy everybody comes from this machine.

use axum::Json;
use axum::extract::{Request, State};
use http::header::AUTHORIZATION;
use serde::Serialize;
use tsg_engine::AccountHealth;

use crate::accounts::registry::Enrolled;
use crate::app::{App, Application};
use crate::auth::signature;
use crate::http::failure::Failure;
use crate::http::family::Family;
use crate::time;

/// The answer.
#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
    #[serde(flatten)]
    details: Option<Details>,
}

#[derive(Debug, Serialize)]
struct Details {
    version: &'static str,
    deployment: String,
    datacenter: String,
    time: String,
    account: AccountBody,
}

#[derive(Debug, Serialize)]
struct AccountBody {
    id: String,
    login: String,
    groups: usize,
    health: AccountHealth,
}

/// Answers 200 while the process works.
pub async fn health(State(app): State<App>, request: Request) -> Result<Json<Health>, Failure> {
    let (parts, _) = request.into_parts();
    if !parts.headers.contains_key(AUTHORIZATION) {
        return Ok(Json(Health { status: "ok", details: None }));
    }
    let verified = signature::verify(&app, &parts).await?;
    signature::check_coverage(&app, Family::V2, &verified.parsed)?;
    let details = details(&app, &verified.caller.enrolled);
    let status = if details.is_degraded() { "degraded" } else { "ok" };
    Ok(Json(Health { status, details: Some(details) }))
}

fn details(app: &Application, enrolled: &Enrolled) -> Details {
    Details {
        version: env!("CARGO_PKG_VERSION"),
        deployment: app.deployment.to_string(),
        datacenter: app.config.triton.datacenter.clone(),
        time: time::milliseconds(app.now()),
        account: AccountBody::of(enrolled),
    }
}

impl Details {
    fn is_degraded(&self) -> bool {
        let health = &self.account.health;
        health.cloud_trouble.is_some() || health.store_trouble.is_some()
    }
}

impl AccountBody {
    fn of(enrolled: &Enrolled) -> Self {
        let handle = enrolled.engine.handle();
        Self {
            id: enrolled.account.to_string(),
            login: enrolled.login.clone(),
            groups: handle.groups().len(),
            health: handle.health().as_ref().clone(),
        }
    }
}
