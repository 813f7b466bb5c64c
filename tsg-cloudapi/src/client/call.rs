//! One request to be made: method, target, body, and the limits on its answer.
//!
//! Every path segment and query value is encoded here, so that no name or tag can change which
//! resource a request is about.

use std::fmt::Write as _;

use http::Method;
use serde::Serialize;

use super::error::ClientError;
use crate::signature::HttpDate;

/// CloudAPI refuses larger request bodies with 413; refusing them here proves that nothing was sent.
pub(crate) const MAX_REQUEST_BYTES: usize = 100_000;
/// Larger answers to ordinary requests are not CloudAPI's.
const MAX_REPLY_BYTES: usize = 8 * 1024 * 1024;
/// A page of 1,000 machines is 1.65 MB with usual metadata; user scripts of 64 kB each fit as well.
pub(crate) const MAX_PAGE_BYTES: usize = 96 * 1024 * 1024;

/// Which of the time limits applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Create,
    Other,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) date: Option<HttpDate>,
    pub(crate) patience: Patience,
    pub(crate) max_reply_bytes: usize,
}

impl Call {
    /// A call to `/account/segment/…`; the segments are encoded.
    pub(crate) fn new(method: Method, segments: &[&str]) -> Self {
        let mut path = String::new();
        for segment in segments {
            path.push('/');
            push_encoded(&mut path, segment);
        }
        Self {
            method,
            path,
            query: String::new(),
            body: None,
            date: None,
            patience: Patience::Other,
            max_reply_bytes: MAX_REPLY_BYTES,
        }
    }

    pub(crate) fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    /// Adds a query parameter.
    pub(crate) fn with_query(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        push_encoded(&mut self.query, name);
        self.query.push('=');
        push_encoded(&mut self.query, value);
        self
    }

    /// Sets a JSON body.
    pub(crate) fn with_json(mut self, body: &impl Serialize) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| ClientError::unsendable(format!("cannot write the request: {error}")))?;
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(ClientError::unsendable(format!(
                "the request is {} bytes long; CloudAPI takes at most {MAX_REQUEST_BYTES}",
                bytes.len()
            )));
        }
        self.body = Some(bytes);
        Ok(self)
    }

    /// Signs with this date instead of the present one.
    pub(crate) fn dated(mut self, date: HttpDate) -> Self {
        self.date = Some(date);
        self
    }

    pub(crate) fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// The request target: what is signed and sent.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Call;

    #[test]
    fn names_cannot_leave_their_segment_or_parameter() {
        let call = Call::get(&["demo", "machines", "a/b?c#d", "tags", "é {{"])
            .with_query("tag.x", "1&tag.y=2")
            .with_query("limit", "1000");
        assert_eq!(call.target(), "/demo/machines/a%2Fb%3Fc%23d/tags/%C3%A9%20%7B%7B?tag.x=1%26tag.y%3D2&limit=1000");
    }
}
