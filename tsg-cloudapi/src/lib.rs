//! CloudAPI for tsg: the http-signature scheme, a typed client and (in one file) the `Cloud` port.
//!
//! This crate owns everything that knows how Triton's CloudAPI looks on the wire. It must never
//! decide what the cloud should look like, nor retry a request that may have had an effect.

pub mod client;
pub mod cloud;
pub mod signature;
pub mod wire;
