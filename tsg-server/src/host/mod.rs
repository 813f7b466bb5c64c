//! The process around the engines: clock, randomness, one supervised task for each account,
//! start and end of the whole.
//!
//! Must never decide anything about a group.

pub mod clock;
pub mod enlist;
pub mod feed;
mod kept;
pub mod reconcile;
pub mod running;
pub mod seat;
pub mod start;
mod upkeep;

pub use clock::{OsEntropy, SystemClock};
pub use reconcile::Reconciled;
pub use running::RunningServer;
pub use start::{Server, StartError};
