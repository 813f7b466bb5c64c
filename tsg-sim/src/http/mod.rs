//! The CloudAPI of a simulated data centre, over real sockets.
//!
//! Owns the protocol: routes, versions, headers, parameters, signatures, the order of checks, and the running server.
//! It must never keep state of the data centre itself, nor decide what the world decides.

pub mod body;
pub mod clock;
pub(crate) mod connection;
mod directory;
mod endpoints;
mod feed;
pub(crate) mod live;
pub mod negotiation;
pub mod pace;
pub mod params;
mod pipeline;
pub mod reply;
mod request_id;
pub mod route;
mod server;
pub(crate) mod stats;
pub mod verifier;
pub mod version;

pub use clock::WallClock;
pub use pace::Speed;
pub use server::{ServerConfig, SimServer, StartError};
pub use stats::StatsReading;
pub use verifier::{Identity, KeyDirectory, KeyQuery, SignatureRefusal, SignatureVerifier, SignedRequest, SubUserKeys};
