//! Observe, plan, record, execute, resolve: tsg's engine over its ports.
//!
//! Owns the loop that keeps groups at what their users want. Knows `tsg-core` only: no HTTP, no
//! SQL, no async runtime. All waiting goes through the `Clock` port, all effects through `Store`
//! and `Cloud`, so a simulator runs this very code. Must never decide what a group needs; the
//! planner does.

mod board;
mod budget;
mod config;
mod engine;
mod event;
mod explanation;
mod handle;
mod hints;
mod in_flight;
pub mod intent;
mod ledger;
mod pace;
mod placement;
mod rehearsal;
mod session;
mod todo;

pub use board::{AccountHealth, DiscoveryView, GroupView, MemberView, RequestCounts, Trouble};
pub use config::EngineConfig;
pub use engine::{AccountEngine, EnginePorts};
pub use event::{Event, FailedCheck, Held, Occurrence, Place, Repair, Subject, Witness};
pub use explanation::{Explanation, Topic};
pub use handle::EngineHandle;
pub use placement::{Blocked, Landed, Occupancy, PlacementSource, PlacementView, Survey};
pub use rehearsal::{Choice, Destinations, Preview, Rehearsal};
