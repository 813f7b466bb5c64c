//! Request bodies: reading within the size limit and decoding by content type.
//!
//! Owns the 413 and the bad-JSON 400. It must never answer for a body whose type it does not know: CloudAPI ignores
//! those silently.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::params::Params;
use crate::world::Refusal;

/// Largest request body in bytes: CloudAPI's restify `maxBodySize`.
const MAX_BODY_BYTES: usize = 100_000;

/// How much of an oversized body is read and thrown away so that the client, still writing, gets to see the 413
/// instead of a reset connection. Ten times the limit; beyond that the connection is cut.
const DRAINED_BYTES: usize = 10 * MAX_BODY_BYTES;

/// Why a body could not be read.
#[derive(Debug)]
pub enum BodyFailure {
    /// Answer with this.
    Refused(Refusal),
    /// The client went away or sends without end; there is nobody to answer.
    Broken,
}

/// Reads the whole body.
///
/// # Errors
/// [`BodyFailure::Refused`] with 413 for a body over the limit.
pub async fn read(mut body: Incoming) -> Result<Bytes, BodyFailure> {
    let mut kept = BytesMut::new();
    let mut seen_bytes: usize = 0;
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else { break };
        let Ok(data) = frame.map_err(|_| BodyFailure::Broken)?.into_data() else { continue };
        seen_bytes = seen_bytes.saturating_add(data.len());
        if seen_bytes <= MAX_BODY_BYTES {
            kept.extend_from_slice(&data);
        } else if seen_bytes > DRAINED_BYTES {
            return Err(BodyFailure::Broken);
        }
    }
    if seen_bytes > MAX_BODY_BYTES {
        let message = format!("Request body size exceeds {MAX_BODY_BYTES}");
        return Err(BodyFailure::Refused(Refusal::new(413, "PayloadTooLargeError", message)));
    }
    Ok(kept.freeze())
}

/// Decodes a body into parameters by its content type.
///
/// # Errors
/// 400 InvalidContent for JSON that is none.
pub fn decode(headers: &HeaderMap, body: &[u8]) -> Result<Params, Refusal> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        _ if body.is_empty() => Ok(Params::default()),
        "application/json" => serde_json::from_slice(body)
            .map(Params::from_json)
            .map_err(|error| Refusal::new(400, "InvalidContent", format!("Invalid JSON: {error}"))),
        "application/x-www-form-urlencoded" => Ok(Params::from_form(&String::from_utf8_lossy(body))),
        _ => Ok(Params::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;
    use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

    fn typed(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
    }

    #[test]
    fn content_types_decide_how_a_body_is_read() {
        let json = decode(&typed("application/json; charset=utf-8"), br#"{"a":1}"#).unwrap();
        assert_eq!(json.value("a"), Some(&serde_json::json!(1)));
        let form = decode(&typed("application/x-www-form-urlencoded"), b"a=1").unwrap();
        assert_eq!(form.value("a"), Some(&serde_json::json!("1")));
        assert_eq!(decode(&HeaderMap::new(), br#"{"a":1}"#).unwrap().text("a"), None);
    }

    #[test]
    fn broken_json_is_refused_and_an_empty_body_is_none() {
        let refusal = decode(&typed("application/json"), b"{nope").unwrap_err();
        assert_eq!((refusal.status, refusal.code), (400, Some("InvalidContent")));
        assert!(refusal.message.starts_with("Invalid JSON: "));
        assert!(decode(&typed("application/json"), b"").is_ok());
    }
}
