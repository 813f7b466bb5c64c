//! The CloudAPI client: signed requests over TLS, typed answers, typed errors.
//!
//! A request that may have had an effect is never repeated in here; whether and when to ask again
//! is the caller's decision, for which the errors carry what is needed. Redirects are not followed
//! and certificates are always verified.

mod account_calls;
mod action_calls;
mod backoff;
mod bucket;
mod call;
mod catalog_calls;
mod changefeed;
mod error;
mod label_calls;
mod listing;
mod machine_calls;
mod options;
mod reply;
mod retry_after;
mod transport;

pub use action_calls::MachineAction;
pub use backoff::ReadRetries;
pub use changefeed::{ChangeFeed, ChangefeedError};
pub use error::{ApiCode, ClientError, FieldError};
pub use listing::{MachineQuery, NameMatch, TombstoneMachines};
pub use machine_calls::{DeleteOutcome, FoundMachine, MachinePage};
pub use options::{ClientOptions, InvalidOptions, Pacing, Timeouts};
pub use transport::Client;
