//! Verifying one request's signature.
//!
//! Owns the order of the checks: form, account, key, signature, then what it must cover.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};
use tsg_cloudapi::signature::verify::{self, HeaderFault, ParsedAuthorization, RequestToVerify};
use tsg_cloudapi::signature::{KeyId, PublicKey, SubUserKeys};
use tsg_core::model::audit::Actor;
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::time::Timestamp;

use super::caller::Caller;
use super::refusal::Refusal;
use crate::accounts::directory::{DirectoryError, Purpose};
use crate::accounts::registry::Enrolled;
use crate::app::Application;
use crate::http::family::Family;
use crate::time;

/// A request that was verified, and what of it matters later.
pub struct Verified {
    /// Who signed.
    pub caller: Caller,
    /// What was signed.
    pub parsed: ParsedAuthorization,
    /// What was signed and by which key: the same for every way to write the signature.
    pub signed: Fingerprint,
}

/// Names what a key has signed.
pub fn signed_by(key: &PublicKey, parsed: &ParsedAuthorization) -> Fingerprint {
    Fingerprint::of_bytes(key.fingerprint_sha256().as_bytes()).chain(parsed.signing_string())
}

/// Whether a method only looks.
pub fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Finds the account and the key that a request names, and checks the signature against it.
pub async fn verify(app: &Application, parts: &Parts) -> Result<Verified, Refusal> {
    let now = app.clock.now();
    let (parsed, key_id) = read(parts, now, app.config.auth.skew)?;
    let enrolled = app.accounts.find(key_id.account()).ok_or(Refusal::Unknown)?;
    let purpose = if is_read(&parts.method) { Purpose::Look } else { Purpose::Change };
    let key = match key_of(app, &enrolled, &key_id, purpose).await {
        Err(Refusal::ServerKeyRefused) => return Err(refused_key(&enrolled, &parsed, &key_id).await),
        found => found?.ok_or(Refusal::Unknown)?,
    };
    verify::check(&parsed, &key).map_err(|_| Refusal::Unknown)?;
    if !app.allowed.is_allowed(&enrolled.login) {
        return Err(Refusal::NotAllowed);
    }
    let actor = Actor::User(format!("/{}/keys/{}", enrolled.login, key.fingerprint_md5()));
    let signed = signed_by(&key, &parsed);
    Ok(Verified { caller: Caller { enrolled, actor }, parsed, signed })
}

/// That the server's key is refused is told to the account's people only, as far as their keys are
/// remembered: to others an enrolled login must look like any other.
async fn refused_key(enrolled: &Enrolled, parsed: &ParsedAuthorization, key_id: &KeyId) -> Refusal {
    match enrolled.keys.remembered(key_id).await {
        Some(key) if verify::check(parsed, &key).is_ok() => Refusal::ServerKeyRefused,
        _ => Refusal::Unknown,
    }
}

/// Reads the header and the key id, before anything is known of accounts.
pub fn read(parts: &Parts, now: Timestamp, skew: Duration) -> Result<(ParsedAuthorization, KeyId), Refusal> {
    let target = parts.uri.path_and_query().map_or_else(|| parts.uri.path(), |target| target.as_str());
    let request = RequestToVerify { method: parts.method.as_str(), target, headers: &parts.headers };
    let parsed = verify::parse(&request, time::to_jiff(now)).map_err(|refusal| match refusal {
        verify::Refusal::NotAuthenticated => Refusal::Unsigned,
        verify::Refusal::InvalidHeader(HeaderFault::ClockSkew { .. }) => Refusal::Skewed { allowed: skew, now },
        other => Refusal::Malformed(other),
    })?;
    let off_ms = parsed.date().as_millisecond().abs_diff(now.as_millis());
    if u128::from(off_ms) > skew.as_millis() {
        return Err(Refusal::Skewed { allowed: skew, now });
    }
    let key_id = KeyId::parse(parsed.key_id(), SubUserKeys::Known).map_err(Refusal::Malformed)?;
    if key_id.sub_user().is_some() {
        return Err(Refusal::SubUser);
    }
    Ok((parsed, key_id))
}

async fn key_of(
    app: &Application,
    enrolled: &Arc<Enrolled>,
    key_id: &KeyId,
    purpose: Purpose,
) -> Result<Option<PublicKey>, Refusal> {
    let now = app.clock.monotonic();
    enrolled.keys.find(enrolled.client.as_ref(), key_id, purpose, now).await.map_err(|error| {
        tracing::warn!(account = %enrolled.account, %error, "the keys of an account cannot be read");
        match error {
            DirectoryError::KeyRefused => Refusal::ServerKeyRefused,
            DirectoryError::Unreachable { .. } => Refusal::DirectoryDown,
        }
    })
}

/// Whether the signature covers what the family of routes demands.
pub fn check_coverage(app: &Application, family: Family, parsed: &ParsedAuthorization) -> Result<(), Refusal> {
    let is_demanded = family == Family::V2 || app.config.auth.require_request_target;
    if is_demanded && !parsed.covers_request_target() {
        return Err(Refusal::TargetNotCovered);
    }
    Ok(())
}

/// A digest that is signed must be the body's; one that is not signed proves nothing and is
/// left alone.
pub fn check_digest(parsed: &ParsedAuthorization, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    if !parsed.covers("digest") {
        return Ok(());
    }
    let given = headers.get("digest").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (algorithm, digest) = given.split_once('=').unwrap_or_default();
    let is_right = algorithm.eq_ignore_ascii_case("sha-256") && digest == STANDARD.encode(Sha256::digest(body));
    if is_right { Ok(()) } else { Err(Refusal::WrongDigest) }
}
