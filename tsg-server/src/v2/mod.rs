//! tsg's own API: JSON, explicit, versioned, paged by key.
//!
//! Owns the wire forms. Must never guess what a request leaves out: a field that matters is
//! demanded, one that nobody knows is refused by name.

mod account;
mod audit;
mod events;
mod facts;
mod group_body;
mod groups;
mod health;
pub mod idempotency;
mod instances;
mod operations;
mod placement;
mod plan;
mod probers;
mod request;
mod revisions;
mod rollout;
mod template_body;
mod templates;
mod why;

use axum::Router;
use axum::routing::{delete, get, post};

use crate::accounts::enrolment;
use crate::app::App;

/// The routes of `/v2`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/v2/health", get(health::health))
        .route("/v2/account", get(account::show))
        .route(enrolment::BEGIN_ROUTE, post(account::begin))
        .route("/v2/account/enrollments/{id}/complete", post(account::complete))
        .route("/v2/templates", get(templates::list).post(templates::create))
        .route("/v2/templates/{id}", get(templates::show).delete(templates::delete))
        .route("/v2/events", get(events::list))
        .route("/v2/probers", get(probers::list))
        .route("/v2/probers/{name}", delete(probers::dismiss))
        .route("/v2/probers/{name}/targets", get(probers::targets))
        .route("/v2/probers/{name}/facts", post(probers::hear))
        .route("/v2/groups", get(groups::list).post(groups::create))
        .route("/v2/groups/{id}", get(groups::show).patch(groups::change).delete(groups::delete))
        .route("/v2/groups/{id}/plan", post(plan::plan))
        .route("/v2/groups/{id}/why", get(why::show))
        .route("/v2/groups/{id}/placement", get(placement::show))
        .route("/v2/groups/{id}/reconcile", post(groups::reconcile))
        .route("/v2/groups/{id}/revisions", get(revisions::list))
        .route("/v2/groups/{id}/rollout", post(rollout::order))
        .route("/v2/groups/{id}/reprovision", post(rollout::reprovision))
        .route("/v2/groups/{id}/instances", get(instances::list))
        .route("/v2/groups/{id}/operations", get(operations::list))
        .route("/v2/groups/{id}/audit", get(audit::list))
}
