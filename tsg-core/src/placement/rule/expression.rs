//! Regular expressions: what stands between two slashes.
//!
//! Owns their limits. Must never let one reach an engine that back-tracks: the time that a match
//! takes grows with the text, never faster.

use alloc::string::{String, ToString};
use core::cmp::Ordering;
use core::hash::{Hash, Hasher};
use core::{fmt, str};

use regex::bytes::{Regex, RegexBuilder};
use thiserror::Error;

/// The most that an expression takes up once it is compiled, in bytes.
pub const EXPRESSION_SIZE_MAX: usize = 64 * 1024;

/// How deep groups and classes may stand in one another.
pub const EXPRESSION_NESTING_MAX: u32 = 16;

/// What a match may keep in mind to be faster than its worst case, in bytes.
const CACHE_MAX: usize = 256 * 1024;

/// A regular expression in the syntax of the crate `regex`, without look-around and without back
/// references. It may match anywhere in a text; `^` and `$` are its ends. Its classes are those of
/// ASCII, and outside of ASCII a `.` is one byte.
///
/// ```
/// use tsg_core::placement::rule::{Expression, InvalidExpression};
///
/// let expression: Expression = r"^web-\d+$".parse()?;
/// assert!(expression.is_match("web-12") && !expression.is_match("web-x"));
/// assert_eq!(expression.as_str(), r"^web-\d+$");
///
/// let deep = "(".repeat(20) + &")".repeat(20);
/// assert_eq!(deep.parse::<Expression>().unwrap_err(), InvalidExpression::TooDeep);
/// assert_eq!("(a{99}){99}".parse::<Expression>().unwrap_err(), InvalidExpression::TooLarge);
/// # Ok::<(), InvalidExpression>(())
/// ```
#[derive(Clone)]
pub struct Expression {
    source: String,
    compiled: Regex,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidExpression {
    /// Nothing, which would match everything.
    #[error("an expression of nothing matches everything, which is written *")]
    Empty,
    /// More than [`EXPRESSION_SIZE_MAX`].
    #[error("compiled, it would take more than {} KiB; repeat less, or a smaller part", EXPRESSION_SIZE_MAX / 1024)]
    TooLarge,
    /// More than [`EXPRESSION_NESTING_MAX`].
    #[error("its groups stand more than {EXPRESSION_NESTING_MAX} deep in one another; take some of them apart")]
    TooDeep,
    /// It does not follow the syntax.
    #[error("{reason}")]
    Syntax {
        /// Where, in bytes from its beginning.
        position: usize,
        /// Why, in the words of the crate `regex`.
        reason: String,
    },
}

impl Expression {
    /// Whether it matches somewhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text.as_bytes())
    }

    /// What stands between its slashes.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl str::FromStr for Expression {
    type Err = InvalidExpression;

    fn from_str(source: &str) -> Result<Self, InvalidExpression> {
        if source.is_empty() {
            return Err(InvalidExpression::Empty);
        }
        let compiled = RegexBuilder::new(source)
            .unicode(false)
            .size_limit(EXPRESSION_SIZE_MAX)
            .nest_limit(EXPRESSION_NESTING_MAX)
            .dfa_size_limit(CACHE_MAX)
            .build();
        match compiled {
            Ok(compiled) => Ok(Self { source: source.to_string(), compiled }),
            Err(regex::Error::CompiledTooBig(_)) => Err(InvalidExpression::TooLarge),
            Err(fault) => Err(in_place(source, &fault.to_string())),
        }
    }
}

/// The engine draws its faults: the expression, a line with a caret under the place, the reason.
/// Where a drawing is not understood, the place is the beginning.
fn in_place(source: &str, drawing: &str) -> InvalidExpression {
    let reason = drawing.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or(drawing);
    if reason.contains("nested parentheses") {
        return InvalidExpression::TooDeep;
    }
    let is_caret = |line: &&str| line.contains('^') && line.bytes().all(|byte| matches!(byte, b' ' | b'^'));
    let column = drawing.lines().skip(2).find(is_caret).and_then(|line| line.find('^')?.checked_sub(INDENT));
    let place = column.map_or(Some(0), |column| source.char_indices().nth(column).map(|(at, _)| at));
    InvalidExpression::Syntax { position: place.unwrap_or(source.len()), reason: reason.to_string() }
}

/// How far a drawing is indented.
const INDENT: usize = 4;

impl fmt::Debug for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "/{}/", self.source)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Expression {}

impl PartialOrd for Expression {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Expression {
    fn cmp(&self, other: &Self) -> Ordering {
        self.source.cmp(&other.source)
    }
}

impl Hash for Expression {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}
