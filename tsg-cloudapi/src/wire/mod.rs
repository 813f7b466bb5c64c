//! CloudAPI's JSON, as types. Tolerant on input: unknown fields and states, nulls and missing
//! parts never make a reply unreadable, except where an identity would be lost.
//!
//! Nothing outside this module and the adapter sees wire names or loose strings.

mod account;
mod audit;
mod catalog;
mod change;
mod create;
mod error_body;
pub mod lean;
mod machine;
mod scan;
mod tag_value;

pub use account::{Account, AccountKey};
pub use audit::{AuditAction, AuditEntry};
pub use catalog::{Image, Network, Package};
pub use change::ChangeHint;
pub(crate) use change::Registration;
pub use create::CreateMachine;
pub(crate) use error_body::ErrorBody;
pub use machine::{Machine, MachineState, Nic};
pub use tag_value::{LabelValue, Labels};

use serde::{Deserialize, Deserializer};

/// Reads `null` like an absent field.
fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
