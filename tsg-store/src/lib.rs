//! Stores for tsg: one in memory, one in an SQLite file, and the suite that both must pass.
//!
//! Owns durability, compare-and-set, the change feed and leases, as [`tsg_core::ports::store`]
//! asks for them. Must never know what a record means; that is `tsg_core::records`.

pub mod conformance;
mod feed;
mod lease;
mod limits;
pub mod memory;
pub mod sqlite;

pub use memory::MemoryStore;
pub use sqlite::{OpenError, SqliteStore};
