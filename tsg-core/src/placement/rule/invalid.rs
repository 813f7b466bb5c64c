//! Why a rule cannot be read.
//!
//! Owns the faults, their sentences and the drawing with the place in it. Must never guess what a
//! rule means; a fix is an offer.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::ops::Range;

use thiserror::Error;

use super::expression::InvalidExpression;
use super::scope::Scope;

/// The longest rule, in bytes.
pub const RULE_LENGTH_MAX: usize = 1024;

/// The longest name of a tag within a rule, in bytes.
pub const TAG_LENGTH_MAX: usize = 192;

/// The longest kind of a group, in bytes.
pub const KIND_LENGTH_MAX: usize = 32;

/// The longest value, in bytes, with its quotes or slashes.
pub const VALUE_LENGTH_MAX: usize = 512;

/// A rule that cannot be read: where, why, and what to write instead where that can be told.
///
/// ```
/// use tsg_core::placement::rule::{Expected, Fault, Found, Rule};
///
/// let refused = "service=web".parse::<Rule>().unwrap_err();
/// assert_eq!(refused.place, 7..8);
/// assert_eq!(refused.fault, Fault::Unexpected { found: Found::Character('='), expected: Expected::Operator });
/// assert_eq!(refused.fixed().as_deref(), Some("service==web"));
/// assert_eq!(
///     refused.to_string(),
///     "the rule cannot be read: at position 8 '=' was found where one of the operators ==, !=, ==~ and !=~ \
///      was expected; write service==web"
/// );
/// assert_eq!(refused.drawing(), "service=web\n       ^");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the rule cannot be read: at position {} {fault}{}", self.position(), self.next_step())]
pub struct InvalidRule {
    /// What was given; what is too long is cut.
    pub given: String,
    /// Where the fault is, in bytes from the beginning. Empty when something is missing there.
    pub place: Range<usize>,
    /// What is wrong.
    pub fault: Fault,
    /// What to write instead, where that can be told.
    pub fix: Option<Fix>,
}

/// A part of a rule, and what could stand in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The part, in bytes from the beginning.
    pub part: Range<usize>,
    /// What could stand there.
    pub with: String,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// More than [`RULE_LENGTH_MAX`].
    #[error("it goes on after {RULE_LENGTH_MAX} bytes, the most that a rule may have")]
    RuleTooLong,
    /// A value of more than [`VALUE_LENGTH_MAX`].
    #[error("a value of {bytes} bytes was found, and {VALUE_LENGTH_MAX} are the most that it may have")]
    ValueTooLong {
        /// How many there are.
        bytes: usize,
    },
    /// A name within a criterion with more bytes than it may have.
    #[error("a name of {bytes} bytes was found, and {most} are the most that it may have")]
    NameTooLong {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        most: usize,
    },
    /// Something else was expected.
    #[error("{found} was found where {expected} was expected")]
    Unexpected {
        /// What was found.
        found: Found,
        /// What could have stood there.
        expected: Expected,
    },
    /// A word before a colon that is none of ours.
    #[error("{word:?} was found where one of service, group, volume, instance and cn was expected before a colon")]
    UnknownCriterion {
        /// The word.
        word: String,
    },
    /// A word for a place where a tag would have to stand.
    #[error("{word:?} was found, which is no criterion, and no tag unless instance: stands before it")]
    KeptWord {
        /// The word.
        word: String,
    },
    /// A scope where the scope is given otherwise.
    #[error("the scope {written} was found in a rule of the scope {given}")]
    ScopeGivenTwice {
        /// What stands in the rule.
        written: Scope,
        /// Which scope the rule has.
        given: Scope,
    },
    /// An expression that cannot be had.
    #[error("a regular expression was found that cannot be used: {0}")]
    Expression(InvalidExpression),
    /// `{{ }}` that nobody has filled in.
    #[error("a template was found that has not been filled in")]
    Template,
}

/// What was found where something else was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The end of the rule.
    End,
    /// A character.
    Character(char),
    /// Several characters that belong together.
    Text(String),
}

/// What could have stood where a rule could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A scope.
    Scope,
    /// What the rule looks at.
    Criterion,
    /// The kind of a group.
    GroupKind,
    /// The name of a tag.
    Tag,
    /// One of the four operators.
    Operator,
    /// The operator for platform images.
    AtLeast,
    /// A value.
    Value,
    /// The end, or more of a value without quotes.
    MoreOfValue,
    /// A platform image.
    PlatformImage,
    /// The quote at the end.
    ClosingQuote,
    /// The slash at the end.
    ClosingSlash,
    /// What a backslash may stand before, within quotes.
    Escaped,
    /// A character that can be seen.
    Printable,
    /// Nothing more.
    End,
}

impl InvalidRule {
    /// Where the fault is, counted in characters from 1.
    pub fn position(&self) -> usize {
        self.column() + 1
    }

    /// The rule with the fix made.
    pub fn fixed(&self) -> Option<String> {
        let fix = self.fix.as_ref()?;
        let (before, after) = (self.given.get(..fix.part.start)?, self.given.get(fix.part.end..)?);
        Some(format!("{before}{}{after}", fix.with))
    }

