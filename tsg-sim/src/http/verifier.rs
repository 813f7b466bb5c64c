//! The seam to the http-signature verifier: what CloudAPI asks of it, and what it answers.
//!
//! Owns the trait and the words of both sides. It must never parse a signature itself: the verifier under test is the
//! production one, handed in by whoever starts the server, and the protocol tests may hand in a double.

use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;

/// Everything of a request that a signature can cover.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The request method.
    pub method: &'a Method,
    /// The raw request target: path and query exactly as received, undecoded.
    pub target: &'a str,
    /// All request headers as received.
    pub headers: &'a HeaderMap,
    /// The verifier's idea of the present, against which `Date` is held.
    pub now: Timestamp,
    /// Which key paths the negotiated API version knows.
    pub sub_users: SubUserKeys,
}

/// Whether the negotiated API version knows key ids of sub-users (7.2 and later do).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubUserKeys {
    /// `/:account/users/:user/keys/:key` is a key id.
    Known,
    /// Only `/:account/keys/:key` is a key id.
    Unknown,
}

/// Whose key a key id names, as written in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyQuery<'a> {
    /// Login or uuid of the account.
    pub account: &'a str,
    /// Login of the sub-user, when the key id has six parts.
    pub sub_user: Option<&'a str>,
    /// The MD5 fingerprint, or the exact name of the key.
    pub key: &'a str,
}

/// Public keys by owner and name: the simulated directory service.
pub trait KeyDirectory {
    /// The OpenSSH text of the key (`ssh-ed25519 AAAA…`), if the owner has such a key.
    fn openssh_key(&self, query: KeyQuery<'_>) -> Option<String>;
}

/// Who signed the request. The key id is kept for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Login or uuid of the account, as the key id spelled it.
    pub account: String,
    /// Login of the sub-user, if one signed.
    pub sub_user: Option<String>,
    /// The whole `keyId` parameter.
    pub key_id: String,
}

/// Why a signature was refused, in the form CloudAPI answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureRefusal {
    /// 400 for a header that cannot be understood, 401 for one that proves nothing.
    pub status: StatusCode,
    /// The `code` of the error body.
    pub code: &'static str,
    /// The `message` of the error body.
    pub message: String,
}

/// Checks a request's `Authorization` header against the keys of a directory.
///
/// Implementations must be pure: the same request at the same `now` gives the same answer, because the server verifies
/// early (a malformed header is refused before the body is read) and applies the outcome late (a wrong signature is
/// refused after the body was parsed).
pub trait SignatureVerifier: Send + Sync {
    /// The authenticated identity, or the refusal to answer with.
    ///
    /// # Errors
    /// [`SignatureRefusal`] with the status, code and message for the client.
    fn verify(&self, request: &SignedRequest<'_>, keys: &dyn KeyDirectory) -> Result<Identity, SignatureRefusal>;
}
