//! The rules of placement as they are written: `service!=~web`, within a scope.
//!
//! Owns the words, how rules are read and written, and what a pattern matches. Must never know
//! where anything stands.
//!
//! # How a rule is written
//!
//! ```text
//! rule      = [ scope ":" blank ] criterion operator value  |  [ scope ":" blank ] "cn:" uuid
//! scope     = "cn" | "compute_node" | "node" | "rack" | "dc" | "data_center"
//! criterion = "service" [ ":" tag ] | "group:" kind [ ":" tag ] | "project" [ ":" tag ]
//!           | "volume" [ ":" tag ] | ( "instance" | "container" ) [ ":" tag ] | tag
//!           | "cn" [ ":" tag ] | "cn:platform"
//! operator  = "==" | "!=" | "==~" | "!=~"          with cn:platform: ">=" | ">=~"
//! value     = bare | "/" expression "/" | '"' text '"'
//! ```
//!
//! Blanks may stand around each part. What was decided where the sources leave it open:
//!
//! - **Scope.** A colon *with a blank beside it* makes a scope: `cn: service!=web` is about services, while
//!   `cn:service!=web` is about the tag `service` of compute nodes, and comes with a hint.
//! - **Tags.** A tag that stands alone begins with a letter or `_`. A tag with a colon in it, or
//!   named like a criterion or a scope, needs `instance:` before it: `instance:docker:label:role`.
//! - **Projects.** `project` is the older word for `group:deployment`, which is what is written.
//! - **Compute nodes.** `cn:<uuid>` alone is `cn==<uuid>`, and written so. `cn:platform` compares
//!   platform images, with `>=` only; with `>=~` it is a wish.
//! - **Values.** Without quotes a value is made of letters, digits and `_-.:/@+%#&*`. With a `*`
//!   it is a glob that matches whole texts; as a UUID it is an id, where names and ids are
//!   compared; else it matches itself. What stands in quotes matches itself, whatever it looks
//!   like; `\"` and `\\` are a quote and a backslash. An expression reaches from the slash at the
//!   beginning to the one at the end and may have others in between.
//! - **Case** matters everywhere but in ids.
//! - **`!==`**, as RFD 36 has it once, is read as `!=`, with a hint.
//! - **Templates** are filled in before; `{{` in a rule is refused.

mod criterion;
mod expression;
mod hint;
mod invalid;
mod operator;
mod pattern;
mod platform;
mod read;
mod render;
mod scope;
mod spec;
mod value;
mod words;

pub use criterion::{Criterion, GroupKind};
pub use expression::{EXPRESSION_NESTING_MAX, EXPRESSION_SIZE_MAX, Expression, InvalidExpression};
pub use hint::Hint;
pub use invalid::{
    Expected, Fault, Fix, Found, InvalidRule, KIND_LENGTH_MAX, RULE_LENGTH_MAX, TAG_LENGTH_MAX, VALUE_LENGTH_MAX,
};
pub use operator::{Direction, Operator, Strength};
pub use pattern::{Glob, Pattern};
pub use platform::{InvalidPlatformImage, PlatformImage};
pub use render::in_words;
pub use scope::Scope;
pub use spec::{
    ATTEMPTS_DEFAULT, ATTEMPTS_MAX, Enforce, InvalidPlacement, PREFERENCES_MAX, PlacementSpec, Preference, RULES_MAX,
    Soft, SpecPart, SpecPlace, Spread, WEIGHT_DEFAULT, WEIGHT_MAX,
};

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One rule: a new instance goes, or does not go, where something else is.
///
/// Written with its scope unless that is `cn`. What is written reads back as the same rule.
///
/// ```
/// use tsg_core::placement::rule::{Criterion, Operator, Pattern, Rule, Scope};
///
/// let rule: Rule = "rack: service != web".parse()?;
/// assert_eq!((rule.scope, &rule.criterion), (Scope::Rack, &Criterion::Service));
/// assert_eq!((rule.operator, rule.pattern.is_match("web")), (Operator::APART, true));
/// assert_eq!(rule.to_string(), "rack: service!=web");
/// assert_eq!(rule.without_scope().to_string(), "service!=web");
///
/// let same = Rule { scope: Scope::Rack, criterion: Criterion::Service, operator: Operator::APART, pattern: "web".into() };
/// assert!(same == rule && same.is_writable());
/// assert!(!Rule { pattern: "a\nb".into(), ..same }.is_writable());
/// # Ok::<(), tsg_core::placement::rule::InvalidRule>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    /// How wide "where" is.
    pub scope: Scope,
    /// What the rule looks at.
    pub criterion: Criterion,
    /// Together or apart, and how strictly.
    pub operator: Operator,
    /// Which of them.
    pub pattern: Pattern,
}

/// A rule, and what is worth saying about how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The rule.
    pub rule: Rule,
    /// The hints, in the order of their places.
    pub hints: Vec<Hint>,
}

impl Rule {
    /// Reads a rule with its scope, which is `cn` where none stands before it.
    ///
    /// # Errors
    /// The first place at which it cannot be read.
    pub fn read(text: &str) -> Result<Reading, InvalidRule> {
        read::rule(text, None)
    }

    /// Reads a rule of a scope that is known already and may not stand in the rule.
    ///
    /// # Errors
    /// The first place at which it cannot be read.
    pub fn read_in(scope: Scope, text: &str) -> Result<Reading, InvalidRule> {
        read::rule(text, Some(scope))
    }

    /// Its text without the scope, as it stands among the rules of that scope.
    pub const fn without_scope(&self) -> impl fmt::Display + '_ {
        WithoutScope(self)
    }

    /// Whether its text reads back as the same rule. That holds for every rule that was read; one
    /// that was made in code may have a name that cannot be written, or compare what cannot be.
    pub fn is_writable(&self) -> bool {
        Self::read(&self.to_string()).is_ok_and(|reading| reading.rule == *self)
    }
}

impl FromStr for Rule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        Self::read(text).map(|reading| reading.rule)
    }
}

struct WithoutScope<'a>(&'a Rule);

impl fmt::Display for WithoutScope<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { criterion, operator, pattern, .. } = self.0;
        match (criterion, operator.strength) {
            (Criterion::Platform, Strength::Hard) => write!(out, "{criterion}>=")?,
            (Criterion::Platform, Strength::Soft) => write!(out, "{criterion}>=~")?,
            _ => write!(out, "{criterion}{operator}")?,
        }
        value::write(pattern, criterion, out)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            Scope::Node => {}
            scope => write!(out, "{scope}: ")?,
        }
        WithoutScope(self).fmt(out)
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(RuleVisitor)
    }
}

struct RuleVisitor;

impl de::Visitor<'_> for RuleVisitor {
    type Value = Rule;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a rule such as \"service!=web\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Rule, E> {
        text.parse().map_err(E::custom)
    }
}
