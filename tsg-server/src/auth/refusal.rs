//! Why a request is not accepted as anybody's.
//!
//! Owns the texts. Must never tell whether an account or key exists: "not enrolled", "no such
//! key" and "wrong signature" look the same.

use std::time::Duration;

use http::StatusCode;
use thiserror::Error;
use tsg_cloudapi::signature::verify;
use tsg_core::model::time::Timestamp;

use crate::http::failure::Failure;
use crate::time;

/// Why nobody can be made out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no `Authorization` header.
    #[error("the request is not signed")]
    Unsigned,
    /// The header cannot be read.
    #[error("{0}")]
    Malformed(verify::Refusal),
    /// The date is too far from the server's time.
    #[error("the request's date is off by more than {} s; the server's time is {}", .allowed.as_secs(), time::http_date(*.now))]
    Skewed {
        /// How far it may be off.
        allowed: Duration,
        /// The server's time.
        now: Timestamp,
    },
    /// Unknown account or key, or a signature that is not the key's.
    #[error("no enrolled account has a key that made this signature")]
    Unknown,
    /// The account was taken off the allow-list.
    #[error("the account may not use this server")]
    NotAllowed,
    /// A sub-user's key.
    #[error("sub-user keys are not accepted: what a sub-user may do with machines cannot be checked from here")]
    SubUser,
    /// The signature is good for any path.
    #[error("the signature does not cover (request-target)")]
    TargetNotCovered,
    /// The signature covers a digest that is not the body's.
    #[error("the signed digest is not that of the body")]
    WrongDigest,
    /// The same signature was used for a write before.
    #[error("this signature was used before")]
    Replayed,
    /// Too many signatures to remember.
    #[error("too many writes are under way")]
    Crowded,
    /// The account's keys cannot be read: CloudAPI does not answer.
    #[error("the account's keys cannot be read from CloudAPI just now")]
    DirectoryDown,
    /// The account's keys cannot be read: CloudAPI does not accept the server's own key any more.
    #[error("CloudAPI no longer accepts this server's key for the account")]
    ServerKeyRefused,
}

impl Refusal {
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unsigned => (StatusCode::UNAUTHORIZED, "NotSigned"),
            Self::Malformed(_) => (StatusCode::UNAUTHORIZED, "InvalidAuthorization"),
            Self::Skewed { .. } => (StatusCode::UNAUTHORIZED, "RequestExpired"),
            Self::Unknown => (StatusCode::UNAUTHORIZED, "InvalidCredentials"),
            Self::NotAllowed => (StatusCode::FORBIDDEN, "AccountNotAllowed"),
            Self::SubUser => (StatusCode::FORBIDDEN, "SubUserNotAllowed"),
            Self::TargetNotCovered => (StatusCode::UNAUTHORIZED, "TargetNotSigned"),
            Self::WrongDigest => (StatusCode::UNAUTHORIZED, "WrongDigest"),
            Self::Replayed => (StatusCode::UNAUTHORIZED, "SignatureReplayed"),
            Self::Crowded => (StatusCode::SERVICE_UNAVAILABLE, "Busy"),
            Self::DirectoryDown => (StatusCode::SERVICE_UNAVAILABLE, "DirectoryUnavailable"),
            Self::ServerKeyRefused => (StatusCode::UNAUTHORIZED, "ServerKeyRefused"),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Unsigned | Self::Malformed(_) => {
                "sign the request with a key of the account: Authorization: Signature keyId=\"/LOGIN/keys/MD5\",..., \
                 over date (and (request-target) on /v2)"
            }
            Self::Skewed { .. } => "set this machine's clock (NTP) and sign anew",
            Self::Unknown => {
                "enrol the account with `tsg account enroll`, and sign with a key that its owner has in Triton"
            }
            Self::NotAllowed => "the operator lets accounts in with `tsg account allow LOGIN`",
            Self::SubUser => "sign with a key of the account itself",
            Self::TargetNotCovered => {
                "sign with headers=\"(request-target) date\", so that the signature is of no use for another request"
            }
            Self::WrongDigest => "sign the digest of the bytes that are sent, as SHA-256=BASE64",
            Self::Replayed => {
                "sign each write anew: dates have whole seconds, so add ?nonce=RANDOM to the path and sign that"
            }
            Self::Crowded => "repeat the request",
            Self::ServerKeyRefused => "enrol the account again: `tsg account enroll` makes a new key",
            Self::DirectoryDown => "repeat the request when CloudAPI answers",
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = refusal.code();
        // TSG v1 began its answers with these words.
        let what = if refusal == Refusal::ServerKeyRefused { "key" } else { "account" };
        let message = format!("failed {what} authentication: {refusal}");
        let failure = Self::new(status, code, message).hint(refusal.hint());
        if status == StatusCode::SERVICE_UNAVAILABLE { failure.retry_after(Duration::from_secs(1)) } else { failure }
    }
}
