//! One check of a group's instances: what is asked of them and how often.
//!
//! Owns what a check may say. Must never name a host: the target is always an instance's own
//! address.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::fact::{Failure, Obstruction, Outcome};
use super::invalid::InvalidHealth;
use super::status::StatusRange;
use super::written::Written;
use crate::model::guest::{GuestReport, GuestSigns};
use crate::model::id::NetworkId;
use crate::model::span::Span;
use crate::model::time::Timestamp;

/// One check of each instance of a group.
///
/// ```
/// use tsg_core::health::check::{CheckKind, CheckSpec};
/// use tsg_core::model::span::Span;
///
/// let check: CheckSpec = serde_json::from_str(r#"{"type": "http", "port": 8080, "path": "/ping"}"#)?;
/// assert_eq!(check.name, "http-8080");
/// assert!(matches!(&check.kind, CheckKind::Http(http) if http.path == "/ping"));
/// assert_eq!((check.pacing.interval, check.pacing.retries), (Span::from_secs(10), 3));
///
/// let live: CheckSpec = serde_json::from_str(r#"{"type": "tcp", "port": 22, "purpose": "live"}"#)?;
/// assert_eq!(live.pacing.interval, Span::from_secs(30), "three times slower");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct CheckSpec {
    /// What it is called within its group. Default: its type and port.
    pub name: String,
    /// What is asked.
    pub kind: CheckKind,
    /// What its answer is for.
    pub purpose: Purpose,
    /// How often, and how many answers it takes.
    pub pacing: Pacing,
}

/// What the answers of a check are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Both of the others.
    #[default]
    Both,
    /// Repair: an instance that fails is restarted, then replaced.
    Live,
    /// Discovery: an instance that fails is not listed while it does, and is left alone.
    Ready,
}

impl Purpose {
    /// Whether an instance that fails the check is repaired.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Both | Self::Live)
    }

    /// Whether an instance that fails the check is taken out of discovery.
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::Both | Self::Ready)
    }
}

/// How often a check is made, and how many answers it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pacing {
    /// From the begin of one probe to the begin of the next, 1 s to 1 h. Default: 10 s; 30 s for a
    /// check that is for repair only.
    pub interval: Span,
    /// The longest that one probe may take, at most the interval. Default: 5 s, or the interval
    /// where that is shorter.
    pub timeout: Span,
    /// Failures in a row that it takes to be down, 1 to 100. Default: 3.
    pub retries: u32,
    /// Passes in a row that it takes to be up again, 1 to 100. Default: 2.
    pub healthy_after: u32,
    /// The interval while the check fails. Default: the interval.
    pub unhealthy_interval: Span,
    /// How long after its start an instance may fail without being down, at most 1 d. The first
    /// pass ends it. Default: 2 min.
    pub start_window: Span,
}

/// What is asked of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckKind {
    /// An HTTP request.
    Http(HttpCheck),
    /// An HTTP request over TLS, whose certificate is always verified.
    Https(HttpCheck, TlsCheck),
    /// Whether it takes a TCP connection.
    Tcp(Endpoint),
    /// ContainerPilot's telemetry endpoint.
    ContainerPilot(Endpoint),
    /// Whether the cloud shows it running.
    Cloud,
    /// What its metadata say.
    Guest(GuestCheck),
    /// A program that is run in the instance, with its arguments.
    Command(Vec<String>),
}

/// A port of an instance, in one of its networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The port.
    pub port: NonZeroU16,
    /// In which network. `None`: its primary address.
    pub network: Option<NetworkId>,
}

/// An HTTP request and what it should be answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCheck {
    /// Where it goes.
    pub endpoint: Endpoint,
    /// How. Default: GET.
    pub method: Method,
    /// The path with its query, in ASCII. Default: `/`.
    pub path: String,
    /// Headers to send, beside what the protocol needs.
    pub headers: BTreeMap<String, String>,
    /// The statuses of an instance that is well. Default: 2xx. 429 says that it has too much to
    /// do, unless it is among them.
    pub expect: Vec<StatusRange>,
}

/// What a guest has to say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct GuestCheck {
    /// The age up to which its heartbeat shows that it still says anything, 1 min to 1 d. `None`: it
    /// need have none.
    pub heartbeat: Option<Span>,
}

