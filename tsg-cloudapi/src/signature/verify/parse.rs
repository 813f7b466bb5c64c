//! From a request's headers to a [`ParsedAuthorization`]: meaning, coverage and freshness.
//!
//! The order of the checks is CloudAPI's, because the first failure names the refusal.

use std::time::Duration;

use http::{HeaderMap, header::AUTHORIZATION};
use jiff::Timestamp;

use super::{
    grammar::{self, Parameters},
    refusal::{HeaderFault, Refusal},
};
use crate::signature::{
    Algorithm, KeyFamily, parse_http_date,
    signing_string::{REQUEST_LINE, REQUEST_TARGET, header_value, push_line, push_value, request_target},
};

/// How far a request's date may lie from now, in either direction (CloudAPI's limit).
pub const MAX_SKEW: Duration = Duration::from_secs(300);

/// The parts of a request that verification looks at.
#[derive(Clone, Copy, Debug)]
pub struct RequestToVerify<'a> {
    /// The method.
    pub method: &'a str,
    /// The raw target as it stood in the request line: path and query, undecoded.
    pub target: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
}

/// Which of the two accepted grammars a header used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureForm {
    /// draft-cavage: `name: value` lines are signed.
    Current,
    /// 0.9: bare values are signed.
    Legacy,
}

/// A well-formed, fresh `Authorization`, whose signature has not been checked yet.
#[derive(Clone, Debug)]
pub struct ParsedAuthorization {
    form: SignatureForm,
    key_id: String,
    algorithm: Algorithm,
    covered: Vec<String>,
    signing_string: Vec<u8>,
    signature_text: String,
    date: Timestamp,
}

impl ParsedAuthorization {
    /// Which grammar the header used.
    #[must_use]
    pub fn form(&self) -> SignatureForm {
        self.form
    }

    /// The key id as sent; read it with [`KeyId::parse`](crate::signature::KeyId::parse).
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The declared algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The covered headers and pseudo headers, lower case, in signing order.
    #[must_use]
    pub fn covered(&self) -> &[String] {
        &self.covered
    }

    /// True when `name` (lower case) is covered.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.covered.iter().any(|covered| covered == name)
    }

    /// True when method and target are covered, so that the header is of no use for another call.
    #[must_use]
    pub fn covers_request_target(&self) -> bool {
        self.covers(REQUEST_TARGET) || self.covers(REQUEST_LINE)
    }

    /// The request's date, within [`MAX_SKEW`] of now.
    #[must_use]
    pub fn date(&self) -> Timestamp {
        self.date
    }

    /// The bytes that were signed: with the key they identify a replay. The signature does not,
    /// since one can be written in several ways.
    #[must_use]
    pub fn signing_string(&self) -> &[u8] {
        &self.signing_string
    }

    pub(super) fn signature_text(&self) -> &str {
        &self.signature_text
    }
}

/// Reads the `Authorization` header: first by the current grammar, then by the legacy one. When
/// both refuse, the reason given is the first one's.
///
/// # Errors
/// [`Refusal`] with what CloudAPI answers; never reveals anything about accounts or keys.
pub fn parse(request: &RequestToVerify<'_>, now: Timestamp) -> Result<ParsedAuthorization, Refusal> {
    let header = request.headers.get(AUTHORIZATION).map_or(&b""[..], http::HeaderValue::as_bytes);
    if header.is_empty() {
        return Err(Refusal::NotAuthenticated);
    }
    // Header bytes are Latin-1 for a Node server.
    let text: String = header.iter().map(|byte| char::from(*byte)).collect();
    let (scheme, parameters) = text.split_once(' ').ok_or(Refusal::SingleWord)?;
    if !scheme.eq_ignore_ascii_case("Signature") {
        return Err(Refusal::NotAuthenticated);
    }
    let first = grammar::parse_current(parameters)
        .and_then(|found| interpret(request, scheme, &found, SignatureForm::Current, now));
    let parsed = first.or_else(|reason| {
        grammar::parse_legacy(parameters)
            .and_then(|found| interpret(request, scheme, &found, SignatureForm::Legacy, now))
            .map_err(|_| reason)
    });
    parsed.map_err(Refusal::from)
}

fn interpret(
    request: &RequestToVerify<'_>,
    scheme: &str,
    parameters: &Parameters,
    form: SignatureForm,
    now: Timestamp,
) -> Result<ParsedAuthorization, HeaderFault> {
    if scheme != "Signature" {
        return Err(HeaderFault::WrongScheme);
    }
    let key_id = specified(&parameters.key_id, "keyId")?;
    let declared = specified(&parameters.algorithm, "algorithm")?.to_ascii_lowercase();
    let signature = specified(&parameters.signature, "signature")?;
    let algorithm = recognise_algorithm(&declared)?;
    let date_header = if request.headers.contains_key("x-date") { "x-date" } else { "date" };
    let covered = covered_headers(parameters, date_header);
    let signing_string = match form {
        SignatureForm::Current => current_signing_string(request, parameters, &declared, &covered)?,
        SignatureForm::Legacy => legacy_signing_string(request, &covered)?,
    };
    let date = check_date(request, date_header, now)?;
    check_lifetime(parameters, now)?;
    if !covered.iter().any(|name| name == date_header) {
        return Err(HeaderFault::DateNotSigned(date_header));
    }
    let algorithm = algorithm
        .filter(|known| form == SignatureForm::Current || known.family() == KeyFamily::Rsa)
        .ok_or(HeaderFault::RefusedAlgorithm(declared))?;
    Ok(ParsedAuthorization {
        form,
        key_id: key_id.to_owned(),
        algorithm,
        covered,
        signing_string,
        signature_text: signature.to_owned(),
        date,
    })
}

