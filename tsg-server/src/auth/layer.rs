//! Authentication as a layer around all routes, unknown ones included: as in TSG v1, nobody
//! learns which routes exist without an account.
//!
//! Owns which routes are open. Must never let a request through to a handler with a body that
//! was not limited.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::request::Parts;
use tsg_core::model::audit::Actor;

use super::caller::Caller;
use super::refusal::Refusal;
use super::replay::Freshness;
use super::signature::{self, Verified};
use crate::accounts::enrolment;
use crate::app::{App, Application};
use crate::http::failure::Failure;
use crate::http::family::Family;

/// The authentication layer.
pub async fn authenticate(State(app): State<App>, request: Request, next: Next) -> Response {
    match admit(&app, request).await {
        Ok(request) => {
            let ticket = match request.extensions().get::<Caller>() {
                None => None,
                Some(caller) => match app.gate.enter(caller.account()) {
                    Some(ticket) => Some(ticket),
                    None => return too_many_at_once().into_response(),
                },
            };
            let response = next.run(request).await;
            drop(ticket);
            response
        }
        Err(failure) => failure.into_response(),
    }
}

async fn admit(app: &Application, request: Request) -> Result<Request, Failure> {
    let (mut parts, body) = request.into_parts();
    let identity = if is_open(&parts) { None } else { Some(identify(app, &parts).await?) };
    let body = read_body(body, &parts, app.config.limits.body_max).await?;
    match identity {
        Some(Identity::Signed(verified)) => {
            signature::check_digest(&verified.parsed, &parts.headers, &body)?;
            check_replay(app, &parts, &verified)?;
            parts.extensions.insert(verified.caller);
        }
        Some(Identity::Developer(caller)) => {
            parts.extensions.insert(caller);
        }
        None => {}
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

enum Identity {
    Signed(Box<Verified>),
    Developer(Caller),
}

async fn identify(app: &Application, parts: &Parts) -> Result<Identity, Failure> {
    if let Some(dev) = &app.config.dev
        && !parts.headers.contains_key(AUTHORIZATION)
    {
        let enrolled = app.accounts.find(&dev.login).ok_or(Refusal::Unknown)?;
        let actor = Actor::User(format!("/{}/development", enrolled.login));
        return Ok(Identity::Developer(Caller { enrolled, actor }));
    }
    let verified = signature::verify(app, parts).await?;
    signature::check_coverage(app, Family::of(parts.uri.path()), &verified.parsed)?;
    Ok(Identity::Signed(Box::new(verified)))
}

/// Liveness, and enrolment: whoever enrols has no account here yet, and proves who they are in
/// the second step.
fn is_open(parts: &Parts) -> bool {
    let path = parts.uri.path();
    path == "/v2/health" || enrolment::is_route(path)
}

fn check_replay(app: &Application, parts: &Parts, verified: &Verified) -> Result<(), Refusal> {
    // A signature of the date alone, which only /v1 takes, is used by old clients for several
    // requests within a second.
    if signature::is_read(&parts.method) || !verified.parsed.covers_request_target() {
        return Ok(());
    }
    match app.replay.note(verified.caller.account(), verified.signed, app.clock.monotonic()) {
        Freshness::New => Ok(()),
        Freshness::Seen => Err(Refusal::Replayed),
        Freshness::Full => Err(Refusal::Crowded),
    }
}

async fn read_body(body: Body, parts: &Parts, most: usize) -> Result<bytes::Bytes, Failure> {
    let too_large = || {
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "BodyTooLarge", format!("the request's body exceeds {most} bytes"))
            .hint("CloudAPI itself takes no more than 100000 bytes for one instance")
    };
    let declared = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    axum::body::to_bytes(body, most).await.map_err(|error| {
        let is_limit =
            std::error::Error::source(&error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if is_limit {
            too_large()
        } else {
            Failure::new(StatusCode::BAD_REQUEST, "BodyBroken", "the request's body could not be read to its end")
        }
    })
}

fn too_many_at_once() -> Failure {
    Failure::new(StatusCode::TOO_MANY_REQUESTS, "TooManyAtOnce", "too many requests of this account are under way")
        .hint("send them one after another")
        .retry_after(std::time::Duration::from_secs(1))
}
