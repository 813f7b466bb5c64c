//! The CloudAPI of a simulated data centre, over real sockets.
//!
//! Owns the protocol: routes, versions, headers, parameters, signatures, the order of checks, and the running server.
//! It must never keep state of the data centre itself, nor decide what the world decides.

pub(crate) mod body;
pub mod clock;
pub(crate) mod connection;
mod directory;
mod endpoints;
mod feed;
mod feeds;
pub(crate) mod live;
mod negotiation;
pub mod pace;
mod params;
mod pipeline;
mod reply;
mod request_id;
mod route;
mod server;
pub(crate) mod stats;
mod verifier;
pub mod version;

pub use clock::WallClock;
pub use feeds::{FeedOffer, FeedsReading};
pub use pace::Speed;
pub use server::{ServerConfig, SimServer, StartError};
pub use stats::StatsReading;
pub use verifier::{Identity, KeyDirectory, KeyQuery, SignatureRefusal, SignatureVerifier, SignedRequest, SubUserKeys};
