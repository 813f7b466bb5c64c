//! Sending: sign, send once, read the whole reply, and say how far a failure got.
//!
//! Owns the HTTP connection pool. A call that changes anything leaves at most once.

use std::{fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderValue,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, USER_AGENT},
};
use jiff::Timestamp;
use reqwest::{Certificate, Url, redirect, retry};
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};
use tsg_core::ports::cloud::{ErrorKind, Reach};

use super::{
    backoff::ReadRetries,
    bucket::TokenBucket,
    call::{Call, Patience},
    error::ClientError,
    options::{ClientOptions, HostCoverage, InvalidOptions, Pacing},
    reply::Reply,
};
use crate::signature::{HttpDate, SigningRequest};

/// The versions tsg knows: the newest CloudAPI, or the one before it.
const ACCEPT_VERSION: &str = "~9||~8";
const USER_AGENT_TEXT: &str = concat!("tsg/", env!("CARGO_PKG_VERSION"));
/// Shorter than a proxy's usual 20 s or more, so that a request is seldom written into a connection
/// that the other side is just closing: that would leave nobody knowing whether it arrived.
const IDLE_CONNECTION_LIFE: Duration = Duration::from_secs(15);

/// A client of one account of one CloudAPI. Cloning shares connections and pacing.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    bucket: Option<Arc<TokenBucket>>,
    retries: ReadRetries,
}

struct Shared {
    http: reqwest::Client,
    base: Url,
    host: String,
    account: String,
    options: ClientOptions,
}

impl Client {
    /// Makes a client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidOptions`] names the option that cannot work.
    pub fn new(options: ClientOptions) -> Result<Self, InvalidOptions> {
        let base = options.base()?;
        let account = options.account_segment()?.to_owned();
        let http = build_http(&options, &base)?;
        let host = match (base.host_str().unwrap_or_default(), base.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let bucket = match options.pacing {
            Pacing::Bucket { every, burst } => Some(Arc::new(TokenBucket::new(every, burst))),
            Pacing::ByCaller => None,
        };
        let retries = options.retries;
        let shared = Arc::new(Shared { http, base, host, account, options });
        Ok(Self { shared, bucket, retries })
    }

    /// The same client for a caller that paces and repeats by itself: each call is exactly one
    /// request, sent at once.
    #[must_use]
    pub fn direct(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), bucket: None, retries: ReadRetries::NEVER }
    }

    /// The account's login, the first segment of every path.
    #[must_use]
    pub fn account_login(&self) -> &str {
        &self.shared.account
    }

    /// Sends a call and decodes the JSON of a 2xx reply.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        self.send(call).await?.json()
    }

    /// Sends a call; a status outside 2xx is an error.
    pub(crate) async fn send(&self, call: Call) -> Result<Reply, ClientError> {
        let reply = self.exchange(call).await?;
        if reply.status.is_success() { Ok(reply) } else { Err(reply.refusal()) }
    }

    /// Sends a call and hands back any complete reply. Reads are repeated on 429 and 503.
    pub(crate) async fn exchange(&self, call: Call) -> Result<Reply, ClientError> {
        let mut attempt = 1;
        loop {
            if let Some(bucket) = &self.bucket {
                bucket.take().await;
            }
            let reply = self.exchange_once(&call).await?;
            let is_passing = matches!(reply.status.as_u16(), 420 | 429 | 503);
            if !is_passing || !call.is_read() || attempt >= self.retries.attempts {
                return Ok(reply);
            }
            let wait = self.retries.wait(attempt, reply.refusal().retry_after());
            tracing::debug!(path = %call.path, attempt, ?wait, status = %reply.status, "read will be repeated");
            sleep(wait).await;
            attempt += 1;
        }
    }

    async fn exchange_once(&self, call: &Call) -> Result<Reply, ClientError> {
        let request = self.signed_request(call).await?;
        let response = self.shared.http.execute(request).await.map_err(transport_error)?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = read_body(response, call.max_reply_bytes).await?;
        Ok(Reply { status, headers, body, received_at: self.now() })
    }

    /// The signed request, for callers that send it in their own way.
    pub(crate) async fn signed_request(&self, call: &Call) -> Result<reqwest::Request, ClientError> {
        let shared = &self.shared;
        let url = self.url_of(call)?;
        let date = match &call.date {
            Some(date) => date.clone(),
            None => HttpDate::from_timestamp(self.now()),
        };
        let covers_host = shared.options.host_coverage == HostCoverage::Covered;
        let signing = SigningRequest {
            method: call.method.as_str(),
            target: &call.target(),
            date: &date,
            host: covers_host.then_some(shared.host.as_str()),
        };
        let authorization = shared.options.signer.sign(&signing).await.map_err(|error| {
            let message = error.to_string();
            ClientError::without_reply(ErrorKind::Denied, Reach::NotSent, message, Some(Box::new(error)))
        })?;
        let mut request = reqwest::Request::new(call.method.clone(), url);
        *request.timeout_mut() = Some(match call.patience {
            Patience::Create => shared.options.timeouts.create,
            Patience::Other => shared.options.timeouts.other,
        });
        let headers = request.headers_mut();
        headers.insert(DATE, header_value(date.as_str())?);
        let mut authorization = header_value(authorization.as_str())?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert("accept-version", HeaderValue::from_static(ACCEPT_VERSION));
        headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
        if let Some(body) = &call.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.clone().into());
        }
        Ok(request)
    }

    /// The URL whose request line will be exactly the call's target, or an error: URL rules fold
    /// segments such as `..`, which must not turn a name into another resource.
    fn url_of(&self, call: &Call) -> Result<Url, ClientError> {
        let mut url = self.shared.base.clone();
        url.set_path(&call.path);
        url.set_query((!call.query.is_empty()).then_some(&call.query));
        let sent_query = url.query().unwrap_or_default();
        if url.path() == call.path && sent_query == call.query {
            Ok(url)
        } else {
            Err(ClientError::unsendable(format!("{} cannot be addressed by a URL", call.path)))
        }
    }

    /// Sends a request whose connection outlives its answer; the limit is on the answer's head.
    pub(crate) async fn execute_within_limit(
        &self,
        request: reqwest::Request,
    ) -> Result<reqwest::Response, ClientError> {
        let answer = self.shared.http.execute(request);
        match timeout(self.shared.options.timeouts.other, answer).await {
            Ok(response) => response.map_err(transport_error),
            Err(_) => Err(ClientError::without_reply(
                ErrorKind::Unavailable,
                Reach::MaybeSent,
                "CloudAPI did not answer in time".to_owned(),
                None,
            )),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.shared.options.wall_clock)()
    }
}

