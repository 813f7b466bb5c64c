//! A check as it is written: one flat block in which most may be left out.
//!
//! Owns the form, the defaults and every rule that a check has to keep. Must never be kept: what
//! is worked with is a [`CheckSpec`].

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::check::{CheckKind, CheckSpec, Endpoint, GuestCheck, HttpCheck, Method, Pacing, Purpose, TlsCheck};
use super::invalid::{InvalidHealth, shortened};
use super::status::StatusRange;
use crate::model::id::NetworkId;
use crate::model::span::Span;

/// The port of ContainerPilot's telemetry, as RFD 36 has it.
const CONTAINERPILOT_PORT: u32 = 9090;
/// Longest path of a check: more than any server takes.
const PATH_MAX: usize = 2048;
/// Headers of a check at most.
const HEADERS_MAX: usize = 16;
/// Longest header value.
const HEADER_MAX: usize = 1024;
/// Longest certificates: some thirty of them.
const CA_MAX: usize = 64 * 1024;
/// Headers that the prober sets itself, since the exchange rests on them.
const OWN_HEADERS: [&str; 7] =
    ["connection", "content-length", "transfer-encoding", "expect", "upgrade", "te", "keep-alive"];

/// A check as it is written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    port: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<NetworkId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<Method>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expect: Option<Vec<StatusRange>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls: Option<TlsCheck>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heartbeat: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    purpose: Option<Purpose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    healthy_after: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unhealthy_interval: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_window: Option<Span>,
}

impl Written {
    /// Reads the short form.
    pub(super) fn in_short(text: &str) -> Result<Self, InvalidHealth> {
        let (head, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        let (kind, port) = head.split_once(':').unwrap_or((head, ""));
        let port = if port.is_empty() { None } else { Some(port_number(port)?) };
        let path = (!path.is_empty()).then(|| path.to_owned());
        Ok(Self { kind: kind.to_owned(), port, path, ..Self::default() })
    }

    fn kind(&mut self) -> Result<CheckKind, InvalidHealth> {
        Ok(match self.kind.as_str() {
            "http" => CheckKind::Http(self.http("http", 80)?),
            "https" => {
                let http = self.http("https", 443)?;
                let tls = self.tls.take().unwrap_or_default();
                check_tls(&tls)?;
                CheckKind::Https(http, tls)
            }
            "tcp" => CheckKind::Tcp(self.endpoint(None, "tcp")?),
            "containerpilot" => CheckKind::ContainerPilot(self.endpoint(Some(CONTAINERPILOT_PORT), "containerpilot")?),
            "cloud" => CheckKind::Cloud,
            "guest" => CheckKind::Guest(GuestCheck { heartbeat: self.heartbeat()? }),
            "command" => CheckKind::Command(self.command()?),
            _ => return Err(InvalidHealth::Type { given: shortened(&self.kind) }),
        })
    }

    fn endpoint(&mut self, default: Option<u32>, kind: &'static str) -> Result<Endpoint, InvalidHealth> {
        let port = self.port.take().or(default).ok_or(InvalidHealth::NoPort { kind })?;
        let number = u16::try_from(port).ok().and_then(NonZeroU16::new);
        let port = number.ok_or_else(|| InvalidHealth::Port { given: port.to_string() })?;
        Ok(Endpoint { port, network: self.network.take() })
    }

    fn http(&mut self, kind: &'static str, port: u32) -> Result<HttpCheck, InvalidHealth> {
        let endpoint = self.endpoint(Some(port), kind)?;
        let path = self.path.take().unwrap_or_else(|| "/".to_owned());
        if path.starts_with("//") {
            return Err(InvalidHealth::Host);
        }
        let is_sendable = path.starts_with('/') && path.len() <= PATH_MAX && path.bytes().all(|b| b.is_ascii_graphic());
        if !is_sendable || path.contains('#') {
            return Err(InvalidHealth::Path { given: shortened(&path) });
        }
        let headers = self.headers.take().unwrap_or_default();
        check_headers(&headers)?;
        let expect = self.expect.take().unwrap_or_else(|| vec![StatusRange::SUCCESS]);
        if expect.is_empty() {
            return Err(InvalidHealth::NothingExpected);
        }
        Ok(HttpCheck { endpoint, method: self.method.take().unwrap_or_default(), path, headers, expect })
    }

    /// Lists come each minute at least, and what a guest writes takes its time to get there.
    fn heartbeat(&mut self) -> Result<Option<Span>, InvalidHealth> {
        let within = |given| within("heartbeat", given, Span::from_mins(1), Span::from_hours(24));
        self.heartbeat.take().map(within).transpose()
    }

    fn command(&mut self) -> Result<Vec<String>, InvalidHealth> {
        let words = self.command.take().unwrap_or_default();
        let length: usize = words.iter().map(String::len).sum();
        let is_program = words.first().is_some_and(|program| !program.is_empty());
        let is_clean = words.iter().all(|word| !word.contains('\0'));
        if is_program && is_clean && words.len() <= 64 && length <= 4096 {
            Ok(words)
        } else {
            Err(InvalidHealth::Command)
        }
    }

    fn pacing(&self, purpose: Purpose) -> Result<Pacing, InvalidHealth> {
        let usual = if purpose == Purpose::Live { Span::from_secs(30) } else { Span::from_secs(10) };
        let (least, most) = (Span::from_secs(1), Span::from_hours(1));
        let interval = within("interval", self.interval.unwrap_or(usual), least, most)?;
        let unhealthy_interval =
            within("unhealthy_interval", self.unhealthy_interval.unwrap_or(interval), least, most)?;
        let shortest = interval.min(unhealthy_interval);
        let timeout = self.timeout.unwrap_or(Span::from_secs(5).min(shortest));
        let timeout = within("timeout", timeout, Span::from_millis(10), most)?;
        for (field, interval) in [("interval", interval), ("unhealthy_interval", unhealthy_interval)] {
            if timeout > interval {
                return Err(InvalidHealth::SlowerThanInterval { timeout, field, interval });
            }
        }
        let start_window = self.start_window.unwrap_or(Span::from_mins(2));
        Ok(Pacing {
            interval,
            timeout,
            retries: counted("retries", self.retries.unwrap_or(3))?,
            healthy_after: counted("healthy_after", self.healthy_after.unwrap_or(2))?,
            unhealthy_interval,
            start_window: within("start_window", start_window, Span::ZERO, Span::from_hours(24))?,
        })
    }

    /// A field that was not asked for by the check's type.
    fn left_over(&self) -> Option<&'static str> {
        let fields = [
            ("port", self.port.is_some()),
            ("network", self.network.is_some()),
            ("method", self.method.is_some()),
            ("path", self.path.is_some()),
            ("headers", self.headers.is_some()),
            ("expect", self.expect.is_some()),
            ("tls", self.tls.is_some()),
            ("command", self.command.is_some()),
            ("heartbeat", self.heartbeat.is_some()),
        ];
        fields.into_iter().find_map(|(field, is_there)| is_there.then_some(field))
    }
}

