//! The rules for creating without an idempotency token and for deleting, as pure functions.
//!
//! Owns what may be concluded from which evidence. Must never send anything; the engine does.

pub mod absence;
pub mod create;
pub mod delete;
pub mod quiet;
pub mod resolve;
pub mod send;
pub mod timing;
pub mod update;
