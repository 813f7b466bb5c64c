//! The accounts tsg works for: who may enrol, their records, and the server's own keys.
//!
//! Owns admission, enrolment and the directory of callers' public keys. Must never hold an
//! account's own private key; only keys that the server made for itself.

pub mod allow;
pub mod client;
pub mod completion;
pub mod deployment;
pub mod directory;
pub mod enrolment;
pub mod key_file;
pub mod record;
pub mod registry;
pub mod vault;

pub use allow::{AllowFile, AllowFileError};
