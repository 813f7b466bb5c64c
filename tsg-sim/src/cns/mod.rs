//! The name service's server: DNS over UDP and TCP on a loopback address.
//!
//! Owns sockets and wire format. It must never decide what is listed; the world does.

mod server;
mod wire;

pub(crate) use server::NameServer;

use std::net::{Ipv4Addr, SocketAddr};

/// Where the name service is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameServerSite {
    /// Nowhere.
    Off,
    /// On this loopback address; port 0 takes a free one.
    At(SocketAddr),
    /// On this loopback address, or on the next port that is free.
    From(SocketAddr),
}

impl NameServerSite {
    /// Any free port of 127.0.0.1.
    pub const ANY: Self = Self::At(SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
}
