//! Reading replies: bounded bodies, and error bodies of every sort made into [`ClientError`].
//!
//! An error is never made worse by its body: HTML, nothing, JSON without a code and truncated JSON
//! all yield an error of the status's kind.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tsg_core::ports::cloud::{ErrorKind, Reach};

use super::{
    error::{ApiCode, ClientError, Details, FieldError},
    retry_after::{retry_after, server_time},
};
use crate::wire::ErrorBody;

/// Characters of a foreign body that go into a message; enough to recognise a proxy's page.
const EXCERPT_CHARS: usize = 200;

/// A complete reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) received_at: Timestamp,
}

impl Reply {
    pub(crate) fn server_time(&self) -> Option<Timestamp> {
        server_time(&self.headers)
    }

    /// Decodes a body whose status promised one.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| self.corrupt(&error.to_string()))
    }

    /// A complete reply that cannot be what CloudAPI meant to say.
    pub(crate) fn corrupt(&self, reason: &str) -> ClientError {
        let message = format!("the answer cannot be read: {reason}");
        self.error(ErrorKind::Corrupt, ApiCode::Absent, message, Vec::new())
    }

    /// The error that a status outside 2xx stands for.
    pub(crate) fn refusal(&self) -> ClientError {
        let Some(body) = ErrorBody::parse(&self.body) else {
            let kind = kind_of(self.status, ApiCode::Absent, &[], "");
            return self.error(kind, ApiCode::Absent, self.excerpt(), Vec::new());
        };
        let code = body.code.as_deref().map_or(ApiCode::Absent, ApiCode::from_wire);
        let fields: Vec<FieldError> = body
            .errors
            .into_iter()
            .map(|field| FieldError { field: field.field, code: field.code, message: field.message })
            .collect();
        let message = body.message.unwrap_or_else(|| self.status_text());
        let kind = kind_of(self.status, code, &fields, &message);
        self.error(kind, code, message, fields)
    }

    fn error(&self, kind: ErrorKind, code: ApiCode, message: String, fields: Vec<FieldError>) -> ClientError {
        ClientError::new(Details {
            kind,
            code,
            reach: Reach::Answered,
            status: Some(self.status.as_u16()),
            message,
            fields,
            request_id: self.headers.get("request-id").and_then(|value| value.to_str().ok()).map(str::to_owned),
            retry_after: retry_after(&self.headers, self.received_at),
            server_time: self.server_time(),
            source: None,
        })
    }

    fn status_text(&self) -> String {
        self.status.canonical_reason().unwrap_or("no reason given").to_owned()
    }

    /// The beginning of a foreign body on one line, without control characters.
    fn excerpt(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        let line: String = words.join(" ").trim().chars().take(EXCERPT_CHARS).collect();
        if line.is_empty() { self.status_text() } else { format!("not CloudAPI's own answer: {line}") }
    }
}

/// The closed kind of a status and code. Almost all input errors of CloudAPI are 409.
fn kind_of(status: StatusCode, code: ApiCode, fields: &[FieldError], message: &str) -> ErrorKind {
    match status.as_u16() {
        400 if message.contains("clock skew of") || code == ApiCode::RequestExpired => ErrorKind::Denied,
        401 | 403 => ErrorKind::Denied,
        404 | 410 => ErrorKind::NotFound,
        405 | 406 | 501 => ErrorKind::Unsupported,
        420 | 429 => ErrorKind::Throttled,
        409 if code == ApiCode::ValidationFailed && fields.iter().any(|error| error.code == "Duplicate") => {
            ErrorKind::Conflict
        }
        409 => match code {
            ApiCode::MissingParameter
            | ApiCode::InvalidArgument
            | ApiCode::ValidationFailed
            | ApiCode::InvalidNetworks
            | ApiCode::KeyRequired => ErrorKind::Invalid,
            _ => ErrorKind::Conflict,
        },
        // An address in use is a clash with the state of things, not a wrong request.
        422 if fields.iter().any(|error| error.code == "UsedBy") => ErrorKind::Conflict,
        408 | 500..=599 => ErrorKind::Unavailable,
        400 | 411..=499 => ErrorKind::Invalid,
        // Redirects are not followed: CloudAPI uses none that a group manager needs.
        300..=399 => ErrorKind::Unsupported,
        _ => ErrorKind::Corrupt,
    }
}
