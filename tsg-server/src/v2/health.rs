//! `/v2/health`: whether the server lives, and, to those who may know, how it is.
//!
//! Owns who may know what: everybody that it lives, an account how its own engine is, this
//! machine itself everything.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, Request, State};
use http::header::{AUTHORIZATION, FORWARDED};
use http::request::Parts;
use serde::Serialize;
use tsg_engine::AccountHealth;

use crate::accounts::registry::Enrolled;
use crate::app::{App, Application};
use crate::auth::signature;
use crate::http::failure::Failure;
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
    accounts: Vec<AccountBody>,
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
    let shown = if parts.headers.contains_key(AUTHORIZATION) {
        Some(vec![signature::verify(&app, &parts).await?.caller.enrolled])
    } else if is_local(&parts) {
        Some(app.accounts.all())
    } else {
        None
    };
    let details = shown.map(|accounts| details(&app, &accounts));
    let status = if details.as_ref().is_some_and(Details::is_degraded) { "degraded" } else { "ok" };
    Ok(Json(Health { status, details }))
}

/// From this machine, and not through a proxy on it.
fn is_local(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let is_forwarded = parts.headers.contains_key(FORWARDED) || parts.headers.contains_key("x-forwarded-for");
    peer.is_some_and(|peer| peer.0.ip().is_loopback()) && !is_forwarded
}

fn details(app: &Application, accounts: &[Arc<Enrolled>]) -> Details {
    Details {
        version: env!("CARGO_PKG_VERSION"),
        deployment: app.deployment.to_string(),
        datacenter: app.config.triton.datacenter.clone(),
        time: time::milliseconds(app.now()),
        accounts: accounts.iter().map(|enrolled| AccountBody::of(enrolled)).collect(),
    }
}

impl Details {
    fn is_degraded(&self) -> bool {
        let has_trouble = |health: &AccountHealth| health.cloud_trouble.is_some() || health.store_trouble.is_some();
        self.accounts.iter().any(|account| has_trouble(&account.health))
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
