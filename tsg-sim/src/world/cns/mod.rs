//! The name service (CNS): whom it lists under which names, since when, and what it answers.
//! It never opens a socket and knows no wire format; `crate::cns` speaks DNS.

mod answers;
mod directory;
mod listing;
mod names;
mod services;
mod tags;

pub use answers::{DnsKind, DnsValue, Resolution, Soa};
pub(crate) use directory::Directory;
pub(crate) use names::{dns_label, dns_names, suffixes};
pub(crate) use tags::tag_fault;
