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
    let failure = response.extensions_mut().remove::<Failure>().or_else(|| unexplained(family, &response));
    if let Some(failure) = failure {
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

/// What the router or an extractor refused by itself: `/v2` explains everything in JSON, while on
/// `/v1` the router's bare answers are those of TSG v1.
fn unexplained(family: Family, response: &Response) -> Option<Failure> {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if family == Family::V1 || !is_error {
        return None;
    }
    Some(match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            Failure::new(status, "MethodNotAllowed", "this path does not take that method")
                .hint("the Allow header names those it takes")
        }
        _ => Failure::new(status, "InvalidRequest", "the request cannot be read as this route's"),
    })
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

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower_service::Service;

    use super::*;

    async fn served(router: Router) -> Failure {
        let layered = router.layer(from_fn(async |request: Request, next: Next| {
            answer(request, next, Duration::from_millis(50), "some-id").await
        }));
        let response = layered.into_service().call(Request::new(Body::empty())).await.unwrap();
        response.extensions().get::<Failure>().cloned().unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_a_stuck_handler_is_given_up() {
        async fn panics() -> StatusCode {
            panic!("planted")
        }
        let failure = served(Router::new().route("/", get(panics))).await;
        assert_eq!((failure.status, failure.code), (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"));
        let stuck = get(async || std::future::pending::<StatusCode>().await);
        let failure = served(Router::new().route("/", stuck)).await;
        assert_eq!((failure.status, failure.code), (StatusCode::SERVICE_UNAVAILABLE, "TimedOut"));
    }
}