fn specified<'p>(value: &'p Option<String>, name: &'static str) -> Result<&'p str, HeaderFault> {
    match value.as_deref() {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(HeaderFault::NotSpecified(name)),
    }
}

/// `Ok(None)` is a name of the right form that CloudAPI refuses in a later check.
fn recognise_algorithm(name: &str) -> Result<Option<Algorithm>, HeaderFault> {
    let is_formed = name.split_once('-').is_some_and(|(family, hash)| {
        ["rsa", "dsa", "ecdsa", "ed25519", "hmac"].contains(&family) && ["sha1", "sha256", "sha512"].contains(&hash)
    });
    if is_formed { Ok(Algorithm::from_name(name)) } else { Err(HeaderFault::UnknownAlgorithm(name.to_owned())) }
}

fn covered_headers(parameters: &Parameters, date_header: &str) -> Vec<String> {
    match parameters.headers.as_deref() {
        None | Some("") => vec![date_header.to_owned()],
        Some(list) => list.split(' ').map(str::to_ascii_lowercase).collect(),
    }
}

fn current_signing_string(
    request: &RequestToVerify<'_>,
    parameters: &Parameters,
    algorithm: &str,
    covered: &[String],
) -> Result<Vec<u8>, HeaderFault> {
    let mut out = Vec::new();
    for name in covered {
        if name == REQUEST_LINE {
            push_value(&mut out, request_line(request).as_bytes());
            continue;
        }
        let value = match name.as_str() {
            REQUEST_TARGET => request_target(request.method, request.target).into_bytes(),
            "(keyid)" => specified(&parameters.key_id, "keyId")?.into(),
            "(algorithm)" => algorithm.into(),
            "(opaque)" => parameter(&parameters.opaque, "opaque")?,
            "(created)" => parameter(&parameters.created, "created")?,
            "(expires)" => parameter(&parameters.expires, "expires")?,
            _ => header(request, name)?,
        };
        push_line(&mut out, name, &value);
    }
    Ok(out)
}

fn legacy_signing_string(request: &RequestToVerify<'_>, covered: &[String]) -> Result<Vec<u8>, HeaderFault> {
    let mut out = Vec::new();
    for name in covered {
        if name == REQUEST_LINE {
            push_value(&mut out, request_line(request).as_bytes());
        } else {
            push_value(&mut out, &header(request, name)?);
        }
    }
    Ok(out)
}

fn request_line(request: &RequestToVerify<'_>) -> String {
    format!("{} {} HTTP/1.1", request.method, request.target)
}

fn header(request: &RequestToVerify<'_>, name: &str) -> Result<Vec<u8>, HeaderFault> {
    header_value(request.headers, name).ok_or_else(|| HeaderFault::HeaderAbsent(name.to_owned()))
}

fn parameter(value: &Option<String>, name: &'static str) -> Result<Vec<u8>, HeaderFault> {
    value.clone().map(String::into_bytes).ok_or(HeaderFault::ParameterAbsent(name))
}

fn check_date(request: &RequestToVerify<'_>, date_header: &str, now: Timestamp) -> Result<Timestamp, HeaderFault> {
    let value = header(request, date_header)?;
    let date = std::str::from_utf8(&value).ok().and_then(parse_http_date).ok_or(HeaderFault::UnreadableDate)?;
    let skew_ms = now.as_millisecond().abs_diff(date.as_millisecond());
    if u128::from(skew_ms) > MAX_SKEW.as_millis() {
        return Err(HeaderFault::ClockSkew { skew_ms });
    }
    Ok(date)
}

/// `created` and `expires` are optional; when present they must hold, within the skew allowed.
fn check_lifetime(parameters: &Parameters, now: Timestamp) -> Result<(), HeaderFault> {
    let allowed = i64::try_from(MAX_SKEW.as_secs()).unwrap_or(i64::MAX);
    let seconds = |value: &Option<String>, name| match value {
        None => Ok(None),
        Some(text) => text.parse::<i64>().map(Some).map_err(|_| HeaderFault::OutsideLifetime(name)),
    };
    if seconds(&parameters.created, "created")?.is_some_and(|at| at > now.as_second() + allowed) {
        return Err(HeaderFault::OutsideLifetime("created"));
    }
    if seconds(&parameters.expires, "expires")?.is_some_and(|at| at < now.as_second() - allowed) {
        return Err(HeaderFault::OutsideLifetime("expires"));
    }
    Ok(())
}
