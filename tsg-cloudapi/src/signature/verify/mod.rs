//! Verification, sans IO: [`parse`] the header, look the key up, then [`check`] the signature.
//!
//! Who a key belongs to is the caller's knowledge; this module only says whether a request's
//! `Authorization` is well formed, fresh, and made by a given key. Refusals carry the status, code
//! and text that CloudAPI answers, so that the simulated one answers the same.

mod grammar;
mod parse;
mod refusal;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

pub use parse::{MAX_SKEW, ParsedAuthorization, RequestToVerify, SignatureForm, parse};
pub use refusal::{HeaderFault, Refusal};

use super::PublicKey;

/// Node's decoder does not care for padding, so neither does the verifier; the bytes decide.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Checks the signature against the key that the caller found for the key id.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use tsg_cloudapi::signature::{HttpDate, KeyId, LocalSigner, NewKeyKind, PrivateKey, SigningRequest, verify};
/// let key = PrivateKey::generate(NewKeyKind::Ed25519, "example")?;
/// let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key)?;
/// let now = jiff::Timestamp::from_second(1_767_225_600)?;
/// let date = HttpDate::from_timestamp(now);
/// let header = signer.sign(&SigningRequest { method: "GET", target: "/demo", date: &date, host: None })?;
/// let mut headers = HeaderMap::new();
/// headers.insert("date", HeaderValue::from_str(date.as_str())?);
/// headers.insert("authorization", HeaderValue::from_str(header.as_str())?);
///
/// let request = verify::RequestToVerify { method: "GET", target: "/demo", headers: &headers };
/// let parsed = verify::parse(&request, now)?;
/// assert!(parsed.covers_request_target());
/// verify::check(&parsed, key.public_key())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Refusal::InvalidCredentials`] when the signature is not this key's, cannot be decoded, or
/// declares an algorithm of another family.
pub fn check(parsed: &ParsedAuthorization, key: &PublicKey) -> Result<(), Refusal> {
    let signature = LENIENT_BASE64.decode(parsed.signature_text()).map_err(|_| Refusal::InvalidCredentials)?;
    let verifier = key.verifier().map_err(|_| Refusal::InvalidCredentials)?;
    if verifier.verify(parsed.algorithm(), parsed.signing_string(), &signature) {
        Ok(())
    } else {
        Err(Refusal::InvalidCredentials)
    }
}
