//! One affinity rule of CloudAPI: a key, an operator, a value.
//!
//! Owns how one is read, written and matched against a machine. Must never be kinder than
//! CloudAPI: what it gets wrong is wrong here too.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

use super::expression::{InvalidJsExpression, JsExpression};
use crate::model::tag::{TagValue, Tags};
use crate::placement::rule::Operator;

/// An affinity rule as CloudAPI reads it. Written back as it was given.
///
/// ```
/// use tsg_core::model::tag::Tags;
/// use tsg_core::placement::cloudapi::{AffinityRule, Machine, Subject};
/// use tsg_core::placement::rule::Operator;
/// use uuid::Uuid;
///
/// let rule: AffinityRule = "role!=~web*".parse()?;
/// assert_eq!((rule.subject(), rule.operator()), (Subject::Tag("role"), Operator::APART.softened()));
/// assert_eq!(rule.to_string(), "role!=~web*");
///
/// let tags: Tags = [("docker:label:role".to_string(), "web-7".into())].into();
/// assert!(rule.is_match(&Machine { id: Uuid::from_u128(1), name: "a", docker_id: None, tags: &tags }));
///
/// let refused = "role=web".parse::<AffinityRule>().unwrap_err().to_string();
/// assert_eq!(refused, r#"could not find operator in affinity rule: expected one of "==", "!=": 'role=web'"#);
/// # Ok::<(), tsg_core::placement::cloudapi::InvalidAffinity>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AffinityRule {
    key: String,
    operator: Operator,
    value: AffinityValue,
}

/// What a rule addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject<'a> {
    /// `instance` or `container`: machines, by id or name.
    Machine,
    /// `image`: read and then ignored.
    Image,
    /// Anything else: machines with a tag of this name, or with a Docker label.
    Tag(&'a str),
}

/// What the value of a rule is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AffinityValue {
    /// This text.
    Exact(String),
    /// A text with a star: an expression from end to end in which `*` is anything. All else that
    /// means something in an expression still does, since CloudAPI forgets to escape it.
    Glob {
        /// The text.
        text: String,
        /// What it is made into.
        expression: JsExpression,
    },
    /// Between slashes: an expression that may match anywhere.
    Expression(JsExpression),
}

/// A machine of the account that a rule may match. Only active ones are candidates: neither
/// destroyed nor failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine<'a> {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: &'a str,
    /// The id that Docker knows it by, 64 hexadecimal digits.
    pub docker_id: Option<&'a str>,
    /// Its tags.
    pub tags: &'a Tags,
}

/// Why CloudAPI refuses a rule. The first three are its own words, sent as 409 InvalidArgument.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidAffinity {
    /// Neither `==` nor `!=`.
    #[error("could not find operator in affinity rule: expected one of \"==\", \"!=\": '{rule}'")]
    NoOperator {
        /// The rule.
        rule: String,
    },
    /// What stands before the operator.
    #[error("invalid key in affinity rule: '{rule}': '{key}' does not match {KEY}")]
    Key {
        /// The rule.
        rule: String,
        /// Its key.
        key: String,
    },
    /// What stands after the operator and its `~`.
    #[error("invalid value in affinity rule: '{rule}': '{value}' does not match {VALUE}")]
    Value {
        /// The rule.
        rule: String,
        /// Its value.
        value: String,
    },
    /// CloudAPI would take it and then fail, or match in a time without bounds.
    #[error("the value of the affinity rule '{rule}' cannot be used as an expression: {fault}")]
    Expression {
        /// The rule.
        rule: String,
        /// Why.
        fault: InvalidJsExpression,
    },
}

const KEY: &str = r"/^[a-z_][a-z0-9\-_.]+$/i";
const VALUE: &str = r"/^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i";

fn is_key(key: &str) -> bool {
    let is_first = |character: char| character.is_ascii_alphabetic() || character == '_';
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    key.len() > 1 && key.starts_with(is_first) && key.chars().all(is_part)
}

fn is_value(value: &str) -> bool {
    let is_part = |character: char| {
        let is_sign = matches!(
            character,
            '-' | ':' | '_' | '.' | '*' | '/' | '(' | ')' | '?' | '+' | '[' | ']' | '\\' | '^' | '$' | '|'
        );
        character.is_ascii_alphanumeric() || is_sign || is_js_space(character)
    };
    !value.is_empty() && value.chars().all(is_part)
}

