//! The suite that every store must pass.
//!
//! Owns the meaning of [`tsg_core::ports::store`] as rules that can be run. Must never know which
//! store it is given.
//!
//! # Examples
//! ```
//! use std::sync::Arc;
//! use tsg_store::MemoryStore;
//! use tsg_store::conformance::{self, ManualClock, Subject};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), conformance::Violation> {
//! let clock = Arc::new(ManualClock::default());
//! let store = Arc::new(MemoryStore::new(clock.clone()));
//! conformance::compare_and_set(&Subject { store, clock }).await
//! # }
//! ```

mod atomicity;
mod changes;
mod clock;
mod compare;
mod concurrency;
mod isolation;
mod leases;
mod limits;
mod model;
mod paging;
mod subject;

pub use atomicity::all_or_nothing;
pub use changes::change_feed;
pub use clock::ManualClock;
pub use compare::compare_and_set;
pub use concurrency::no_lost_increments;
pub use isolation::accounts_apart;
pub use leases::leases;
pub use limits::refusals;
pub use model::agrees_with_model;
pub use paging::pages;
pub use subject::{Outcome, Subject, Violation};
