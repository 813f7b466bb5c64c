//! The harness can fail: each rule of the protocol that is left out, from outside, is noticed by
//! the same oracle within a bounded number of seeds.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::support::ports::StoreMutant;
use crate::support::scenario::play;
use crate::support::site::Wiring;
use tsg_core::model::id::{InstanceId, PackageId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{
    AccountProfile, CloudError, CreateInstance, ErrorKind, InstancePage, InstanceUpdate, ListPage, Noted,
    PackageProfile, Reach,
};
use tsg_engine::EngineConfig;
use tsg_sim::cloud::SignatureLife;

/// Seeds within which a mutant has to be noticed.
const SEEDS: u64 = 2_000;

/// Plays seeds until one fails; the failure and the seed.
fn first_failure(wiring: &Wiring) -> (u64, String) {
    for seed in 0..SEEDS {
        if let Some(failure) = play(seed, wiring.clone()).failure {
            return (seed, failure);
        }
    }
    panic!("the oracle noticed nothing in {SEEDS} seeds");
}

fn noticed(name: &str, wiring: &Wiring) {
    let (seed, failure) = first_failure(wiring);
    println!("{name}: noticed by seed {seed}: {failure}");
    assert!(failure.starts_with("invariant"), "{failure}");
}

#[test]
fn intent_that_is_not_durable_before_the_request() {
    noticed("no intent before send", &Wiring { store: StoreMutant::LosesUnflushed, ..Wiring::default() });
}

#[test]
fn an_error_read_as_not_created() {
    noticed("error means not created", &Wiring { cloud: |cloud| Arc::new(Optimist(cloud)), ..Wiring::default() });
}

#[test]
fn absence_from_a_list_believed_at_once() {
    let mut config = EngineConfig { ..Wiring::default().config };
    config.timing.quiet = Duration::ZERO;
    config.timing.quiet_gap = Duration::ZERO;
    config.timing.quiet_lookups = 1;
    noticed("absent means not created", &Wiring { config, ..Wiring::default() });
}

#[test]
fn a_paused_sender_that_sends_all_the_same() {
    let mut config = EngineConfig { ..Wiring::default().config };
    config.timing.send_guard = Duration::MAX;
    noticed("no send guard", &Wiring { config, signatures: SignatureLife::Unlimited, ..Wiring::default() });
}

#[test]
fn a_plan_that_is_not_compared_with_the_ledger() {
    noticed("no compare and set", &Wiring { store: StoreMutant::NoLedgerCheck, ..Wiring::default() });
}

/// A cloud client that takes every failed create for one that never arrived.
struct Optimist(Arc<dyn Cloud>);

#[async_trait]
impl Cloud for Optimist {
    async fn list(&self, page: &ListPage) -> Result<InstancePage, CloudError> {
        self.0.list(page).await
    }

    async fn get(&self, instance: InstanceId) -> Result<ObservedInstance, CloudError> {
        self.0.get(instance).await
    }

    async fn create(&self, request: &CreateInstance) -> Result<ObservedInstance, CloudError> {
        self.0.create(request).await.map_err(|error| match error.kind {
            ErrorKind::Unavailable | ErrorKind::Corrupt => CloudError { reach: Reach::NotSent, ..error },
            _ => error,
        })
    }

    async fn delete(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.0.delete(instance).await
    }

    async fn start(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.0.start(instance).await
    }

    async fn stop(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.0.stop(instance).await
    }

    async fn restart(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.0.restart(instance).await
    }

    async fn resize(&self, instance: InstanceId, package: PackageId) -> Result<(), CloudError> {
        self.0.resize(instance, package).await
    }

    async fn update(&self, instance: InstanceId, change: &InstanceUpdate) -> Result<Noted, CloudError> {
        self.0.update(instance, change).await
    }

    async fn package(&self, package: PackageId) -> Result<PackageProfile, CloudError> {
        self.0.package(package).await
    }

    async fn account(&self) -> Result<AccountProfile, CloudError> {
        self.0.account().await
    }
}
