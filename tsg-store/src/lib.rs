//! Stores for tsg: one in memory, one in an SQLite file, and the suite that both must pass.
//!
//! Owns durability, compare-and-set, the change feed and leases, as [`tsg_core::ports::store`]
//! asks for them. Must never know what a record means; that is `tsg_core::records`.

mod feed;
mod lease;
mod limits;
pub mod conformance;
pub mod memory;

pub use memory::MemoryStore;
