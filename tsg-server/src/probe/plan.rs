//! What one target is asked, worked out once.
//!
//! Owns the bytes of the request. Must never be made anew for a probe, and never hold a name that
//! would have to be resolved.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tsg_core::health::check::{CheckKind, CheckSpec, Endpoint, HttpCheck, Method};
use tsg_core::health::fact::{Failure, Obstruction, Outcome};
use tsg_core::health::status::StatusRange;

use super::containerpilot;
use super::target::{Nic, TargetPolicy};
use super::tls::{Trust, TrustStore};

/// One target, ready to be probed.
pub struct Plan {
    /// Where it is.
    pub address: SocketAddr,
    /// The longest that a probe may take.
    pub timeout: Duration,
    /// What to do once connected.
    pub question: Question,
}

/// What to do once connected.
pub enum Question {
    /// Nothing: being connected is the answer.
    Connect,
    /// One HTTP request.
    Ask {
        /// Whom to trust, for one over TLS.
        trust: Option<Box<Trust>>,
        /// The request as it is sent.
        request: Box<[u8]>,
        /// Whether it is answered without a body.
        method: Method,
        /// Which statuses are fine.
        expect: Box<[StatusRange]>,
        /// What counts beside the status.
        reads: Reads,
    },
}

/// What counts of an answer beside its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Nothing.
    Nothing,
    /// How ContainerPilot's services are.
    Services,
}

impl Question {
    /// Whether the body of an answer counts that has a good status.
    pub const fn reads_body(&self) -> bool {
        matches!(self, Self::Ask { reads: Reads::Services, .. })
    }

    /// What an answer with this status and as much of a body says.
    pub fn judge(&self, status: u16, body: &[u8]) -> Outcome {
        match self.judge_status(status) {
            Outcome::Passed if self.reads_body() => containerpilot::judge(body),
            outcome => outcome,
        }
    }

    /// What an answer with this status says, whatever follows.
    pub fn judge_status(&self, status: u16) -> Outcome {
        match self {
            Self::Ask { expect, .. } if expect.iter().any(|range| range.contains(status)) => Outcome::Passed,
            Self::Ask { .. } if status == 429 => Outcome::Degraded,
            _ => Outcome::Failed(Failure::Status(status)),
        }
    }
}

impl Plan {
    /// Works out what to ask an instance that has these NICs. Otherwise what every probe of it
    /// finds.
    pub fn of(spec: &CheckSpec, nics: &[Nic], policy: &TargetPolicy, store: &TrustStore) -> Result<Self, Outcome> {
        let endpoint = spec.kind.endpoint().ok_or(Outcome::Unjudged(Obstruction::Unsupported))?;
        let address = policy.choose(nics, endpoint)?;
        let question = match &spec.kind {
            CheckKind::Http(http) => ask(http, None, address, Reads::Nothing)?,
            CheckKind::Https(http, tls) => ask(http, Some(store.trust(tls, address.ip())?), address, Reads::Nothing)?,
            CheckKind::ContainerPilot(endpoint) => ask(&telemetry(*endpoint), None, address, Reads::Services)?,
            _ => Question::Connect,
        };
        Ok(Self { address, timeout: spec.pacing.timeout.as_duration(), question })
    }
}

fn ask(http: &HttpCheck, trust: Option<Trust>, address: SocketAddr, reads: Reads) -> Result<Question, Outcome> {
    Ok(Question::Ask {
        trust: trust.map(Box::new),
        request: request(http, address)?,
        method: http.method,
        expect: http.expect.clone().into_boxed_slice(),
        reads,
    })
}

/// ContainerPilot serves its status beside its metrics.
fn telemetry(endpoint: Endpoint) -> HttpCheck {
    HttpCheck {
        endpoint,
        method: Method::Get,
        path: "/status".to_owned(),
        headers: BTreeMap::new(),
        expect: vec![StatusRange::SUCCESS],
    }
}

