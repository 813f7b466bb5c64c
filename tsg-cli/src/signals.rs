//! The signals by which a long-running command is asked to end.
//!
//! Owns the handlers. It must never end the process itself.

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;
use crate::failure::Failure;

/// Returns when SIGINT or SIGTERM arrives.
pub(crate) async fn asked_to_end() -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::Failed, "cannot wait for signals").because(&error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
