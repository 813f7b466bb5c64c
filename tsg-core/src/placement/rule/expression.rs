//! Regular expressions: what stands between two slashes.
//!
//! Owns what is said of one that cannot be used, and where in it. Must never run one by itself: the
//! engine and its limits are `linear`'s.

use alloc::string::{String, ToString};
use core::str;

use thiserror::Error;

use crate::placement::linear::{self, LinearRegex, Unfit};
pub use crate::placement::linear::{EXPRESSION_NESTING_MAX, EXPRESSION_SIZE_MAX};

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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expression(LinearRegex);

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
        self.0.is_match(text)
    }

    /// What stands between its slashes.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl str::FromStr for Expression {
    type Err = InvalidExpression;

    fn from_str(source: &str) -> Result<Self, InvalidExpression> {
        if source.is_empty() {
            return Err(InvalidExpression::Empty);
        }
        match LinearRegex::compile(source, source) {
            Ok(regex) => Ok(Self(regex)),
            Err(Unfit::TooLarge) => Err(InvalidExpression::TooLarge),
            Err(Unfit::TooDeep) => Err(InvalidExpression::TooDeep),
            Err(Unfit::Syntax { drawing }) => Err(in_place(source, &drawing)),
        }
    }
}

/// The engine draws its faults: the expression, a line with a caret under the place, the reason.
/// Where a drawing is not understood, the place is the beginning.
fn in_place(source: &str, drawing: &str) -> InvalidExpression {
    let is_caret = |line: &&str| line.contains('^') && line.bytes().all(|byte| matches!(byte, b' ' | b'^'));
    let column = drawing.lines().skip(2).find(is_caret).and_then(|line| line.find('^')?.checked_sub(INDENT));
    let place = column.map_or(Some(0), |column| source.char_indices().nth(column).map(|(at, _)| at));
    InvalidExpression::Syntax { position: place.unwrap_or(source.len()), reason: linear::reason(drawing).to_string() }
}

/// How far a drawing is indented.
const INDENT: usize = 4;