/// What `\s` is to JavaScript.
const fn is_js_space(character: char) -> bool {
    matches!(
        character,
        '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}'
            | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

impl FromStr for AffinityRule {
    type Err = InvalidAffinity;

    fn from_str(text: &str) -> Result<Self, InvalidAffinity> {
        let rule = || text.to_string();
        // The first "==" counts, wherever it is, before any "!=".
        let together = text.split_once("==").map(|parts| (parts, Operator::TOGETHER));
        let parts = together.or_else(|| text.split_once("!=").map(|parts| (parts, Operator::APART)));
        let Some(((key, value), hard)) = parts else { return Err(InvalidAffinity::NoOperator { rule: rule() }) };
        let (value, operator) = value.strip_prefix('~').map_or((value, hard), |value| (value, hard.softened()));
        if !is_key(key) {
            return Err(InvalidAffinity::Key { rule: rule(), key: key.to_string() });
        }
        if !is_value(value) {
            return Err(InvalidAffinity::Value { rule: rule(), value: value.to_string() });
        }
        let value = AffinityValue::read(value).map_err(|fault| InvalidAffinity::Expression { rule: rule(), fault })?;
        Ok(Self { key: key.to_string(), operator, value })
    }
}

impl AffinityValue {
    fn read(value: &str) -> Result<Self, InvalidJsExpression> {
        let inner = value.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        match inner {
            Some(source) if !source.is_empty() => Ok(Self::Expression(JsExpression::new(source)?)),
            _ if value.contains('*') => {
                let expression = JsExpression::new(&format!("^{}$", value.replace('*', ".*")))?;
                Ok(Self::Glob { text: value.to_string(), expression })
            }
            _ => Ok(Self::Exact(value.to_string())),
        }
    }

    /// Whether a name or the text of a tag matches.
    ///
    /// ```
    /// use tsg_core::placement::cloudapi::{AffinityRule, AffinityValue};
    ///
    /// let quirk: AffinityRule = "instance==web.*".parse()?;
    /// assert!(matches!(quirk.value(), AffinityValue::Glob { .. }));
    /// assert!(quirk.value().is_match("web-7"), "a dot in a glob is any character");
    /// # Ok::<(), tsg_core::placement::cloudapi::InvalidAffinity>(())
    /// ```
    pub fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Glob { expression, .. } | Self::Expression(expression) => expression.is_match(text),
        }
    }
}

impl AffinityRule {
    /// What it addresses. Only these spellings do; `Instance` and `inst` are tags.
    pub fn subject(&self) -> Subject<'_> {
        match self.key.as_str() {
            "instance" | "container" => Subject::Machine,
            "image" => Subject::Image,
            tag => Subject::Tag(tag),
        }
    }

    /// Together or apart, and how strictly.
    pub const fn operator(&self) -> Operator {
        self.operator
    }

    /// Its value.
    pub const fn value(&self) -> &AffinityValue {
        &self.value
    }

    /// The machine that it names by its id. CloudAPI takes it as it is, without looking whether
    /// there is such a machine.
    pub fn machine_id(&self) -> Option<Uuid> {
        match (self.subject(), &self.value) {
            (Subject::Machine, AffinityValue::Exact(text)) if text.len() == UUID_LENGTH => Uuid::try_parse(text).ok(),
            _ => None,
        }
    }

    /// Whether a machine is among those that it addresses.
    pub fn is_match(&self, machine: &Machine<'_>) -> bool {
        match self.subject() {
            Subject::Image => false,
            Subject::Machine => match (self.machine_id(), &self.value) {
                (Some(id), _) => machine.id == id,
                (None, AffinityValue::Exact(text)) => machine.name == text || has_docker_id(machine, text),
                (None, value) => value.is_match(machine.name),
            },
            Subject::Tag(key) => {
                let tags = [machine.tags.get(key), machine.tags.get(&format!("{DOCKER_LABEL}{key}"))];
                tags.into_iter().flatten().any(|tag| self.value.is_match(&text_of(tag)))
            }
        }
    }

    /// What CloudAPI says when no active machine matches a hard `==` rule, after `No compute
    /// resources available: `. Other rules without a match are dropped without a word.
    ///
    /// ```
    /// use tsg_core::placement::cloudapi::AffinityRule;
    ///
    /// let rule: AffinityRule = "role==web".parse()?;
    /// let expected = r#"no active containers found matching tag "role=web" for affinity "role==web""#;
    /// assert_eq!(rule.unmatched().as_deref(), Some(expected));
    /// assert_eq!("role==~web".parse::<AffinityRule>()?.unmatched(), None);
    /// # Ok::<(), tsg_core::placement::cloudapi::InvalidAffinity>(())
    /// ```
    pub fn unmatched(&self) -> Option<String> {
        let value = &self.value;
        match self.subject() {
            _ if self.operator != Operator::TOGETHER => None,
            Subject::Image => None,
            Subject::Machine => {
                Some(format!("no active containers found matching \"{value}\" for affinity \"{self}\""))
            }
            Subject::Tag(key) => {
                Some(format!("no active containers found matching tag \"{key}={value}\" for affinity \"{self}\""))
            }
        }
    }
}

const UUID_LENGTH: usize = 36;
const DOCKER_LABEL: &str = "docker:label:";

/// Its whole Docker id, or the beginning of it.
fn has_docker_id(machine: &Machine<'_>, text: &str) -> bool {
    machine.docker_id.is_some_and(|id| id.starts_with(text))
}

/// A tag's value as CloudAPI compares it, whatever its type.
fn text_of(tag: &TagValue) -> String {
    match tag {
        TagValue::Bool(value) => value.to_string(),
        TagValue::Number(value) => value.to_string(),
        TagValue::Text(text) => text.clone(),
    }
}

impl fmt::Display for AffinityValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) | Self::Glob { text, .. } => out.write_str(text),
            Self::Expression(expression) => write!(out, "/{}/", expression.as_str()),
        }
    }
}

impl fmt::Display for AffinityRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}{}", self.key, self.operator, self.value)
    }
}
