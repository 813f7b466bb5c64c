//! Typed records on top of the store's narrow waist.
//!
//! Owns the written form of every record and where it stands. Must never decide anything; it
//! reads, writes and says what did not fit.

pub mod codec;
pub mod kinds;
pub mod transaction;

pub use codec::{Stored, Versioned};
pub use transaction::Transaction;
