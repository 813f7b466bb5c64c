//! Answers on their way to the client: what an endpoint returns, and the headers CloudAPI puts on it.
//!
//! Owns the response headers. It must never decide a status: endpoints and refusals do.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, LOCATION,
    RETRY_AFTER, SERVER,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};
use serde::Serialize;
use uuid::Uuid;

use super::clock::http_date;
use super::negotiation::Representation;
use super::version;
use crate::world::{FieldError, Refusal, RefusalForm};

/// The upstream release this server imitates.
const SERVER_NAME: &str = "cloudapi/9.20.0";

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const API_VERSION: HeaderName = HeaderName::from_static("api-version");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const RESPONSE_TIME: HeaderName = HeaderName::from_static("response-time");

const ALLOWED_HEADERS: &str = "Accept, Accept-Version, Content-Length, Content-MD5, Content-Type, Date, Api-Version, \
                               Response-Time, Authorization";
const EXPOSED_HEADERS: &str = "Api-Version, Request-Id, Response-Time";

/// What an endpoint, or a refusal, says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: ReplyBody,
    /// How long the client is asked to stay away, which read-only mode says as a date.
    retry_after_s: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ReplyBody {
    /// No body and, for 204, no length either.
    None,
    /// A JSON text.
    Json(Bytes),
    /// A page that is not CloudAPI's own.
    Html(Bytes),
}

impl Reply {
    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // Every wire type is made of strings, numbers and string-keyed maps, which always serialise.
        let text = serde_json::to_vec(body).unwrap_or_default();
        Self::with_body(status, ReplyBody::Json(text.into()))
    }

    /// 200 with a JSON body.
    #[must_use]
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 201 with the created object and where it lives.
    #[must_use]
    pub fn created(location: &str, body: &impl Serialize) -> Self {
        Self::json(StatusCode::CREATED, body).with_header(LOCATION, location)
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self::with_body(status, ReplyBody::None)
    }

    fn with_body(status: StatusCode, body: ReplyBody) -> Self {
        Self { status, headers: HeaderMap::new(), body, retry_after_s: None }
    }

    /// The answer with one more header. Values that cannot stand in a header are left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    message: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = ErrorBody { code: refusal.code, message: &refusal.message, errors: &refusal.errors };
        match &refusal.form {
            RefusalForm::Json => Self::json(status, &body),
            RefusalForm::Gone(machine) => Self::json(status, machine),
            RefusalForm::RetryAfter(seconds) => Self { retry_after_s: Some(*seconds), ..Self::json(status, &body) },
            RefusalForm::Html => {
                let page = Bytes::from(refusal.message.into_bytes());
                Self::with_body(status, ReplyBody::Html(page))
            }
        }
    }
}

/// What the headers of an answer are made from.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The request's method: `HEAD` gets no body.
    pub method: Method,
    /// The methods of the path, for the CORS header.
    pub methods: Vec<Method>,
    /// The representation the client accepts.
    pub representation: Representation,
    /// The request's own identity.
    pub request_id: Uuid,
    /// How long the request took, in real milliseconds.
    pub response_time_ms: u128,
    /// The `Date` of the answer.
    pub date: Timestamp,
}

impl Reply {
    /// The finished answer of an endpoint, with all of CloudAPI's headers.
    #[must_use]
    pub fn finish(self, envelope: &Envelope) -> Response<Full<Bytes>> {
        let is_foreign_page = matches!(self.body, ReplyBody::Html(_));
        let mut response = self.finish_bare(envelope);
        if is_foreign_page {
            return response;
        }
        let headers = response.headers_mut();
        headers.insert(SERVER, HeaderValue::from_static(SERVER_NAME));
        headers.insert(API_VERSION, HeaderValue::from_static(version::REPORTED));
        insert(headers, REQUEST_ID, &envelope.request_id.to_string());
        insert(headers, RESPONSE_TIME, &envelope.response_time_ms.to_string());
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
        insert(headers, ACCESS_CONTROL_ALLOW_METHODS, &joined(&envelope.methods));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
        response
    }

    /// The finished answer of the router itself (unknown path, method or version), which lacks CloudAPI's own headers.
    #[must_use]
    pub fn finish_bare(self, envelope: &Envelope) -> Response<Full<Bytes>> {
        let (content_type, body) = match self.body {
            ReplyBody::None => (None, Bytes::new()),
            ReplyBody::Json(text) => (Some(envelope.representation.content_type()), text),
            ReplyBody::Html(page) => (Some("text/html"), page),
        };
        let mut response = Response::new(Full::new(Bytes::new()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        let headers = response.headers_mut();
        insert(headers, DATE, &http_date(envelope.date));
        if let Some(seconds) = self.retry_after_s {
            insert(headers, RETRY_AFTER, &http_date(later(envelope.date, seconds)));
        }
        headers.insert(CONNECTION, HeaderValue::from_static("Keep-Alive"));
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            insert(headers, CONTENT_MD5, &BASE64.encode(Md5::digest(&body)));
        }
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        if envelope.method != Method::HEAD {
            *response.body_mut() = Full::new(body);
        }
        response
    }

    /// A 405 that says which methods there are.
    #[must_use]
    pub fn method_not_allowed(method: &Method, allowed: &[Method]) -> Self {
        let refusal = Refusal::new(405, "MethodNotAllowedError", format!("{method} is not allowed"));
        Self::from(refusal).with_header(ALLOW, &joined(allowed))
    }
}

fn later(moment: Timestamp, seconds: u64) -> Timestamp {
    let wait = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    moment.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn joined(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}
