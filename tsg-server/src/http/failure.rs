//! A request that fails: one type for all routes, written as text on `/v1` and as JSON on `/v2`.
//!
//! Owns status, code, message and hint. Must never carry what a store, a cloud or a file system
//! said word by word, unless it was made for the caller's eyes.

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use tsg_core::ports::store::StoreError;

use super::family::Family;

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The status.
    pub status: StatusCode,
    /// Stable, for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: String,
    /// What to do about it; empty when the message says it.
    pub hint: Cow<'static, str>,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'a str,
    message: &'a str,
    hint: &'a str,
    request_id: &'a str,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), hint: Cow::Borrowed(""), retry_after: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// With when to try again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Nothing of that name, or not the caller's: the two look the same.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", format!("there is no such {what}"))
            .hint("ids are looked up in the account that signed the request")
    }

    /// A path that nobody serves; the text is that of TSG v1.
    pub fn no_such_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchRoute", "404 page not found")
            .hint("the routes are listed in the documentation")
    }

    /// The content of a body is wrong.
    pub fn unprocessable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// Something in the server is wrong; the details are in its log under the request id.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "the server failed to answer this request")
            .hint("its log has the details under the request id")
    }

    /// Others kept changing the same records.
    pub fn contended() -> Self {
        Self::new(StatusCode::CONFLICT, "Contended", "others change the same records; nothing was done")
            .hint("repeat the request")
            .retry_after(Duration::from_secs(1))
    }

    /// Writes the answer in the form of the family.
    pub fn render(&self, family: Family, request_id: &str) -> Response {
        let (content_type, body) = match family {
            Family::V1 => ("text/plain; charset=utf-8", self.text()),
            Family::V2 => ("application/json", self.json(request_id)),
        };
        let mut response = (self.status, [(CONTENT_TYPE, content_type)], body).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs().max(1);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn text(&self) -> String {
        // TSG v1's texts stand alone on the first line, so that whoever compares them still can.
        if self.hint.is_empty() { format!("{}\n", self.message) } else { format!("{}\n{}\n", self.message, self.hint) }
    }

    fn json(&self, request_id: &str) -> String {
        let body = Body { code: self.code, message: &self.message, hint: &self.hint, request_id };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

impl IntoResponse for Failure {
    /// Leaves itself in the response, for the frame to render: only it knows family and id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed a request");
        match error {
            StoreError::Unavailable { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "StoreUnavailable", "the store does not answer just now")
                    .hint("nothing was changed; repeat the request")
                    .retry_after(Duration::from_secs(1))
            }
            StoreError::Unwritable { .. } => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "StoreUnwritable",
                "the store cannot be written: its disk is full or read-only",
            )
            .hint("nothing was changed; the operator has to make room"),
            StoreError::Corrupt { .. } | StoreError::Invalid { .. } => Self::internal(),
        }
    }
}