impl TryFrom<Written> for CheckSpec {
    type Error = InvalidHealth;

    fn try_from(mut written: Written) -> Result<Self, InvalidHealth> {
        let kind = written.kind()?;
        if let Some(field) = written.left_over() {
            return Err(InvalidHealth::NotOfType { kind: kind.type_name(), field });
        }
        let purpose = written.purpose.unwrap_or_default();
        let pacing = written.pacing(purpose)?;
        let name = written.name.unwrap_or_else(|| kind.default_name());
        let is_name = (1..=63).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_name {
            return Err(InvalidHealth::Name { given: shortened(&name) });
        }
        Ok(Self { name, kind, purpose, pacing })
    }
}

impl From<CheckSpec> for Written {
    fn from(check: CheckSpec) -> Self {
        let CheckSpec { name, kind, purpose, pacing } = check;
        let endpoint = kind.endpoint();
        let mut written = Self {
            kind: kind.type_name().to_owned(),
            name: Some(name),
            port: endpoint.map(|endpoint| endpoint.port.get().into()),
            network: endpoint.and_then(|endpoint| endpoint.network),
            purpose: Some(purpose),
            interval: Some(pacing.interval),
            timeout: Some(pacing.timeout),
            retries: Some(pacing.retries),
            healthy_after: Some(pacing.healthy_after),
            unhealthy_interval: Some(pacing.unhealthy_interval),
            start_window: Some(pacing.start_window),
            ..Self::default()
        };
        match kind {
            CheckKind::Http(http) => written.take_http(http),
            CheckKind::Https(http, tls) => {
                written.take_http(http);
                written.tls = (tls != TlsCheck::default()).then_some(tls);
            }
            CheckKind::Command(words) => written.command = Some(words),
            CheckKind::Guest(guest) => written.heartbeat = guest.heartbeat,
            CheckKind::Tcp(_) | CheckKind::ContainerPilot(_) | CheckKind::Cloud => {}
        }
        written
    }
}

impl Written {
    fn take_http(&mut self, http: HttpCheck) {
        (self.method, self.path, self.expect) = (Some(http.method), Some(http.path), Some(http.expect));
        self.headers = (!http.headers.is_empty()).then_some(http.headers);
    }
}

fn port_number(text: &str) -> Result<u32, InvalidHealth> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok());
    digits.flatten().ok_or_else(|| InvalidHealth::Port { given: shortened(text) })
}

fn within(field: &'static str, given: Span, least: Span, most: Span) -> Result<Span, InvalidHealth> {
    if (least..=most).contains(&given) { Ok(given) } else { Err(InvalidHealth::Span { field, given, least, most }) }
}

fn counted(field: &'static str, given: u32) -> Result<u32, InvalidHealth> {
    let (least, most) = (1, 100);
    if (least..=most).contains(&given) { Ok(given) } else { Err(InvalidHealth::Number { field, given, least, most }) }
}

fn check_headers(headers: &BTreeMap<String, String>) -> Result<(), InvalidHealth> {
    for (place, (name, value)) in headers.iter().enumerate() {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let is_printed = |byte: u8| byte.is_ascii_graphic() || byte == b' ' || byte == b'\t';
        let reason = if place >= HEADERS_MAX {
            "a check has at most 16 headers"
        } else if name.is_empty() || name.len() > 128 || !name.bytes().all(is_token) {
            "its name is not one that HTTP allows"
        } else if OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            "the exchange itself rests on it, so tsg sets it"
        } else if value.len() > HEADER_MAX || !value.bytes().all(is_printed) {
            "its value has control characters or letters outside of ASCII, or more than 1024 of them"
        } else {
            continue;
        };
        return Err(InvalidHealth::Header { name: shortened(name), reason });
    }
    Ok(())
}

fn check_tls(tls: &TlsCheck) -> Result<(), InvalidHealth> {
    if let Some(name) = &tls.name {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(InvalidHealth::TlsName { given: shortened(name) });
        }
    }
    match &tls.ca {
        Some(ca) if ca.len() > CA_MAX || !ca.contains("-----BEGIN CERTIFICATE-----") => Err(InvalidHealth::Ca),
        _ => Ok(()),
    }
}
