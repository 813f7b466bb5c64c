//! JavaScript's regular expressions, as far as CloudAPI's values can hold them.
//!
//! Owns the translation into an engine that does not back-track. It is an approximation: what
//! that engine cannot do is refused, a character outside of ASCII counts as its bytes, and sets
//! may not have one. Must never match anything that the original would not, for names that
//! CloudAPI allows.

use alloc::format;
use alloc::string::{String, ToString};
use core::iter::Peekable;
use core::{fmt, str};

use thiserror::Error;

use crate::placement::linear::{LinearRegex, Unfit};

/// A regular expression as JavaScript reads it, without flags.
///
/// ```
/// use tsg_core::placement::cloudapi::{InvalidJsExpression, JsExpression};
///
/// let expression = JsExpression::new(r"^web-[\d_-]+?$")?;
/// assert!(expression.is_match("web-1_2") && !expression.is_match("web-x"));
/// assert_eq!(expression.as_str(), r"^web-[\d_-]+?$");
/// assert_eq!(JsExpression::new(r"(a)\1").unwrap_err(), InvalidJsExpression::BackReference);
/// # Ok::<(), InvalidJsExpression>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsExpression(LinearRegex);

/// Why a text cannot be used as an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidJsExpression {
    /// It refers to what a group matched.
    #[error("it refers back to a group, for which there is no time limit; write out what is meant")]
    BackReference,
    /// A group of a kind that JavaScript does not have, or that its values cannot hold.
    #[error("only (...) and (?:...) are groups")]
    Group,
    /// A quantifier without anything before it.
    #[error("there is nothing to repeat before *, + or ?")]
    NothingToRepeat,
    /// A set that is not closed, is out of order or has a character outside of ASCII.
    #[error("a set in [] is not closed, runs backwards, or is not of ASCII")]
    Set,
    /// A backslash with nothing, or something unusual, behind it.
    #[error("a backslash has nothing behind it, or what no two engines read alike")]
    Escape,
    /// Too much work.
    #[error("it is too large or too deep")]
    TooLarge,
    /// Parentheses that do not match.
    #[error("its parentheses do not match")]
    Parentheses,
}

impl JsExpression {
    /// From what stands between the slashes.
    ///
    /// # Errors
    /// When it is not JavaScript's, or cannot be matched in linear time.
    pub fn new(source: &str) -> Result<Self, InvalidJsExpression> {
        let mut translation = Translation { rest: source.chars().peekable(), out: String::new(), last: Last::Nothing };
        while translation.step()? {}
        match LinearRegex::compile(source, &translation.out) {
            Ok(regex) => Ok(Self(regex)),
            Err(Unfit::Syntax { .. }) => Err(InvalidJsExpression::Parentheses),
            Err(Unfit::TooLarge | Unfit::TooDeep) => Err(InvalidJsExpression::TooLarge),
        }
    }

    /// Whether it matches somewhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// What stands between the slashes.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// What a quantifier would follow.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    /// Nothing that can be repeated.
    Nothing,
    /// Something that can be.
    Atom,
    /// A quantifier, which a `?` makes lazy.
    Quantifier,
}

/// One part of a set.
enum Part {
    /// A character.
    One(u8),
    /// `\d` and its like.
    Several(char),
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => write!(out, "\\x{one:02x}"),
            Self::Several(class) => write!(out, "\\{class}"),
        }
    }
}

/// How far an expression is translated.
struct Translation<'a> {
    rest: Peekable<str::Chars<'a>>,
    out: String,
    last: Last,
}

