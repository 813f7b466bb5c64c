//! A prober and what it says. Owns the waiting, which is for events and has an end.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tsg_core::health::check::{CheckKind, CheckSpec};
use tsg_core::health::fact::Outcome;
use tsg_core::model::id::InstanceId;
use tsg_core::model::span::Span;
use tsg_server::probe::{Assignment, Counts, Finding, Nic, Permission, Prober, ProberConfig, Report, TargetPolicy};
use uuid::Uuid;

/// What does not happen within this time never does.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Rig {
    pub prober: Prober,
    pub reports: mpsc::Receiver<Report>,
}

/// May probe loopback, as for a simulated data centre.
pub fn loopback() -> ProberConfig {
    let policy = TargetPolicy { loopback: Permission::Allowed, ..TargetPolicy::default() };
    ProberConfig { policy, ..ProberConfig::default() }
}

pub fn instance(number: u128) -> InstanceId {
    InstanceId::new(Uuid::from_u128(number))
}

/// A check in JSON, twenty times a second: faster than a user may ask for.
pub fn check(json: &str) -> CheckSpec {
    let mut spec: CheckSpec = serde_json::from_str(json).unwrap();
    (spec.pacing.interval, spec.pacing.unhealthy_interval) = (Span::from_millis(50), Span::from_millis(50));
    spec.pacing.timeout = Span::from_secs(5);
    spec
}

/// `http` on a port.
pub fn http(port: u16) -> CheckSpec {
    check(&format!(r#"{{"type": "http", "port": {port}, "path": "/ping"}}"#))
}

pub fn with_timeout(mut spec: CheckSpec, millis: u64) -> CheckSpec {
    spec.pacing.timeout = Span::from_millis(millis);
    spec
}

pub fn every(mut spec: CheckSpec, millis: u64) -> CheckSpec {
    (spec.pacing.interval, spec.pacing.unhealthy_interval) = (Span::from_millis(millis), Span::from_millis(millis));
    spec
}

pub fn nic(address: IpAddr) -> Nic {
    Nic { address, network: None }
}

pub fn assignment(number: u128, address: SocketAddr, spec: CheckSpec) -> Assignment {
    assert_eq!(spec.kind.endpoint().unwrap().port.get(), address.port());
    let (instance, nics) = (instance(number), vec![nic(address.ip())]);
    Assignment { instance, check: 0, place: 0, nics, spec: Arc::new(spec) }
}

impl Rig {
    pub fn new(config: ProberConfig) -> Self {
        let (prober, reports) = Prober::start(config).unwrap();
        Self { prober, reports }
    }

    pub async fn report(&mut self) -> Report {
        timeout(PATIENCE, self.reports.recv()).await.unwrap().unwrap()
    }

    pub async fn findings(&mut self) -> Vec<Finding> {
        loop {
            if let Report::Findings(findings) = self.report().await {
                return findings;
            }
        }
    }

    /// Looks at findings until `is_enough` of all that were seen so far.
    pub async fn until(
        &mut self,
        is_enough: impl Fn(&BTreeMap<InstanceId, Vec<Outcome>>) -> bool,
    ) -> BTreeMap<InstanceId, Vec<Outcome>> {
        let mut seen: BTreeMap<InstanceId, Vec<Outcome>> = BTreeMap::new();
        while !is_enough(&seen) {
            for finding in self.findings().await {
                seen.entry(finding.instance).or_default().push(finding.fact.outcome);
            }
        }
        seen
    }

    /// Waits until what the prober counts is as wanted; what it finds meanwhile is not looked at.
    pub async fn counts_once(&mut self, is_wanted: impl Fn(&Counts) -> bool) {
        let counting = async {
            while !is_wanted(&self.prober.counts()) {
                while self.reports.try_recv().is_ok() {}
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, counting).await.unwrap();
    }

    /// The next `count` findings of one instance.
    pub async fn outcomes(&mut self, number: u128, count: usize) -> Vec<Outcome> {
        let of = instance(number);
        let mut seen = self.until(|seen| seen.get(&of).is_some_and(|outcomes| outcomes.len() >= count)).await;
        seen.remove(&of).unwrap()
    }
}

/// What one probe of one target finds.
pub async fn probed_once(address: SocketAddr, spec: CheckSpec) -> Outcome {
    assert!(!matches!(spec.kind, CheckKind::Cloud));
    let mut rig = Rig::new(loopback());
    rig.prober.replace(vec![assignment(1, address, spec)]).await;
    let outcome = rig.outcomes(1, 1).await.remove(0);
    rig.prober.shutdown().await;
    outcome
}
