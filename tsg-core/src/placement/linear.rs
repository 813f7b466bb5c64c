//! A regular expression that reads a text once, whatever it is.
//!
//! Owns the engine that all of placement's expressions run on, its limits, and what makes two of
//! them the same: what the user wrote. Must never let one reach an engine that back-tracks: the
//! time that a match takes grows with the text, never faster.

use alloc::string::{String, ToString};
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

use regex::bytes::{Regex, RegexBuilder};

/// The most that an expression takes up once it is compiled, in bytes.
pub const EXPRESSION_SIZE_MAX: usize = 64 * 1024;

/// How deep groups and classes may stand in one another.
pub const EXPRESSION_NESTING_MAX: u32 = 16;

/// What a match may keep in mind to be faster than its worst case, in bytes.
const CACHE_MAX: usize = 4 * EXPRESSION_SIZE_MAX;

/// A compiled expression, known by what it was written as.
#[derive(Clone)]
pub(super) struct LinearRegex {
    source: String,
    compiled: Regex,
}

/// Why it cannot be compiled.
pub(super) enum Unfit {
    /// More than [`EXPRESSION_SIZE_MAX`].
    TooLarge,
    /// More than [`EXPRESSION_NESTING_MAX`].
    TooDeep,
    /// It does not follow the syntax.
    Syntax {
        /// The engine's own picture of what is wrong: the expression, a line with a caret under
        /// the place, the reason.
        drawing: String,
    },
}

impl LinearRegex {
    /// What the user wrote as `source` and the engine reads as `translation`.
    pub(super) fn compile(source: &str, translation: &str) -> Result<Self, Unfit> {
        let compiled = RegexBuilder::new(translation)
            .unicode(false)
            .size_limit(EXPRESSION_SIZE_MAX)
            .nest_limit(EXPRESSION_NESTING_MAX)
            .dfa_size_limit(CACHE_MAX)
            .build();
        match compiled {
            Ok(compiled) => Ok(Self { source: source.to_string(), compiled }),
            Err(regex::Error::CompiledTooBig(_)) => Err(Unfit::TooLarge),
            Err(fault) => Err(Unfit::of(fault.to_string())),
        }
    }

    /// Whether it matches somewhere in a text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text.as_bytes())
    }

    /// What the user wrote.
    pub(super) fn as_str(&self) -> &str {
        &self.source
    }
}

impl Unfit {
    fn of(drawing: String) -> Self {
        match reason(&drawing).contains("nested parentheses") {
            true => Self::TooDeep,
            false => Self::Syntax { drawing },
        }
    }
}

/// The line of a drawing that says why.
pub(super) fn reason(drawing: &str) -> &str {
    drawing.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or(drawing)
}

impl fmt::Debug for LinearRegex {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "/{}/", self.source)
    }
}

impl PartialEq for LinearRegex {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for LinearRegex {}

impl PartialOrd for LinearRegex {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LinearRegex {
    fn cmp(&self, other: &Self) -> Ordering {
        self.source.cmp(&other.source)
    }
}

impl Hash for LinearRegex {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}
