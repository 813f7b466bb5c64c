//! One signed request, one answer.
//!
//! Owns the connection, the signature and the idempotency key of each request. It must never follow a redirect: the
//! signature covers the path.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use reqwest::header::HeaderName;
use reqwest::{Certificate, Method, StatusCode, Url, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tsg_cloudapi::signature::{HttpDate, Signer, SigningRequest};
use uuid::Uuid;

use super::error::{ApiError, ServerRefusal};

/// How long to wait for a connection; a server that is up answers at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait for an answer. The server's slowest answers wait for CloudAPI, which may take 30 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A client of one tsg server.
#[derive(Debug)]
pub(crate) struct Api {
    http: reqwest::Client,
    base: Url,
    signer: Option<Signer>,
}

/// An answer: what it says, and the text as it came, which `--json` hands on unchanged.
#[derive(Debug, Clone)]
pub(crate) struct Answer<T> {
    /// What it says.
    pub(crate) value: T,
    /// The body as it came.
    pub(crate) body: String,
    /// The `ETag`, to be sent back with a change.
    pub(crate) etag: Option<String>,
}

/// The body of requests that have none.
pub(crate) const NO_BODY: Option<&()> = None;

/// An HTTP client that verifies TLS, also by a certificate authority of the user's own.
pub(crate) fn http_client(base: &Url, ca_file: Option<&Path>) -> Result<reqwest::Client, ApiError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ANSWER_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none());
    if let Some(path) = ca_file {
        let unusable = |reason: String| ApiError::CaFile { path: path.to_owned(), reason };
        let text = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&text).map_err(|error| unusable(error.to_string()))?;
        builder = builder.tls_certs_merge(certificates);
    }
    let is_loopback = matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if is_loopback {
        // A proxy could not reach this machine's own loopback.
        builder = builder.no_proxy();
    }
    builder.build().map_err(ApiError::Client)
}

impl Api {
    /// A client of the server at `base`. Without a signer only open routes answer.
    pub(crate) fn new(base: &str, ca_file: Option<&Path>, signer: Option<Signer>) -> Result<Self, ApiError> {
        let base = parse_base(base)?;
        Ok(Self { http: http_client(&base, ca_file)?, base, signer })
    }

