//! What a value matches.

use alloc::string::String;

/// A name, an id, a glob or a regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// This text and nothing else.
    Exact(String),
}

impl Pattern {
    /// Whether a name, an id or the text of a tag's value matches.
    pub fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
        }
    }
}
