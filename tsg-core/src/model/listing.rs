//! Whether discovery answers with an instance, as far as tsg decides that.
//!
//! Owns the word that an operation remembers. Must never say what a person or the instance itself
//! decided: whoever took it out puts it back.

use serde::{Deserialize, Serialize};

/// Whether discovery answers with an instance.
///
/// ```
/// use tsg_core::model::listing::Listing;
/// assert_eq!(Listing::default(), Listing::Listed, "what was never taken out is in");
/// assert!(!Listing::NotYet.is_listed());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// It does.
    #[default]
    Listed,
    /// It did, and does not any more.
    Delisted,
    /// It never did.
    NotYet,
}

impl Listing {
    /// Whether it does.
    pub const fn is_listed(self) -> bool {
        matches!(self, Self::Listed)
    }
}
