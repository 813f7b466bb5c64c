//! One account's engine as a supervised task: started again, after a growing pause, when it ends
//! without having been told to.
//!
//! Must never run two engines of one account at once in this process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tsg_core::model::id::{AccountId, DeploymentId};
use tsg_core::ports::Health;
use tsg_engine::{AccountEngine, EngineConfig, EngineHandle, EnginePorts, Witness};

use super::feed::Feed;

/// First pause before an engine that ended by itself is started again.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// An engine that worked this long has recovered: its next pause is the first again.
const RECOVERED_AFTER: Duration = Duration::from_secs(5 * 60);
/// How long an engine may take to end when told to.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Everything an engine is made from.
#[derive(Clone)]
pub struct EngineParts {
    /// Whose it is.
    pub account: AccountId,
    /// Which installation.
    pub deployment: DeploymentId,
    /// The world.
    pub ports: EnginePorts,
    /// Pace and waits.
    pub config: EngineConfig,
    /// Who knows how its instances are.
    pub health: Arc<dyn Health>,
    /// Who is told what happens.
    pub witness: Arc<dyn Witness>,
    /// Who tells it of changes, if anybody does.
    pub feed: Option<Arc<Feed>>,
}

/// A running engine that survives its own failures.
pub struct EngineSeat {
    state: Arc<Mutex<State>>,
    // Held while the task ends, so that whoever else stops it waits as well.
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

struct State {
    handle: EngineHandle,
    is_stopped: bool,
}

impl EngineSeat {
    /// Starts an engine.
    pub fn start(parts: EngineParts) -> Self {
        let (engine, handle) = make(&parts);
        let state = Arc::new(Mutex::new(State { handle, is_stopped: false }));
        let task = tokio::spawn(supervise(parts, engine, state.clone()));
        Self { state, task: tokio::sync::Mutex::new(Some(task)) }
    }

    /// The handle on the engine that runs now.
    pub fn handle(&self) -> EngineHandle {
        lock(&self.state).handle.clone()
    }

