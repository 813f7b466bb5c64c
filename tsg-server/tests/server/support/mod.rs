//! What the tests share: a simulated data centre, a server on it, people who sign requests.
//!
//! Must never assert anything about the server.

pub mod client;
pub mod metrics;
pub mod person;
pub mod site;
pub mod verifier;

pub use client::{Answer, Form};
pub use person::Person;
pub use site::Site;
