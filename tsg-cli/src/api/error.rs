//! Why a request to the tsg server failed, and what that means for the user.
//!
//! Owns the translation of status and code into an exit code. It must never guess what a foreign body means.

use std::path::PathBuf;

use serde::Deserialize;
use tsg_cloudapi::signature::SignError;

use crate::exit::Exit;
use crate::failure::Failure;

/// The error body of the `/v2` API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ServerRefusal {
    /// Stable name of the error.
    pub(crate) code: String,
    /// What happened.
    pub(crate) message: String,
    /// What to do.
    #[serde(default)]
    pub(crate) hint: Option<String>,
    /// Names the request in the server's log.
    #[serde(default)]
    pub(crate) request_id: Option<String>,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The server's address is none.
    #[error("{0:?} is not the URL of a tsg server")]
    BadUrl(String),
    /// The server's address is not on this machine and not https.
    #[error("{0:?} is plain http to another machine, where anybody on the way could answer for the server")]
    PlainHttp(String),
    /// The file of certificates is of no use.
    #[error("the CA file {path} cannot be used: {reason}")]
    CaFile { path: PathBuf, reason: String },
    /// The HTTP client could not be built, or not the request.
    #[error("the request could not be made")]
    Client(#[source] reqwest::Error),
    /// The request cannot be written.
    #[error("the request cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// The key did not sign.
    #[error("the request could not be signed")]
    Signature(#[source] SignError),
    /// No connection, or no answer.
    #[error("no answer from {url}")]
    Unreachable { url: String, source: reqwest::Error },
    /// The server said no.
    #[error("{}", refusal.message)]
    Refused { status: u16, refusal: ServerRefusal },
    /// Something else than a tsg server answered.
    #[error("status {status} with a body that is not tsg's: {body:?}")]
    NotTsg { status: u16, body: String },
    /// The answer cannot be read.
    #[error("the answer of {url} cannot be read; is it a tsg server of this version?")]
    Unreadable { url: String, source: serde_json::Error },
}

impl ApiError {
    /// Whether the server says that there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// The server's stable name of the error, if it gave one.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { refusal, .. } => Some(&refusal.code),
            _ => None,
        }
    }

    /// The failure of `what`, which this error prevented.
    pub(crate) fn preventing(self, what: impl Into<String>) -> Failure {
        let failure = Failure::new(self.exit(), what).because(&self);
        match self {
            Self::Refused { status, refusal } => refused(failure, status, refusal),
            Self::Unreachable { .. } => {
                failure.next("check TSG_URL (or --tsg-url), and that `tsg server` or `tsg demo` is running there")
            }
            Self::PlainHttp(_) => {
                failure.next("put a TLS proxy before the server and use https; --ca-file trusts a private authority")
            }
            Self::BadUrl(_) => failure.next("set TSG_URL (or --tsg-url) to something like http://127.0.0.1:3000"),
            Self::NotTsg { .. } | Self::Unreadable { .. } => {
                failure.next("check that TSG_URL (or --tsg-url) points at a tsg server")
            }
            Self::CaFile { .. } => {
                failure.next("give a file with PEM certificates: --ca-file FILE or TSG_CA_FILE=FILE")
            }
            Self::Signature(_) => failure.next("check the key, or load it into an ssh-agent"),
            Self::Client(_) | Self::Unwritable(_) => failure,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::BadUrl(_) | Self::PlainHttp(_) | Self::CaFile { .. } => Exit::Usage,
            Self::Signature(_) => Exit::NotAuthenticated,
            Self::Unreachable { .. } => Exit::Unreachable,
            Self::Refused { status, .. } => exit_of_status(*status),
            Self::Client(_) | Self::Unwritable(_) | Self::NotTsg { .. } | Self::Unreadable { .. } => Exit::Failed,
        }
    }
}

fn refused(failure: Failure, status: u16, refusal: ServerRefusal) -> Failure {
    // The server leaves the hint empty where its message says what to do.
    let hint = match (refusal.hint.filter(|hint| !hint.is_empty()), refusal.request_id) {
        (Some(hint), _) => Some(hint),
        (None, Some(id)) if status >= 500 => Some(format!("look for request {id} in the server's log")),
        (None, _) => None,
    };
    let failure = failure.code(refusal.code);
    match hint {
        Some(hint) => failure.next(hint),
        None => failure,
    }
}

fn exit_of_status(status: u16) -> Exit {
    match status {
        401 | 403 => Exit::NotAuthenticated,
        404 | 410 => Exit::NotFound,
        429 | 502..=504 => Exit::Unreachable,
        400..=499 => Exit::Refused,
        _ => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_refusal_has_its_exit_code() {
        let table = [
            (400, Exit::Refused),
            (401, Exit::NotAuthenticated),
            (403, Exit::NotAuthenticated),
            (404, Exit::NotFound),
            (409, Exit::Refused),
            (412, Exit::Refused),
            (422, Exit::Refused),
            (429, Exit::Unreachable),
            (500, Exit::Failed),
            (503, Exit::Unreachable),
        ];
        for (status, exit) in table {
            let refusal =
                ServerRefusal { code: "X".into(), message: "m".into(), hint: Some("h".into()), request_id: None };
            let failure = ApiError::Refused { status, refusal }.preventing("cannot do it");
            assert_eq!(failure.exit(), exit, "{status}");
            assert_eq!(failure.to_string(), "tsg: cannot do it\n  why:  m\n  next: h");
        }
    }
}
