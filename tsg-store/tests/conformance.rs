//! Both stores keep every rule of the suite. Owns the list of stores; must never skip a rule for
//! one of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking, also in its fixtures")]

use std::sync::Arc;

use tempfile::TempDir;
use tsg_store::conformance::{self, ManualClock, Subject};
use tsg_store::{MemoryStore, SqliteStore};

async fn memory() -> (Subject, ()) {
    let clock = Arc::new(ManualClock::default());
    (Subject { store: Arc::new(MemoryStore::new(clock.clone())), clock }, ())
}

/// The directory goes away after the store.
async fn sqlite() -> (Subject, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = SqliteStore::open(directory.path().join("tsg.db"), clock.clone()).await.unwrap();
    (Subject { store: Arc::new(store), clock }, directory)
}

macro_rules! every_store {
    ($($rule:ident),* $(,)?) => {
        every_store!(@of memory $($rule)*);
        every_store!(@of sqlite $($rule)*);
    };
    (@of $store:ident $($rule:ident)*) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $rule() {
                    let (subject, _place) = super::$store().await;
                    if let Err(violation) = super::conformance::$rule(&subject).await {
                        panic!("{violation:?}");
                    }
                }
            )*
        }
    };
}

every_store!(compare_and_set, all_or_nothing, accounts_apart, pages, change_feed, leases, refusals, no_lost_increments,);

/// Enough seeds and steps that every pair of commands meets on every key many times.
#[tokio::test(flavor = "multi_thread")]
async fn memory_agrees_with_the_model() {
    for seed in 0..200 {
        let (subject, ()) = memory().await;
        conformance::agrees_with_model(&subject, seed, 200)
            .await
            .unwrap_or_else(|found| panic!("seed {seed}: {found}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_agrees_with_the_model() {
    for seed in 0..6 {
        let (subject, _directory) = sqlite().await;
        conformance::agrees_with_model(&subject, seed, 150)
            .await
            .unwrap_or_else(|found| panic!("seed {seed}: {found}"));
    }
}
