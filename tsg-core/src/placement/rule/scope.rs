//! How wide a rule reaches: the fault domains.
//!
//! Owns their names and every spelling of them. Must never know which of them a cloud has.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A fault domain, the narrowest first. Written as `cn`, `rack` or `dc`; other spellings are read.
///
/// ```
/// use tsg_core::placement::rule::Scope;
///
/// assert_eq!(Scope::named("data_center"), Some(Scope::DataCentre));
/// assert_eq!(Scope::DataCentre.to_string(), "dc");
/// assert_eq!(Scope::DataCentre.in_words(), "data centre");
/// assert_eq!(serde_json::from_str::<Scope>("\"node\"")?, Scope::Node);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Scope {
    /// One compute node: `cn`, also written `compute_node` or `node`.
    #[default]
    Node,
    /// One rack: `rack`.
    Rack,
    /// One data centre: `dc`, also written `data_center`.
    DataCentre,
}

/// Every spelling.
const SPELLINGS: [(&str, Scope); 6] = [
    ("cn", Scope::Node),
    ("compute_node", Scope::Node),
    ("node", Scope::Node),
    ("rack", Scope::Rack),
    ("dc", Scope::DataCentre),
    ("data_center", Scope::DataCentre),
];

impl Scope {
    /// All of them, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Node, Self::Rack, Self::DataCentre];

    /// The one with this spelling.
    pub fn named(word: &str) -> Option<Self> {
        SPELLINGS.iter().find(|(spelling, _)| *spelling == word).map(|(_, scope)| *scope)
    }

    /// Its name, in the one spelling that is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "cn",
            Self::Rack => "rack",
            Self::DataCentre => "dc",
        }
    }

    /// What it is, in words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Node => "compute node",
            Self::Rack => "rack",
            Self::DataCentre => "data centre",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(ScopeVisitor)
    }
}

struct ScopeVisitor;

impl de::Visitor<'_> for ScopeVisitor {
    type Value = Scope;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a scope: \"cn\", \"rack\" or \"dc\"")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Scope, E> {
        Scope::named(word).ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
    }
}