    /// Where the server is.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Reads.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, ApiError> {
        self.ask(Method::GET, path, NO_BODY, None).await
    }

    /// Reads what is not as `known` any more.
    pub(crate) async fn get_unless<T: DeserializeOwned>(
        &self,
        path: &str,
        known: Option<&str>,
    ) -> Result<Option<Answer<T>>, ApiError> {
        let condition = known.map(|etag| (header::IF_NONE_MATCH, etag));
        let (body, etag) = self.exchange(Method::GET, path, NO_BODY, condition).await?;
        // It is as it was.
        if body.is_empty() {
            return Ok(None);
        }
        let value = serde_json::from_str(&body)
            .map_err(|source| ApiError::Unreadable { url: self.base.to_string(), source })?;
        Ok(Some(Answer { value, body, etag }))
    }

    /// Creates, or asks for something to be done.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Answer<T>, ApiError> {
        self.ask(Method::POST, path, body, None).await
    }

    /// Changes what is still as `etag` says.
    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        etag: Option<&str>,
    ) -> Result<Answer<T>, ApiError> {
        self.ask(Method::PATCH, path, Some(body), etag).await
    }

    /// Deletes.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), ApiError> {
        self.exchange(Method::DELETE, path, NO_BODY, None).await.map(|_| ())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        etag: Option<&str>,
    ) -> Result<Answer<T>, ApiError> {
        let condition = etag.map(|etag| (header::IF_MATCH, etag));
        let (body, etag) = self.exchange(method, path, body, condition).await?;
        // 202 and 204 have nothing to say; `null` reads as the unit type and as an absent value.
        let text = if body.is_empty() { "null" } else { body.as_str() };
        let value =
            serde_json::from_str(text).map_err(|source| ApiError::Unreadable { url: self.base.to_string(), source })?;
        Ok(Answer { value, body, etag })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        condition: Option<(HeaderName, &str)>,
    ) -> Result<(String, Option<String>), ApiError> {
        let request = self.request(method, path, body, condition).await?;
        let unreachable = |source| ApiError::Unreachable { url: self.base.to_string(), source };
        let response = self.http.execute(request).await.map_err(unreachable)?;
        let status = response.status();
        let etag = response.headers().get(header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = response.text().await.map_err(unreachable)?;
        let is_answer = status.is_success() || status == StatusCode::NOT_MODIFIED;
        if is_answer { Ok((text, etag)) } else { Err(refusal(status, &text)) }
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        condition: Option<(HeaderName, &str)>,
    ) -> Result<reqwest::Request, ApiError> {
        let is_write = method != Method::GET;
        let target = self.target(path, is_write);
        let url = self.base.join(&target).map_err(|_| ApiError::BadUrl(format!("{}{target}", self.base)))?;
        let mut builder = self.http.request(method.clone(), url.clone()).header(header::ACCEPT, "application/json");
        if is_write {
            builder = builder.header("idempotency-key", Uuid::new_v4().to_string());
        }
        if let Some((name, etag)) = condition {
            builder = builder.header(name, etag);
        }
        if let Some(body) = body {
            let text = serde_json::to_vec(body).map_err(ApiError::Unwritable)?;
            builder = builder.header(header::CONTENT_TYPE, "application/json").body(text);
        }
        if let Some(signer) = &self.signer {
            let date = HttpDate::from_timestamp(jiff::Timestamp::now());
            let signed = target_of(&url);
            let request = SigningRequest { method: method.as_str(), target: &signed, date: &date, host: None };
            let authorization = signer.sign(&request).await.map_err(ApiError::Signature)?;
            builder = builder.header(header::DATE, date.as_str()).header(header::AUTHORIZATION, authorization.as_str());
        }
        builder.build().map_err(ApiError::Client)
    }

    /// The target of a request. Equal writes within one second would carry equal signatures, which the server refuses
    /// as replayed, so each gets a number of its own.
    fn target(&self, path: &str, is_write: bool) -> String {
        let prefix = self.base.path().trim_end_matches('/');
        if !is_write {
            return format!("{prefix}{path}");
        }
        let separator = if path.contains('?') { '&' } else { '?' };
        format!("{prefix}{path}{separator}nonce={}", Uuid::new_v4().simple())
    }
}

fn parse_base(text: &str) -> Result<Url, ApiError> {
    let url = Url::parse(text).map_err(|_| ApiError::BadUrl(text.to_owned()))?;
    match url.scheme() {
        _ if !url.has_host() || url.query().is_some() => Err(ApiError::BadUrl(text.to_owned())),
        "https" => Ok(url),
        // What the server hands out while an account enrols becomes a key of that account: nobody on the way may
        // change it.
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(ApiError::PlainHttp(text.to_owned())),
        _ => Err(ApiError::BadUrl(text.to_owned())),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Path and query exactly as they will stand in the request line.
fn target_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn refusal(status: StatusCode, text: &str) -> ApiError {
    match serde_json::from_str::<ServerRefusal>(text) {
        Ok(refusal) => ApiError::Refused { status: status.as_u16(), refusal },
        Err(_) => ApiError::NotTsg { status: status.as_u16(), body: text.chars().take(200).collect() },
    }
}

/// Escapes a text for use as a query value or a path segment.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_servers() {
        for good in ["http://127.0.0.1:3000", "https://tsg.example/prefix/"] {
            assert!(parse_base(good).is_ok(), "{good}");
        }
        for bad in ["", "127.0.0.1:3000", "ftp://x", "http://", "http://x/?a=b"] {
            assert!(matches!(parse_base(bad), Err(ApiError::BadUrl(_))), "{bad}");
        }
        for open in ["http://tsg.internal:3000", "http://127.0.0.1.example.com"] {
            assert!(matches!(parse_base(open), Err(ApiError::PlainHttp(_))), "{open}");
        }
    }

    #[test]
    fn every_write_has_a_target_of_its_own_and_keeps_the_prefix() {
        let api = Api::new("http://127.0.0.1:1/prefix/", None, None).unwrap();
        assert_eq!(api.target("/v2/groups?limit=1", false), "/prefix/v2/groups?limit=1");
        let (one, other) = (api.target("/v2/groups", true), api.target("/v2/groups", true));
        assert!(one.starts_with("/prefix/v2/groups?nonce=") && one != other);
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(escaped("a b/ö"), "a%20b%2F%C3%B6");
    }
}
