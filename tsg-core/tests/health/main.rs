//! Health: how checks are written, when they are due, what is concluded of them, and who is listed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test program fails by panicking")]

mod discovery;
mod facts;
mod forms;
mod policy;
mod properties;
mod rota;
mod scene;
mod ward;
mod wheel;