impl Translation<'_> {
    /// Translates the next part; `false` at the end.
    fn step(&mut self) -> Result<bool, InvalidJsExpression> {
        let Some(next) = self.rest.next() else { return Ok(false) };
        match next {
            '\\' => self.escape()?,
            '[' => self.set()?,
            '(' => self.group()?,
            '*' | '+' | '?' => self.quantifier(next)?,
            '.' => self.atom(r"[^\n\r]"),
            '|' | '^' | '$' => self.push(&next.to_string(), Last::Nothing),
            ')' => self.atom(")"),
            literal => self.literal(literal),
        }
        Ok(true)
    }

    fn push(&mut self, part: &str, last: Last) {
        self.out.push_str(part);
        self.last = last;
    }

    fn atom(&mut self, part: &str) {
        self.push(part, Last::Atom);
    }

    fn literal(&mut self, literal: char) {
        match u8::try_from(literal) {
            Ok(byte) if byte.is_ascii() => self.atom(&format!("\\x{byte:02x}")),
            _ => self.atom(&format!("(?:{literal})")),
        }
    }

    fn group(&mut self) -> Result<(), InvalidJsExpression> {
        if self.rest.next_if_eq(&'?').is_some() && self.rest.next_if_eq(&':').is_none() {
            return Err(InvalidJsExpression::Group);
        }
        self.push("(?:", Last::Nothing);
        Ok(())
    }

    fn quantifier(&mut self, sign: char) -> Result<(), InvalidJsExpression> {
        let last = match (self.last, sign) {
            (Last::Atom, _) => Last::Quantifier,
            (Last::Quantifier, '?') => Last::Nothing,
            _ => return Err(InvalidJsExpression::NothingToRepeat),
        };
        self.push(&sign.to_string(), last);
        Ok(())
    }

    fn escape(&mut self) -> Result<(), InvalidJsExpression> {
        let escaped = self.rest.next().ok_or(InvalidJsExpression::Escape)?;
        match escaped {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => self.atom(&format!("\\{escaped}")),
            'b' | 'B' => self.push(&format!("\\{escaped}"), Last::Nothing),
            '1'..='9' => return Err(InvalidJsExpression::BackReference),
            other => {
                let meant = control(other)?.map_or(other, char::from);
                self.literal(meant);
            }
        }
        Ok(())
    }

    fn set(&mut self) -> Result<(), InvalidJsExpression> {
        let is_negated = self.rest.next_if_eq(&'^').is_some();
        let mut parts = String::new();
        while let Some(part) = self.part()? {
            let is_range = self.rest.peek() == Some(&'-') && self.rest.clone().nth(1).is_some_and(|next| next != ']');
            if is_range {
                self.range(&part, &mut parts)?;
            } else {
                parts += &part.to_string();
            }
        }
        match (is_negated, parts.is_empty()) {
            (false, true) => self.atom(r"[^\s\S]"),
            (true, true) => self.atom(r"[\s\S]"),
            (false, false) => self.atom(&format!("[{parts}]")),
            (true, false) => self.atom(&format!("[^{parts}]")),
        }
        Ok(())
    }

    /// What follows the first part of a range. Where one of the two is several characters, there is
    /// no range, but both of them and the hyphen.
    fn range(&mut self, first: &Part, parts: &mut String) -> Result<(), InvalidJsExpression> {
        self.rest.next();
        let last = self.part()?.ok_or(InvalidJsExpression::Set)?;
        *parts += &match (first, &last) {
            (Part::One(from), Part::One(to)) if from > to => return Err(InvalidJsExpression::Set),
            (Part::One(_), Part::One(_)) => format!("{first}-{last}"),
            _ => format!("{first}\\-{last}"),
        };
        Ok(())
    }

    /// The next part of a set, `None` at its end.
    fn part(&mut self) -> Result<Option<Part>, InvalidJsExpression> {
        let next = self.rest.next().ok_or(InvalidJsExpression::Set)?;
        let one = |character: char| match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => Ok(Some(Part::One(byte))),
            _ => Err(InvalidJsExpression::Set),
        };
        match next {
            ']' => Ok(None),
            '\\' => match self.rest.next().ok_or(InvalidJsExpression::Escape)? {
                class @ ('d' | 'D' | 'w' | 'W' | 's' | 'S') => Ok(Some(Part::Several(class))),
                'b' => Ok(Some(Part::One(BACKSPACE))),
                '1'..='9' => Err(InvalidJsExpression::Escape),
                other => match control(other)? {
                    Some(byte) => Ok(Some(Part::One(byte))),
                    None => one(other),
                },
            },
            other => one(other),
        }
    }
}

const BACKSPACE: u8 = 8;

/// The control character that a letter after a backslash stands for; `None` when it stands for
/// itself.
const fn control(escaped: char) -> Result<Option<u8>, InvalidJsExpression> {
    match escaped {
        't' => Ok(Some(b'\t')),
        'n' => Ok(Some(b'\n')),
        'v' => Ok(Some(11)),
        'f' => Ok(Some(12)),
        'r' => Ok(Some(b'\r')),
        'c' | 'x' | 'u' | '0' => Err(InvalidJsExpression::Escape),
        _ => Ok(None),
    }
}
