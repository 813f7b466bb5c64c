//! A simulated Triton data centre: a deterministic world, the CloudAPI server around it, and faults.
//!
//! Owns everything that stands in for a real cloud. It must never know the other adapters: signatures are checked
//! through [`http::SignatureVerifier`], which whoever starts the server provides.

pub mod admin;
pub mod cloud;
pub mod cns;
pub mod demo;
pub mod executor;
pub mod http;
mod responder;
pub mod virtual_time;
pub mod world;