fn build_http(options: &ClientOptions, base: &Url) -> Result<reqwest::Client, InvalidOptions> {
    let mut builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(options.timeouts.connect)
        .pool_idle_timeout(IDLE_CONNECTION_LIFE)
        .tcp_nodelay(true);
    let extra = match &options.ca_file {
        Some(path) => read_certificates(path)?,
        None => Vec::new(),
    };
    builder = if base.scheme() == "http" {
        // Loopback without TLS must work on a machine that has no CA certificates installed.
        builder.tls_certs_only(extra)
    } else {
        builder.https_only(true).tls_certs_merge(extra)
    };
    builder.build().map_err(InvalidOptions::Tls)
}

fn read_certificates(path: &std::path::Path) -> Result<Vec<Certificate>, InvalidOptions> {
    let pem = std::fs::read(path).map_err(|source| InvalidOptions::CaFile { path: path.to_owned(), source })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(InvalidOptions::CaContent { path: path.to_owned() }),
    }
}

fn header_value(text: &str) -> Result<HeaderValue, ClientError> {
    HeaderValue::from_str(text)
        .map_err(|_| ClientError::unsendable("a header would hold characters HTTP does not allow"))
}

/// Connecting and the TLS handshake come before the first byte of the request; whatever fails
/// later may have been heard.
fn transport_error(error: reqwest::Error) -> ClientError {
    let reach = if error.is_connect() || error.is_builder() { Reach::NotSent } else { Reach::MaybeSent };
    let what = match (reach, error.is_timeout()) {
        (Reach::NotSent, true) => "CloudAPI cannot be reached: connecting took too long",
        (Reach::NotSent, false) => "CloudAPI cannot be reached",
        (_, true) => "CloudAPI did not answer in time",
        (_, false) => "the connection to CloudAPI broke before a complete answer",
    };
    let error = error.without_url();
    let message = format!("{what}: {}", innermost(&error));
    ClientError::without_reply(ErrorKind::Unavailable, reach, message, Some(Box::new(error)))
}

/// The last cause of a chain is the one a person can act on ("connection refused").
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

async fn read_body(mut response: reqwest::Response, limit: usize) -> Result<Bytes, ClientError> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0).min(limit));
    while let Some(chunk) = response.chunk().await.map_err(transport_error)? {
        if body.len() + chunk.len() > limit {
            let message = format!("CloudAPI's answer is longer than {limit} bytes");
            return Err(ClientError::without_reply(ErrorKind::Corrupt, Reach::MaybeSent, message, None));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} as {})", self.shared.base, self.shared.account)
    }
}
