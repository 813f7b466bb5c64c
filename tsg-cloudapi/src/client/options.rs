//! What a client is made with.
//!
//! There is no switch that weakens TLS. Plain `http` is taken for loopback hosts alone, where the
//! simulated data centre listens.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::Url;

use super::backoff::ReadRetries;
use crate::signature::Signer;

/// Why a client cannot be made with these options.
#[derive(Debug, thiserror::Error)]
pub enum InvalidOptions {
    /// The text is no URL of a CloudAPI.
    #[error("{0:?} is not a CloudAPI URL (expected: https://host[:port])")]
    Url(String),
    /// Plain http to another machine.
    #[error("{0:?} would send signed requests unencrypted; use https (http is for loopback only)")]
    Unencrypted(String),
    /// The account's login is empty or holds a slash.
    #[error("{0:?} is not an account login")]
    Account(String),
    /// The extra CA file cannot be read.
    #[error("cannot read the CA file {path}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The extra CA file holds no certificate.
    #[error("the CA file {path} holds no usable PEM certificate")]
    CaContent {
        /// The file.
        path: PathBuf,
    },
    /// The TLS library could not be set up (for example, no system certificates).
    #[error("cannot set up TLS (are the system's CA certificates installed?)")]
    Tls(#[source] reqwest::Error),
}

/// Total time allowed for one request, answer included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the TCP connection stands; what fails here was surely not sent.
    pub connect: Duration,
    /// `POST /machines`. Longer than the 120 s after which CloudAPI's proxy gives up, so that the
    /// proxy's answer is seen.
    pub create: Duration,
    /// Everything else.
    pub other: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), create: Duration::from_secs(150), other: Duration::from_secs(30) }
    }
}

/// How the client keeps under the account's throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// A token bucket in this client.
    Bucket {
        /// How often one more may go.
        every: Duration,
        /// How many may go at once after a pause.
        burst: u32,
    },
    /// The caller paces.
    ByCaller,
}

impl Default for Pacing {
    /// CloudAPI's shipped throttle per account.
    fn default() -> Self {
        Self::Bucket { every: Duration::from_millis(100), burst: 30 }
    }
}

/// Tells the wall time that dates are signed with.
pub(crate) type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a [`Client`](super::Client) is made with.
///
/// ```
/// use tsg_cloudapi::client::{Client, ClientOptions};
/// use tsg_cloudapi::signature::{KeyId, LocalSigner, NewKeyKind, PrivateKey};
/// let key = PrivateKey::generate(NewKeyKind::Ed25519, "example")?;
/// let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key)?;
/// let options = ClientOptions::new("http://127.0.0.1:8080", "demo", signer.into());
/// let client = Client::new(options)?;
/// # let _ = client;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ClientOptions {
    pub(crate) url: String,
    pub(crate) account: String,
    pub(crate) signer: Arc<Signer>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) timeouts: Timeouts,
    pub(crate) pacing: Pacing,
    pub(crate) retries: ReadRetries,
    pub(crate) host_coverage: HostCoverage,
    pub(crate) wall_clock: WallClock,
}

/// Whether signatures cover the `Host` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostCoverage {
    Covered,
    Open,
}

impl ClientOptions {
    /// Options with defaults: paced at 10 requests a second with bursts of 30, reads repeated,
    /// total time 150 s for a create and 30 s for the rest.
    #[must_use]
    pub fn new(url: &str, account: &str, signer: Signer) -> Self {
        Self {
            url: url.to_owned(),
            account: account.to_owned(),
            signer: Arc::new(signer),
            ca_file: None,
            timeouts: Timeouts::default(),
            pacing: Pacing::default(),
            retries: ReadRetries::default(),
            host_coverage: HostCoverage::Open,
            wall_clock: Arc::new(Timestamp::now),
        }
    }

    /// Trusts the certificates of a PEM file too, besides the system's.
    #[must_use]
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Other time limits.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Another pacing.
    #[must_use]
    pub fn with_pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// Another way to repeat reads.
    #[must_use]
    pub fn with_read_retries(mut self, retries: ReadRetries) -> Self {
        self.retries = retries;
        self
    }

    /// Signs the `Host` header too. Off by default, because proxies may rewrite it.
    #[must_use]
    pub fn covering_host(mut self) -> Self {
        self.host_coverage = HostCoverage::Covered;
        self
    }

    /// Takes the time for `Date` headers from elsewhere than the system's clock.
    #[must_use]
    pub fn with_wall_clock(mut self, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.wall_clock = Arc::new(now);
        self
    }

    /// The CloudAPI's base URL, without a final slash.
    pub(crate) fn base(&self) -> Result<Url, InvalidOptions> {
        let invalid = || InvalidOptions::Url(self.url.clone());
        let url = Url::parse(self.url.trim_end_matches('/')).map_err(|_| invalid())?;
        let has_extras = url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
            || url.path() != "/";
        match url.scheme() {
            _ if has_extras || url.host_str().is_none() => Err(invalid()),
            "https" => Ok(url),
            "http" if is_loopback(&url) => Ok(url),
            "http" => Err(InvalidOptions::Unencrypted(self.url.clone())),
            _ => Err(invalid()),
        }
    }

    pub(crate) fn account_segment(&self) -> Result<&str, InvalidOptions> {
        if self.account.is_empty() || self.account.contains('/') || self.account.starts_with('.') {
            return Err(InvalidOptions::Account(self.account.clone()));
        }
        Ok(&self.account)
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("url", &self.url)
            .field("account", &self.account)
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}
