//! The HTTP frame around every request: sockets, limits, identifiers, panics, errors.
//!
//! Owns what holds for all routes alike. Must never know what a route does.

pub mod failure;
pub mod family;
pub mod frame;
pub mod gate;
pub mod listener;
