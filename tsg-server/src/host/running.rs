//! A server that runs. Owns its end.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tsg_core::model::id::DeploymentId;

use super::reconcile::{self, Reconciled};
use crate::app::App;

/// A server that takes requests and keeps its groups.
pub struct RunningServer {
    app: App,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl RunningServer {
    pub(super) fn new(app: App, address: SocketAddr, stop: watch::Sender<bool>, serving: JoinHandle<()>) -> Self {
        Self { app, address, stop, serving }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Which installation it is: part of every instance's tags.
    pub fn deployment(&self) -> DeploymentId {
        self.app.deployment
    }

    /// Returns when the server has ended by itself, which it does not do unless something is
    /// very wrong.
    pub async fn stopped(&mut self) {
        // Either way it is over: a panic of the accept loop is as final as its end.
        let _ = (&mut self.serving).await;
    }

    /// Waits until no group has anything left to do, or until `limit` has passed.
    pub async fn reconcile(&self, limit: Duration) -> Reconciled {
        reconcile::until_settled(&self.app, limit).await
    }

    /// Takes no more requests, lets those under way end, then ends the engines.
    pub async fn shutdown(self) {
        let _ = self.stop.send(true);
        if !self.serving.is_finished() {
            let _ = self.serving.await;
        }
        for enrolled in self.app.accounts.all() {
            enrolled.engine.stop().await;
        }
        tracing::info!("stopped");
    }
}