fn request(http: &HttpCheck, address: SocketAddr) -> Result<Box<[u8]>, Outcome> {
    // The forms were checked when the check was written. One that slipped through must not become
    // a second request.
    let has_line_end = |text: &String| text.bytes().any(|byte| matches!(byte, b'\r' | b'\n'));
    if has_line_end(&http.path) || http.headers.iter().any(|(name, value)| has_line_end(name) || has_line_end(value)) {
        return Err(Outcome::Unjudged(Obstruction::Unsupported));
    }
    let host = address.to_string();
    let standard = [("Host", host.as_str()), ("User-Agent", "tsg-prober"), ("Accept", "*/*")];
    let is_given = |name: &str| http.headers.keys().any(|given| given.eq_ignore_ascii_case(name));
    let given = http.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut text = format!("{} {} HTTP/1.1\r\n", http.method.as_str(), http.path);
    for (name, value) in standard.into_iter().filter(|(name, _)| !is_given(name)).chain(given) {
        for part in [name, ": ", value, "\r\n"] {
            text.push_str(part);
        }
    }
    text.push_str("\r\n");
    Ok(text.into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::target::Permission;

    fn plan(check: &str) -> Result<Plan, Outcome> {
        let nics = [Nic { address: "10.0.0.5".parse().unwrap(), network: None }];
        Plan::of(&serde_json::from_str(check).unwrap(), &nics, &TargetPolicy::default(), &TrustStore::default())
    }

    fn asked(plan: &Plan) -> String {
        match &plan.question {
            Question::Ask { request, .. } => String::from_utf8(request.to_vec()).unwrap(),
            Question::Connect => String::new(),
        }
    }

    #[test]
    fn a_request_has_what_http_needs_unless_the_check_says_otherwise() {
        let plain = plan(r#"{"type": "http", "port": 8080, "path": "/ping?a=b"}"#).unwrap();
        let expected = "GET /ping?a=b HTTP/1.1\r\nHost: 10.0.0.5:8080\r\nUser-Agent: tsg-prober\r\nAccept: */*\r\n\r\n";
        assert_eq!((asked(&plain).as_str(), plain.address), (expected, "10.0.0.5:8080".parse().unwrap()));
        let named = r#"{"type": "http", "port": 80, "method": "HEAD", "headers": {"host": "a.example", "X-A": "b"}}"#;
        let expected = "HEAD / HTTP/1.1\r\nUser-Agent: tsg-prober\r\nAccept: */*\r\nX-A: b\r\nhost: a.example\r\n\r\n";
        assert_eq!(asked(&plan(named).unwrap()), expected);
        assert!(
            asked(&plan(r#"{"type": "containerpilot", "port": 9090}"#).unwrap()).starts_with("GET /status HTTP/1.1")
        );
        assert_eq!(asked(&plan(r#"{"type": "tcp", "port": 22}"#).unwrap()), "");
    }

    #[test]
    fn what_no_prober_does_is_said_to_be_that() {
        for kind in [r#"{"type": "cloud"}"#, r#"{"type": "guest"}"#] {
            assert_eq!(plan(kind).err(), Some(Outcome::Unjudged(Obstruction::Unsupported)), "{kind}");
        }
        let mut spec: CheckSpec = serde_json::from_str(r#"{"type": "http", "port": 80}"#).unwrap();
        if let CheckKind::Http(http) = &mut spec.kind {
            http.headers.insert("A".to_owned(), "b\r\n\r\nDELETE / HTTP/1.1".to_owned());
        }
        let nics = [Nic { address: "10.0.0.5".parse().unwrap(), network: None }];
        let made = Plan::of(&spec, &nics, &TargetPolicy::default(), &TrustStore::default());
        assert_eq!(made.err(), Some(Outcome::Unjudged(Obstruction::Unsupported)));
        let closed = TargetPolicy { private: Permission::Refused, ..TargetPolicy::default() };
        let made = Plan::of(&spec, &nics, &closed, &TrustStore::default());
        assert_eq!(made.err(), Some(Outcome::Unjudged(Obstruction::Forbidden)));
    }

    #[test]
    fn a_status_is_fine_busy_or_bad() {
        let usual = plan(r#"{"type": "http", "port": 80}"#).unwrap().question;
        assert_eq!(usual.judge_status(204), Outcome::Passed);
        assert_eq!(usual.judge_status(302), Outcome::Failed(Failure::Status(302)));
        assert_eq!(usual.judge_status(429), Outcome::Degraded);
        let odd = plan(r#"{"type": "http", "port": 80, "expect": ["404", "429"]}"#).unwrap().question;
        assert_eq!((odd.judge_status(429), odd.judge_status(404)), (Outcome::Passed, Outcome::Passed));
        assert_eq!(odd.judge_status(200), Outcome::Failed(Failure::Status(200)));
    }
}
