//! Error bodies: `{"code","message","errors":[…]}`, any part of which may be missing.

use serde::Deserialize;

use super::or_default;

/// An error body, as far as there is one.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) errors: Vec<FieldBody>,
}

/// One field of a validation error.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FieldBody {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) field: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) code: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) message: String,
}

impl ErrorBody {
    /// `None` when the bytes are no JSON object with a code or a message. A body whose `errors`
    /// have an unexpected shape still gives its code.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Head {
            code: Option<String>,
            message: Option<String>,
        }
        if let Ok(body) = serde_json::from_slice::<Self>(bytes) {
            return (body.code.is_some() || body.message.is_some()).then_some(body);
        }
        let head: Head = serde_json::from_slice(bytes).ok()?;
        (head.code.is_some() || head.message.is_some()).then(|| Self {
            code: head.code,
            message: head.message,
            errors: Vec::new(),
        })
    }
}
