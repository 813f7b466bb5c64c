//! What a value matches.
//!
//! Owns the kinds of values. Must never know what it is that has a name or an id.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use uuid::Uuid;

use super::expression::Expression;
use super::platform::PlatformImage;

/// A name, an id, a glob, a regular expression or a platform image.
///
/// ```
/// use tsg_core::placement::rule::{Glob, Pattern};
/// use uuid::Uuid;
///
/// assert!(Pattern::Exact("web".into()).is_match("web"));
/// assert!(Pattern::Glob(Glob::new("web-*-eu")).is_match("web-7-eu"));
/// assert!(Pattern::Expression("^web".parse()?).is_match("web-7"));
/// assert!(Pattern::Uuid(Uuid::from_u128(10)).is_match("00000000-0000-0000-0000-00000000000A"));
/// let image = Pattern::AtLeast("20260101T000000Z".parse()?);
/// assert!(image.is_match("20260214T093000Z") && !image.is_match("20251231T235959Z"));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// This text and nothing else.
    Exact(String),
    /// A text with parts left open.
    Glob(Glob),
    /// A regular expression, which may match anywhere in a text.
    Expression(Expression),
    /// An id, in letters of either case.
    Uuid(Uuid),
    /// This platform image or a later one.
    AtLeast(PlatformImage),
}

impl Pattern {
    /// Whether a name, an id or the text of a tag's value matches.
    pub fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Glob(glob) => glob.is_match(text),
            Self::Expression(expression) => expression.is_match(text),
            Self::Uuid(id) => uuid_of(text) == Some(*id),
            Self::AtLeast(image) => PlatformImage::from_str(text).is_ok_and(|other| other >= *image),
        }
    }
}

/// An id with its hyphens.
pub(super) fn uuid_of(text: &str) -> Option<Uuid> {
    if text.len() == UUID_LENGTH { Uuid::try_parse(text).ok() } else { None }
}

const UUID_LENGTH: usize = 36;

/// A text in which each `*` stands for anything, or for nothing. It matches whole texts.
///
/// ```
/// use tsg_core::placement::rule::Glob;
///
/// let glob = Glob::new("*-db-*");
/// assert!(glob.is_match("eu-db-1") && glob.is_match("-db-") && !glob.is_match("db-1"));
/// assert_eq!(Glob::new("a***b").as_str(), "a*b");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glob(String);

impl Glob {
    /// From a text with stars; several of them in a row are one.
    pub fn new(text: &str) -> Self {
        let mut glob = String::with_capacity(text.len());
        text.chars().for_each(|character| {
            if character != '*' || !glob.ends_with('*') {
                glob.push(character);
            }
        });
        Self(glob)
    }

    /// The text with its stars.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a whole text matches. Each part is looked for once, as far left as it can be, so
    /// that the work is that of reading the text.
    pub fn is_match(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else { return self.0 == text };
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(open) = text.strip_prefix(first).and_then(|text| text.strip_suffix(last)) else { return false };
        let after = |text: &'_ str, part: &str| text.find(part).map(|at| at + part.len());
        let mut at = 0;
        middle.split('*').all(|part| match open.get(at..).and_then(|open| after(open, part)) {
            Some(length) => {
                at += length;
                true
            }
            None => false,
        })
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<&str> for Pattern {
    /// Exactly this text, whatever it looks like.
    fn from(text: &str) -> Self {
        Self::Exact(text.to_string())
    }
}
