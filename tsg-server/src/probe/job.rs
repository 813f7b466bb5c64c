//! One probe as the loop sees it: what it needs, what came of it, and how it is cut off.
//!
//! Owns when it began, on both clocks. Must never let one that was cut off say anything of its target.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::future::{AbortHandle, AbortRegistration, Abortable};
use tokio::time::Instant;
use tsg_core::model::time::Timestamp;

use super::attempt::{Attempted, attempt};
use super::connection::Connection;
use super::lanes::Lane;
use super::plan::Plan;

/// What a probe needs.
pub struct Job {
    /// The target's.
    pub place: u32,
    /// Since when it is due.
    pub due: Instant,
    /// By what it drew its slot.
    pub lane: Lane,
    /// What to do.
    pub plan: Arc<Plan>,
    /// A connection of the probe before.
    pub kept: Option<Connection>,
    /// How it is cut off.
    pub cut: AbortRegistration,
}

/// A probe that has its slot.
pub struct Running {
    /// The target's place.
    pub place: u32,
    /// Cuts it off.
    pub handle: AbortHandle,
}

/// What came of it.
pub struct Done {
    /// The target's.
    pub place: u32,
    /// By what it drew its slot.
    pub lane: Lane,
    /// Since when it was due.
    pub due: Instant,
    /// When it began.
    pub began: Instant,
    /// The same by the clock of the wall.
    pub at: Timestamp,
    /// `None`: it was cut off.
    pub attempted: Option<Attempted>,
}

/// Probes.
pub async fn run(Job { place, due, lane, plan, kept, cut }: Job) -> Done {
    let (began, at) = (Instant::now(), wall_clock());
    let attempted = Abortable::new(attempt(plan, kept, began), cut).await.ok();
    Done { place, lane, due, began, at, attempted }
}

/// What the clock of the wall says.
pub fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