    /// Asks the engine to end, and waits for it: whoever returns from here knows that it is gone,
    /// even if an earlier call was given up half-way.
    pub async fn stop(&self) {
        {
            let mut state = lock(&self.state);
            state.is_stopped = true;
            state.handle.stop();
        }
        let mut seated = self.task.lock().await;
        let Some(task) = seated.as_mut() else { return };
        if tokio::time::timeout(STOP_LIMIT, &mut *task).await.is_err() {
            tracing::warn!("an engine did not end within {STOP_LIMIT:?} and is dropped; its ledger has everything");
            task.abort();
            // Only once it is really gone may another engine of the account be started.
            let _ = task.await;
        }
        *seated = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make(parts: &EngineParts) -> (AccountEngine, EngineHandle) {
    let (ports, config) = (parts.ports.clone(), parts.config.clone());
    let (engine, handle) = AccountEngine::new(parts.account, parts.deployment, ports, config);
    (engine.with_health(parts.health.clone()).with_witness(parts.witness.clone()), handle)
}

async fn supervise(parts: EngineParts, first: AccountEngine, state: Arc<Mutex<State>>) {
    // It ends with the account's engine, however that ends.
    let _listening = parts.feed.clone().map(|feed| {
        let state = state.clone();
        AbortOnDrop(tokio::spawn(async move { feed.listen(|| lock(&state).handle.clone()).await }))
    });
    let mut engine = first;
    let mut pause = PAUSE_FIRST;
    loop {
        let began = parts.ports.clock.monotonic();
        // Its own task, so that a panic in it is an answer here and not the end of the server.
        let mut guard = AbortOnDrop(tokio::spawn(engine.run()));
        let ended = (&mut guard.0).await;
        if lock(&state).is_stopped {
            return;
        }
        if parts.ports.clock.monotonic().saturating_sub(began) >= RECOVERED_AFTER {
            pause = PAUSE_FIRST;
        }
        tracing::error!(account = %parts.account, is_panic = ended.is_err(), ?pause, "an engine ended by itself");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
        let (next, handle) = make(&parts);
        let mut state = lock(&state);
        if state.is_stopped {
            return;
        }
        state.handle = handle;
        engine = next;
    }
}

/// Ends a task when the supervisor is dropped: it must not outlive its seat.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use futures_util::FutureExt;
    use tsg_core::model::id::{InstanceId, PackageId};
    use tsg_core::model::instance::ObservedInstance;
    use tsg_core::ports::cloud::{
        AccountProfile, CloudCode, CloudError, CreateInstance, ErrorKind, InstancePage, InstanceUpdate, ListPage,
        Noted, PackageProfile, Reach,
    };
    use tsg_core::ports::{Clock as _, Cloud, Store};
    use tsg_store::MemoryStore;
    use uuid::Uuid;

    use super::*;
    use crate::events::Chronicle;
    use crate::health::Watch;
    use crate::host::{OsEntropy, SystemClock};

    /// Panics at the first request and refuses all others.
    #[derive(Default)]
    struct PanickingCloud {
        asked: AtomicUsize,
    }

    impl PanickingCloud {
        fn ask<T>(&self) -> Result<T, CloudError> {
            assert!(self.asked.fetch_add(1, Ordering::SeqCst) > 0, "planted");
            Err(CloudError {
                kind: ErrorKind::Unavailable,
                code: CloudCode::Other,
                reach: Reach::NotSent,
                status: None,
                message: "planted".to_owned(),
                request_id: None,
                retry_after: None,
            })
        }
    }

    #[async_trait]
    impl Cloud for PanickingCloud {
        async fn list(&self, _: &ListPage) -> Result<InstancePage, CloudError> {
            self.ask()
        }
        async fn get(&self, _: InstanceId) -> Result<ObservedInstance, CloudError> {
            self.ask()
        }
        async fn create(&self, _: &CreateInstance) -> Result<ObservedInstance, CloudError> {
            self.ask()
        }
        async fn delete(&self, _: InstanceId) -> Result<(), CloudError> {
            self.ask()
        }
        async fn start(&self, _: InstanceId) -> Result<(), CloudError> {
            self.ask()
        }
        async fn stop(&self, _: InstanceId) -> Result<(), CloudError> {
            self.ask()
        }
        async fn restart(&self, _: InstanceId) -> Result<(), CloudError> {
            self.ask()
        }
        async fn resize(&self, _: InstanceId, _: PackageId) -> Result<(), CloudError> {
            self.ask()
        }
        async fn update(&self, _: InstanceId, _: &InstanceUpdate) -> Result<Noted, CloudError> {
            self.ask()
        }
        async fn package(&self, _: PackageId) -> Result<PackageProfile, CloudError> {
            self.ask()
        }
        async fn account(&self) -> Result<AccountProfile, CloudError> {
            self.ask()
        }
    }

    fn seated(cloud: &Arc<PanickingCloud>) -> EngineSeat {
        let clock = Arc::new(SystemClock);
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let health = Arc::new(Watch::new(clock.clone()));
        EngineSeat::start(EngineParts {
            account: AccountId::from_directory(Uuid::from_u128(1)),
            deployment: DeploymentId::from_bits(1),
            ports: EnginePorts { store, cloud: cloud.clone(), clock, entropy: Arc::new(OsEntropy) },
            config: EngineConfig { list_interval_min: Duration::from_millis(10), ..EngineConfig::default() },
            health,
            witness: Arc::new(Chronicle::new(SystemClock.now())),
            feed: None,
        })
    }

    #[tokio::test]
    async fn an_engine_that_panics_is_started_again_and_one_that_is_stopped_is_not() {
        let cloud = Arc::new(PanickingCloud::default());
        let seat = seated(&cloud);
        let is_back = async {
            while cloud.asked.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), is_back).await.unwrap();
        seat.stop().await;
        assert!(seat.handle().is_stopped());
        let asked = cloud.asked.load(Ordering::SeqCst);
        tokio::task::yield_now().await;
        assert_eq!(cloud.asked.load(Ordering::SeqCst), asked);
    }

    #[tokio::test]
    async fn a_stop_that_was_given_up_does_not_make_the_next_one_return_early() {
        let cloud = Arc::new(PanickingCloud::default());
        let seat = seated(&cloud);
        // Polled once: it has told the engine to end and waits.
        assert!(seat.stop().now_or_never().is_none());
        seat.stop().await;
        assert_eq!(Arc::strong_count(&cloud), 1, "no engine holds the cloud any more");
    }
}
