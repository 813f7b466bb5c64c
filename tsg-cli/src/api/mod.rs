//! Talking to a tsg server, as the user of a profile.
//!
//! Owns requests, signatures and answers of the `/v2` API. It must never repeat a write: whether to try again is the
//! user's choice, and an idempotency key makes it safe.

pub(crate) mod client;
pub(crate) mod error;
pub(crate) mod shapes;

pub(crate) use client::{Answer, Api};
pub(crate) use error::ApiError;
