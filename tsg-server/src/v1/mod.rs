//! The API of TSG v1, as its clients know it: paths, fields, status codes, texts.
//!
//! Owns faithfulness to those clients. Where TSG v1 dropped the connection, answered 500 to a
//! user's mistake or showed SQL, a 4xx stands instead.

mod body;
mod groups;
mod instances;
mod machine;
mod scale;
mod templates;

use axum::Router;
use axum::http::Uri;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, put};
use http::StatusCode;

use crate::app::App;

const TEMPLATES: &str = "/v1/tsg/templates";
const TEMPLATE: &str = "/v1/tsg/templates/{id}";
const GROUPS: &str = "/v1/tsg/groups";
const GROUP: &str = "/v1/tsg/groups/{id}";
const INCREMENT: &str = "/v1/tsg/groups/{id}/increment";
const DECREMENT: &str = "/v1/tsg/groups/{id}/decrement";
const INSTANCES: &str = "/v1/tsg/groups/{id}/instances";

/// The routes of `/v1`.
pub fn routes() -> Router<App> {
    let table: [(&str, MethodRouter<App>); 7] = [
        (TEMPLATES, get(templates::list).post(templates::create)),
        (TEMPLATE, get(templates::show).delete(templates::delete)),
        // Terraform updates a group without its id in the path; its name finds it.
        (GROUPS, get(groups::list).post(groups::create).put(groups::update_by_name)),
        (GROUP, get(groups::show).put(groups::update).delete(groups::delete)),
        (INCREMENT, put(scale::increment)),
        (DECREMENT, put(scale::decrement)),
        (INSTANCES, get(instances::list)),
    ];
    table.into_iter().fold(Router::new(), |router, (path, methods)| {
        router.route(path, methods).route(&format!("{path}/"), any(without_slash))
    })
}

/// TSG v1 sent paths with a slash at the end to those without.
async fn without_slash(uri: Uri) -> Response {
    let path = uri.path().trim_end_matches('/');
    let target = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    (StatusCode::MOVED_PERMANENTLY, [(LOCATION, target)]).into_response()
}