impl GuestCheck {
    /// What follows from what a guest says, as a look at the cloud showed it. Of a guest whose
    /// heartbeat is too old nobody can tell how it is: that what it writes does not arrive may be
    /// the cloud's fault as well as its own.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tsg_core::health::check::{GuestCheck, Purpose};
    /// use tsg_core::health::fact::{Obstruction, Outcome};
    /// use tsg_core::model::guest::{GuestReport, GuestSigns, HEARTBEAT};
    /// use tsg_core::model::span::Span;
    /// use tsg_core::model::tag::SeenValue;
    /// use tsg_core::model::time::Timestamp;
    ///
    /// let check = GuestCheck { heartbeat: Some(Span::from_mins(2)) };
    /// let mut signs = GuestSigns::default();
    /// signs.note(HEARTBEAT, SeenValue::Number(1_800_000_000.0));
    /// let at = Timestamp::from_millis(1_800_000_000_000);
    /// let judged = |age| check.judge(Purpose::Both, &GuestReport::default(), &signs, at.after(Duration::from_secs(age)));
    /// assert_eq!(judged(120), Outcome::Passed);
    /// assert_eq!(judged(121), Outcome::Unjudged(Obstruction::NoHeartbeat));
    /// ```
    pub fn judge(&self, purpose: Purpose, said: &GuestReport, signs: &GuestSigns, seen_at: Timestamp) -> Outcome {
        let is_late =
            |allowed: Span| signs.heartbeat.is_none_or(|beat| beat.at().after(allowed.as_duration()) < seen_at);
        if self.heartbeat.is_some_and(is_late) {
            Outcome::Unjudged(Obstruction::NoHeartbeat)
        } else if said.is_unhealthy {
            Outcome::Failed(Failure::SaysBad)
        } else if signs.is_unready && purpose.is_ready() {
            Outcome::Failed(Failure::SaysNotReady)
        } else {
            Outcome::Passed
        }
    }
}

/// How a request is made.
///
/// ```
/// use tsg_core::health::check::Method;
/// assert_eq!(Method::default().as_str(), "GET");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// HEAD: without a body.
    Head,
    /// OPTIONS.
    Options,
}

impl Method {
    /// As it stands in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
        }
    }
}

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsCheck {
    /// The name that the certificate has to be for. Default: the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Certificates of those to trust instead of the well-known ones, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

impl CheckKind {
    /// Its name in a manifest.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Https(..) => "https",
            Self::Tcp(_) => "tcp",
            Self::ContainerPilot(_) => "containerpilot",
            Self::Cloud => "cloud",
            Self::Guest(_) => "guest",
            Self::Command(_) => "command",
        }
    }

    /// Where it connects to, if it does.
    pub const fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Http(http) | Self::Https(http, _) => Some(http.endpoint),
            Self::Tcp(endpoint) | Self::ContainerPilot(endpoint) => Some(*endpoint),
            Self::Cloud | Self::Guest(_) | Self::Command(_) => None,
        }
    }

    /// Whether lists of the cloud answer it, rather than somebody who asks the instance.
    ///
    /// ```
    /// use tsg_core::health::check::CheckSpec;
    /// let [guest, http]: [CheckSpec; 2] = ["guest".parse()?, "http:80".parse()?];
    /// assert!(guest.kind.is_listed() && !http.kind.is_listed());
    /// # Ok::<(), tsg_core::health::invalid::InvalidHealth>(())
    /// ```
    pub const fn is_listed(&self) -> bool {
        matches!(self, Self::Cloud | Self::Guest(_))
    }

    pub(super) fn default_name(&self) -> String {
        let type_name = self.type_name();
        self.endpoint().map_or_else(|| type_name.to_string(), |endpoint| format!("{type_name}-{}", endpoint.port))
    }
}

/// The check in one line: `http:8080/ping`, `tcp:5432`, `cloud`.
impl fmt::Display for CheckSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.kind.type_name())?;
        if let Some(endpoint) = self.kind.endpoint() {
            write!(out, ":{}", endpoint.port)?;
        }
        match &self.kind {
            CheckKind::Http(http) | CheckKind::Https(http, _) => out.write_str(&http.path),
            CheckKind::Command(words) => words.first().map_or(Ok(()), |program| write!(out, ":{program}")),
            _ => Ok(()),
        }
    }
}

/// A check in one line, everything else by default: `http:8080/ping`, `https:443`, `tcp:5432`,
/// `containerpilot:9090`, `cloud`, `guest`.
///
/// ```
/// use tsg_core::health::check::CheckSpec;
///
/// let check: CheckSpec = "http:8080/ping".parse()?;
/// assert_eq!(check.to_string(), "http:8080/ping");
/// let fault = "http:70000/ping".parse::<CheckSpec>().unwrap_err().to_string();
/// assert!(fault.contains("\"70000\" is no port"), "{fault}");
/// # Ok::<(), tsg_core::health::invalid::InvalidHealth>(())
/// ```
impl core::str::FromStr for CheckSpec {
    type Err = InvalidHealth;

    fn from_str(text: &str) -> Result<Self, InvalidHealth> {
        Written::in_short(text)?.try_into()
    }
}
