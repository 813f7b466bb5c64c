//! The suite that every store must pass.
//!
//! Owns the meaning of [`tsg_core::ports::store`] as executable rules. Must never know which
//! store it is given.

mod clock;

pub use clock::ManualClock;
