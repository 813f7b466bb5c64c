//! Who a request comes from: verified here, against the account's keys in CloudAPI.
//!
//! Owns the decision and its refusals. Must never forward, keep or log a caller's signature, and
//! never take a tenant from anything but a verified credential.

pub mod caller;
pub mod layer;
pub mod refusal;
pub mod replay;
pub mod signature;

pub use caller::Caller;
