//! What gets signed: one line for each covered header, as draft-cavage lays it out.
//!
//! The target is the raw request target, query included and undecoded, on both sides.

use http::HeaderMap;

/// Pseudo header that covers method and target.
pub(crate) const REQUEST_TARGET: &str = "(request-target)";
/// Its ancient form, which covers the HTTP version too.
pub(crate) const REQUEST_LINE: &str = "request-line";

/// The `(request-target)` value.
pub(crate) fn request_target(method: &str, target: &str) -> String {
    format!("{} {target}", method.to_ascii_lowercase())
}

/// The value of a header as a Node server sees it: repeated headers joined by a comma.
pub(crate) fn header_value(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}

/// Appends `name: value` and the separating LF before all but the first line.
pub(crate) fn push_line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    push_value(out, &[name.as_bytes(), b": ", value].concat());
}

/// Appends a bare value (legacy form) with the separating LF before all but the first.
pub(crate) fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    if !out.is_empty() {
        out.push(b'\n');
    }
    out.extend_from_slice(value);
}
