//! What wraps every request: an id, a time limit, a net under panics, a log line, and the one
//! place where failures are written.
//!
//! Must never log a header: an `Authorization` can be used by whoever reads it for five minutes.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, StatusCode};

use super::failure::Failure;
use super::family::Family;
use crate::app::App;

/// The header under which callers find a request in the server's log. CloudAPI uses the same.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The outermost layer.
pub async fn frame(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = app.draw_id().to_string();
    let family = Family::of(request.uri().path());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let began = app.clock.monotonic();
    let mut response = answer(request, next, app.config.limits.request_time, &id).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let rendered = failure.render(family, &id);
        tracing::debug!(request_id = %id, code = failure.code, message = %failure.message, "refused");
        response = with_headers_of(rendered, &response);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let took = app.clock.monotonic().saturating_sub(began);
    let status = response.status().as_u16();
    tracing::info!(request_id = %id, %method, %path, status, took_ms = took.as_millis(), "request");
    response
}

async fn answer(request: Request, next: Next, limit: Duration, id: &str) -> Response {
    use axum::response::IntoResponse;
    let guarded = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(limit, guarded).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            tracing::error!(request_id = %id, "a request handler panicked");
            Failure::internal().into_response()
        }
        Err(_elapsed) => {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "TimedOut", "the request took too long and was given up")
                .hint("what it had written stays; look before repeating it")
                .retry_after(Duration::from_secs(1))
                .into_response()
        }
    }
}

/// Keeps what a handler or the router had set beside the failure, such as `Allow`.
fn with_headers_of(mut rendered: Response, original: &Response) -> Response {
    for (name, value) in original.headers() {
        if !rendered.headers().contains_key(name) && name != http::header::CONTENT_LENGTH {
            rendered.headers_mut().insert(name.clone(), value.clone());
        }
    }
    rendered
}
