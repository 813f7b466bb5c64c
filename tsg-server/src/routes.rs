//! All routes, and the layers around them. Owns the order: frame, authentication, route.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;

use crate::app::App;
use crate::auth::layer::authenticate;
use crate::http::failure::Failure;
use crate::http::frame::frame;
use crate::{v1, v2};

/// The whole server as one service.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(v1::routes())
        .merge(v2::routes())
        .fallback(async || Failure::no_such_route())
        // The authentication layer has read the body already, to its own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(app.clone(), authenticate))
        .layer(from_fn_with_state(app.clone(), frame))
        .with_state(app)
}