    /// The rule, and under it a line that points to the place. Of a long rule only the
    /// neighbourhood of the place is shown.
    pub fn drawing(&self) -> String {
        let column = self.column();
        let from = column.saturating_sub(NEIGHBOURHOOD);
        let shown = self.given.chars().skip(from).take(2 * NEIGHBOURHOOD).map(visible);
        let (mut line, mut pointer) = (String::new(), String::new());
        if from > 0 {
            line.push_str(CUT);
            pointer.push_str("   ");
        }
        line.extend(shown);
        if self.given.chars().count() > from + 2 * NEIGHBOURHOOD {
            line.push_str(CUT);
        }
        pointer.extend((from..column).map(|_| ' '));
        let length = self.given.get(self.place.clone()).map_or(0, |part| part.chars().count());
        pointer.extend((0..length.clamp(1, NEIGHBOURHOOD)).map(|_| '^'));
        format!("{line}\n{pointer}")
    }

    fn column(&self) -> usize {
        self.given.get(..self.place.start).unwrap_or(&self.given).chars().count()
    }

    fn next_step(&self) -> String {
        let so_far = self.given.get(..self.place.start).unwrap_or("");
        let shown = |text: &str| text.chars().map(visible).collect::<String>();
        match (self.fixed(), &self.fault) {
            (Some(fixed), _) => format!("; write {}", shown(&fixed)),
            (None, Fault::Unexpected { found: Found::End, expected }) => {
                format!("; write, for example, {}{}", shown(so_far), expected.example())
            }
            (None, Fault::Unexpected { expected, .. }) => expected.next_step().to_string(),
            (None, Fault::Template) => "; fill it in first".to_string(),
            (None, Fault::ScopeGivenTwice { written, .. }) => format!("; move it to the rules of the scope {written}"),
            (None, Fault::Expression(InvalidExpression::TooLarge | InvalidExpression::TooDeep)) => String::new(),
            (None, Fault::Expression(_)) => "; write one that can, or the text itself in quotes".to_string(),
            (None, Fault::RuleTooLong | Fault::ValueTooLong { .. } | Fault::NameTooLong { .. }) => {
                "; write a shorter one, with a glob if need be".to_string()
            }
            (None, Fault::UnknownCriterion { .. } | Fault::KeptWord { .. }) => {
                Expected::Criterion.next_step().to_string()
            }
        }
    }
}

impl Expected {
    /// What could stand at the end of a rule that ends too early.
    const fn example(self) -> &'static str {
        match self {
            Self::GroupKind => "deployment!=shop",
            Self::Tag => "tier!=gold",
            Self::Operator => "!=web",
            Self::AtLeast => ">=20260101T000000Z",
            Self::PlatformImage => "20260101T000000Z",
            Self::Value => "web",
            Self::ClosingQuote => "\"",
            Self::ClosingSlash => "/",
            Self::Scope | Self::Criterion | Self::MoreOfValue | Self::Escaped | Self::Printable | Self::End => {
                "service!=web"
            }
        }
    }

    /// What to do where nothing better is known.
    const fn next_step(self) -> &'static str {
        match self {
            Self::Scope => "; write a rule such as rack: service!=web",
            Self::GroupKind => "; write a rule such as group:deployment!=shop",
            Self::Tag => "; write a rule such as service:tier!=gold",
            Self::AtLeast | Self::PlatformImage => "; write a rule such as cn:platform>=20260101T000000Z",
            Self::MoreOfValue | Self::End => "; take out what follows, or make a rule of its own of it",
            Self::Printable => "; take it out",
            Self::Criterion
            | Self::Operator
            | Self::Value
            | Self::ClosingQuote
            | Self::ClosingSlash
            | Self::Escaped => "; write a rule such as service!=web",
        }
    }
}

/// How much of a long rule is shown on each side, in characters.
const NEIGHBOURHOOD: usize = 40;

const CUT: &str = "...";

/// A character that takes one column and cannot steer a terminal.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        character if character.is_control() => '\u{fffd}',
        character => character,
    }
}

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => out.write_str("the end"),
            Self::Character(character) => write!(out, "{character:?}"),
            Self::Text(text) => write!(out, "{text:?}"),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Scope => "one of the scopes cn, rack and dc",
            Self::Criterion => {
                "a criterion such as service, group:deployment, volume, instance, cn or the name of a tag"
            }
            Self::GroupKind => "the kind of a group such as deployment, in letters from a to z, digits, _ and -,",
            Self::Tag => "the name of a tag, in letters from a to z, digits, _, -, ., / and :,",
            Self::Operator => "one of the operators ==, !=, ==~ and !=~",
            Self::AtLeast => "the operator >= or >=~",
            Self::Value => "a value: a name, an id, a glob such as web-*, a /regular expression/ or a \"quoted text\"",
            Self::MoreOfValue => "the end of the rule, or more of a value without quotes,",
            Self::PlatformImage => "a platform image such as 20260101T000000Z",
            Self::ClosingQuote => "a closing quote",
            Self::ClosingSlash => "the closing slash of a regular expression",
            Self::Escaped => "\\\" or \\\\",
            Self::Printable => "a character that can be seen",
            Self::End => "the end of the rule",
        })
    }
}
