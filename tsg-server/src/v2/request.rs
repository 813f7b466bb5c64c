//! Reading requests: JSON bodies, page queries, preconditions, idempotency keys.
//!
//! Owns what is said about a request that cannot be read.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::Bytes;
use http::header::IF_MATCH;
use http::request::Parts;
use http::{HeaderName, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tsg_core::ports::store::Revision;

use crate::http::failure::Failure;

/// The header that names a write, so that repeating it does nothing twice.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Longest idempotency key.
const KEY_MAX: usize = 128;

/// Reads a JSON body, whose type says what is allowed in it.
pub fn json<T: DeserializeOwned>(body: &Bytes) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            Failure::unprocessable("InvalidBody", format!("the body is not what this route takes: {error}"))
                .hint("the message names the field; see the documentation for the route's body")
        } else {
            Failure::new(StatusCode::BAD_REQUEST, "InvalidJson", format!("the body is not JSON: {error}"))
                .hint("send one JSON object")
        }
    })
}

/// Largest page.
const PAGE_MAX: u32 = 200;
/// A page when nothing else is asked for.
const PAGE_DEFAULT: u32 = 50;
/// Longest cursor: a record's id has at most 255 bytes.
const CURSOR_MAX: usize = 200;

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many items at most.
    pub limit: u32,
    /// Begin after this one.
    pub after: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PageQuery {
    limit: Option<u32>,
    after: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let refused =
            |message: &str| Failure::unprocessable("InvalidPage", message).hint("use ?limit=1..200&after=CURSOR");
        let query =
            Query::<PageQuery>::try_from_uri(&parts.uri).map_err(|_| refused("the page query cannot be read"))?;
        let limit = query.0.limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(refused("limit must be a number from 1 to 200"));
        }
        let after = query.0.after.filter(|after| !after.is_empty());
        if after.as_ref().is_some_and(|after| after.len() > CURSOR_MAX) {
            return Err(refused("after is not a cursor that this server gave"));
        }
        Ok(Self { limit, after })
    }
}

/// The query of a route, by its type; what the type does not know is let pass, since a nonce is
/// among it.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|rejection| {
            Failure::unprocessable("InvalidQuery", rejection.body_text())
                .hint("see the documentation for this route's query")
        })
    }
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; `null` on the last.
    pub next: Option<String>,
}

impl<T> Listed<T> {
    /// From one item more than was asked for: whether it is there says whether there is a next
    /// page.
    pub fn new(mut items: Vec<T>, page: &Page, cursor: impl Fn(&T) -> String) -> Self {
        let limit = page.limit as usize;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(cursor);
        Self { items, next }
    }
}

/// A request that changes something.
#[derive(Debug, Clone)]
pub struct Write {
    /// The method.
    pub method: Method,
    /// The path, without the query: a nonce in it makes no other request.
    pub path: String,
    /// The idempotency key, when there is one.
    pub key: Option<String>,
    /// The version that the caller has seen, when they say one.
    pub only_at: Option<Revision>,
    /// The body.
    pub body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Write {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let key = idempotency_key(&parts)?;
        let only_at = if_match(&parts)?;
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await;
        let body = body.map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "BodyBroken", "the body cannot be read"))?;
        Ok(Self { method, path, key, only_at, body })
    }
}

fn idempotency_key(parts: &Parts) -> Result<Option<String>, Failure> {
    let Some(value) = parts.headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let is_plain =
        |text: &&str| (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    match value.to_str().ok().filter(is_plain) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Failure::unprocessable("InvalidIdempotencyKey", "the Idempotency-Key is not usable")
            .hint("use 1 to 128 visible ASCII characters, such as a random UUID")),
    }
}

/// `*` asks for no more than that the thing exists, which every write asks for anyway.
fn if_match(parts: &Parts) -> Result<Option<Revision>, Failure> {
    let Some(value) = parts.headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let number = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|digits| digits.parse().ok());
    match number {
        Some(number) => Ok(Some(Revision(number))),
        None => Err(precondition_failed().hint("send the ETag of the version you have seen, in its quotes")),
    }
}

/// The thing is not at the version that the caller has seen.
pub fn precondition_failed() -> Failure {
    Failure::new(
        StatusCode::PRECONDITION_FAILED,
        "Changed",
        "it has changed since the version in If-Match; nothing was done",
    )
    .hint("read it again, decide again, and repeat with the new ETag")
}

/// The ETag of a version.
pub fn etag(version: Revision) -> String {
    format!("\"{}\"", version.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &'static str, value: &str) -> Parts {
        Request::builder().header(name, value).body(()).unwrap().into_parts().0
    }

    #[test]
    fn preconditions_and_keys_are_read_or_refused() {
        assert_eq!(if_match(&parts("if-match", "\"17\"")).unwrap(), Some(Revision(17)));
        assert_eq!(if_match(&parts("if-match", "*")).unwrap(), None);
        for wrong in ["17", "W/\"17\"", "\"x\"", "\"1\", \"2\""] {
            assert_eq!(if_match(&parts("if-match", wrong)).unwrap_err().status, 412, "{wrong}");
        }
        assert_eq!(idempotency_key(&parts("idempotency-key", "a-1")).unwrap().as_deref(), Some("a-1"));
        for wrong in ["", "a b", &"x".repeat(129)] {
            assert!(idempotency_key(&parts("idempotency-key", wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_item_too_many_only_says_that_there_is_more() {
        let page = Page { limit: 2, after: None };
        let listed = Listed::new(vec![1, 2, 3], &page, ToString::to_string);
        assert_eq!((listed.items, listed.next.as_deref()), (vec![1, 2], Some("2")));
        let listed = Listed::new(vec![1, 2], &page, ToString::to_string);
        assert_eq!((listed.items, listed.next), (vec![1, 2], None));
    }
}
