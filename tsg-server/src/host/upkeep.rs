//! What the server does by itself from time to time.
//!
//! Must never keep the server's parts alive: it looks whether they are still there.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::app::Application;
use crate::v2::idempotency;

/// How often.
const EVERY: Duration = Duration::from_secs(3600);

/// Forgets what is too old to be asked for, until the server is gone.
pub(super) async fn upkeep(app: Weak<Application>) {
    while let Some(app) = app.upgrade() {
        once(&app).await;
        drop(app);
        tokio::time::sleep(EVERY).await;
    }
}

async fn once(app: &Arc<Application>) {
    if let Err(error) = idempotency::forget_old(app.store.as_ref(), app.now()).await {
        tracing::warn!(%error, "old idempotency keys could not be forgotten; they are tried again in an hour");
    }
}
