//! Content negotiation: which representation an `Accept` header gets.
//!
//! Owns the reading of `Accept`. It must never fail on a header it cannot read: CloudAPI then answers JSON.

use http::HeaderMap;
use http::header::ACCEPT;

/// The representations CloudAPI produces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Representation {
    /// `application/json`, the default.
    Json,
    /// `text/plain`: the same text under another type.
    Text,
}

impl Representation {
    /// The `Content-Type` of an answer.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain",
        }
    }
}

/// The best representation for the request, or `None` when nothing acceptable can be made (406).
#[must_use]
pub fn negotiate(headers: &HeaderMap) -> Option<Representation> {
    let Some(accept) = headers.get(ACCEPT).and_then(|value| value.to_str().ok()) else {
        return Some(Representation::Json);
    };
    let ranges = || accept.split(',').filter_map(|range| range.split(';').next()).map(str::trim);
    let accepts = |types: &[&str]| ranges().any(|range| types.iter().any(|t| range.eq_ignore_ascii_case(t)));
    if accepts(&["application/json", "application/*", "*/*", "application/octet-stream", "application/javascript", ""])
    {
        Some(Representation::Json)
    } else if accepts(&["text/plain", "text/*"]) {
        Some(Representation::Text)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Representation, negotiate};
    use http::{HeaderMap, HeaderValue, header::ACCEPT};

    #[test]
    fn accept_selects_the_representation() {
        let table = [
            (None, Some(Representation::Json)),
            (Some("*/*"), Some(Representation::Json)),
            (Some("application/json"), Some(Representation::Json)),
            (Some("text/html, application/json;q=0.9"), Some(Representation::Json)),
            (Some("text/plain"), Some(Representation::Text)),
            (Some("text/html"), None),
            (Some("image/png"), None),
        ];
        for (accept, expected) in table {
            let headers: HeaderMap = accept.map(|text| (ACCEPT, HeaderValue::from_static(text))).into_iter().collect();
            assert_eq!(negotiate(&headers), expected, "Accept: {accept:?}");
        }
    }
}
