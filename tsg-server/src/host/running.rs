//! A server that runs. Owns its end.

use std::net::SocketAddr;
use std::time::Duration;

use tsg_core::model::id::DeploymentId;

use super::kept::Kept;
use super::reconcile::{self, Reconciled};
use super::start::Serving;

/// A server that takes requests and keeps its groups.
pub struct RunningServer {
    serving: Serving,
    kept: Kept,
}

impl RunningServer {
    pub(super) fn new(serving: Serving, kept: Kept) -> Self {
        Self { serving, kept }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.serving.address
    }

    /// Where it tells metrics, if it does.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.serving.metrics.as_ref().map(|metrics| metrics.address)
    }

    /// Which installation it is: part of every instance's tags.
    pub fn deployment(&self) -> DeploymentId {
        self.serving.app.deployment
    }

    /// Returns, with the reason, when the server cannot go on: its store has stopped writing, or
    /// its accept loop has ended. It should be shut down then, and the process ended.
    pub async fn stopped(&mut self) -> String {
        tokio::select! {
            reason = self.kept.stopped() => reason,
            _ended = &mut self.serving.task => "the accept loop has ended".to_owned(),
        }
    }

    /// Waits until no group has anything left to do, or until `limit` has passed.
    pub async fn reconcile(&self, limit: Duration) -> Reconciled {
        reconcile::until_settled(&self.serving.app, limit).await
    }

    /// Takes no more requests, lets those under way end, ends the engines and closes the store.
    pub async fn shutdown(self) {
        let Serving { app, metrics, stop, task, upkeep, station, .. } = self.serving;
        upkeep.abort();
        station.abort();
        // Nobody listens any more when the accept loop has ended by itself.
        let _ = stop.send(true);
        if !task.is_finished() {
            let _ = task.await;
        }
        if let Some(metrics) = metrics {
            let _ = metrics.task.await;
        }
        // An enrolment goes on when its request is given up; it must not start an engine after this.
        app.enrolments.close().await;
        for enrolled in app.accounts.all() {
            enrolled.engine.stop().await;
        }
        // Aborted above; whatever it was doing, it holds the store no longer once it is joined.
        let _ = upkeep.await;
        let _ = station.await;
        drop(app);
        self.kept.close().await;
        tracing::info!("stopped");
    }
}
