//! What the client tests share: SSH keys, the production signature verifier, and a running data centre.
//!
//! Owns fixtures only. It must never assert anything about CloudAPI.

pub mod keys;
pub mod site;
pub mod verifier;
