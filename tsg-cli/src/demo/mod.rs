//! The demonstration: a data centre, a server and a user on this machine, and a story with them.
//!
//! Owns throw-away keys and a throw-away folder. It must never touch the user's own keys, profiles or data.

pub(crate) mod guide;
pub(crate) mod pace;
pub(crate) mod site;
pub(crate) mod story;
