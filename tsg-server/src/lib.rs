//! tsg's server: the HTTP APIs, authentication, the server's own keys, and one engine for each
//! account.
//!
//! Owns the wiring of store, CloudAPI and engine behind HTTP. Must never decide what a group
//! needs (the planner does), write intent by itself (the engine's `intent` does), or forward
//! anything of a caller's signature.

pub mod accounts;
mod app;
mod auth;
pub mod config;
mod events;
mod health;
mod host;
mod http;
mod metrics;
pub mod probe;
pub mod remote;
mod routes;
mod time;
mod v1;
mod v2;

pub use host::{OsEntropy, Reconciled, RunningServer, Server, StartError, SystemClock};
