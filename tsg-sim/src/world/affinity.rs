//! Affinity rules as text: their grammar, the refusals in upstream's words, and what a value
//! matches. Which server follows from matches is placement's business, not this file's.

use regex_lite::{Regex, RegexBuilder};

use super::ids::{MachineId, parse_canonical};
use super::refusal::Refusal;
use super::requests::Locality;

const KEY_PATTERN: &str = r"/^[a-z_][a-z0-9\-_.]+$/i";
const VALUE_PATTERN: &str = r"/^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i";

/// A pattern's compiled size. Upstream compiles patterns in the middle of the allocator, without a
/// limit; here a pattern that is too large matches nothing.
const PATTERN_SIZE_LIMIT: usize = 64 * 1024;

/// Longest pattern that is compiled.
const PATTERN_LENGTH_LIMIT: usize = 256;

/// One affinity rule.
#[derive(Debug, Clone)]
pub(crate) struct AffinityRule {
    pub(crate) subject: Subject,
    pub(crate) direction: Direction,
    pub(crate) is_hard: bool,
    pub(crate) matcher: Matcher,
    value: String,
}

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Machines by uuid or name; the key as written.
    Instance(String),
    /// Machines by a tag.
    Tag(String),
    /// `image`: accepted and without effect.
    Nothing,
}

/// Together or apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Near,
    Far,
}

/// What a value matches.
#[derive(Debug, Clone)]
pub(crate) enum Matcher {
    Uuid(MachineId),
    Exact(String),
    Pattern(Option<Regex>),
}

impl Matcher {
    fn of(value: &str) -> Self {
        let inner = value.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|inner| !inner.is_empty());
        if let Some(inner) = inner {
            Self::Pattern(compile(inner))
        } else if value.contains('*') {
            // Upstream escapes nothing but the star, so a dot matches any character here as there.
            Self::Pattern(compile(&format!("^{}$", value.replace('*', ".*"))))
        } else {
            Self::Exact(value.to_owned())
        }
    }

    /// Whether a name or the text of a tag value matches.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Uuid(_) => false,
            Self::Exact(value) => value == text,
            Self::Pattern(regex) => regex.as_ref().is_some_and(|regex| regex.is_match(text)),
        }
    }
}

fn compile(pattern: &str) -> Option<Regex> {
    let is_short = pattern.len() <= PATTERN_LENGTH_LIMIT;
    is_short.then(|| RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_LIMIT).build().ok())?
}

impl AffinityRule {
    /// Reads one rule.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let split = |operator, direction| text.split_once(operator).map(|(key, value)| (key, value, direction));
        let Some((key, value, direction)) = split("==", Direction::Near).or_else(|| split("!=", Direction::Far)) else {
            return Err(Refusal::invalid_argument(format!(
                "could not find operator in affinity rule: expected one of \"==\", \"!=\": '{text}'"
            )));
        };
        let soft = value.strip_prefix('~');
        let value = soft.unwrap_or(value);
        if !is_key(key) {
            return Err(illegal("key", text, key, KEY_PATTERN));
        }
        if !is_value(value) {
            return Err(illegal("value", text, value, VALUE_PATTERN));
        }
        Ok(Self::new(key, direction, soft.is_none(), value))
    }

    fn new(key: &str, direction: Direction, is_hard: bool, value: &str) -> Self {
        let subject = match key {
            "instance" | "container" => Subject::Instance(key.to_owned()),
            "image" => Subject::Nothing,
            tag => Subject::Tag(tag.to_owned()),
        };
        let uuid = parse_canonical(value).filter(|_| matches!(subject, Subject::Instance(_)));
        let matcher = uuid.map_or_else(|| Matcher::of(value), |uuid| Matcher::Uuid(MachineId(uuid)));
        Self { subject, direction, is_hard, matcher, value: value.to_owned() }
    }

    /// The rules a `locality` stands for.
    pub(crate) fn of_locality(locality: &Locality) -> Vec<Self> {
        let near = locality.near.iter().map(|uuid| (Direction::Near, uuid));
        let far = locality.far.iter().map(|uuid| (Direction::Far, uuid));
        near.chain(far).map(|(direction, uuid)| Self::new("instance", direction, locality.strict, uuid)).collect()
    }

    /// The allocator's reason when a hard `==` matches nothing.
    pub(crate) fn no_match_reason(&self) -> String {
        let value = &self.value;
        match &self.subject {
            Subject::Tag(key) => {
                format!("no active containers found matching tag \"{key}={value}\" for affinity \"{key}=={value}\"")
            }
            Subject::Instance(key) => {
                format!("no active containers found matching \"{value}\" for affinity \"{key}=={value}\"")
            }
            Subject::Nothing => String::new(),
        }
    }
}

fn illegal(part: &str, rule: &str, found: &str, pattern: &str) -> Refusal {
    Refusal::invalid_argument(format!("invalid {part} in affinity rule: '{rule}': '{found}' does not match {pattern}"))
}

fn is_key(key: &str) -> bool {
    let mut bytes = key.bytes();
    let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    starts_well && key.len() >= 2 && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_value(value: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || r"-:_.*/()?+[]\^$|".contains(c);
    !value.is_empty() && value.chars().all(is_legal)
}

#[cfg(test)]
mod tests {
    use super::{AffinityRule, Direction, Matcher, Subject};

    fn refusal(rule: &str) -> String {
        let refusal = AffinityRule::parse(rule).unwrap_err();
        assert_eq!((refusal.status, refusal.code), (409, Some("InvalidArgument")));
        refusal.message
    }

    #[test]
    fn the_three_refusals_print_the_patterns() {
        assert_eq!(refusal("foo"), "could not find operator in affinity rule: expected one of \"==\", \"!=\": 'foo'");
        assert_eq!(
            refusal("x==a"),
            r"invalid key in affinity rule: 'x==a': 'x' does not match /^[a-z_][a-z0-9\-_.]+$/i"
        );
        let value = r"does not match /^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i";
        assert_eq!(refusal("role=="), format!("invalid value in affinity rule: 'role==': '' {value}"));
        assert_eq!(refusal("role==a,b"), format!("invalid value in affinity rule: 'role==a,b': 'a,b' {value}"));
        assert_eq!(refusal("xx==y!=z"), format!("invalid value in affinity rule: 'xx==y!=z': 'y!=z' {value}"));
        assert!(refusal("role=web").starts_with("could not find operator"));
    }

    #[test]
    fn operators_directions_and_subjects() {
        let rule = AffinityRule::parse("role!=~web").unwrap();
        assert_eq!((rule.direction, rule.is_hard), (Direction::Far, false));
        assert_eq!(rule.subject, Subject::Tag("role".into()));
        let rule = AffinityRule::parse("container==db0").unwrap();
        assert_eq!((rule.direction, rule.is_hard), (Direction::Near, true));
        assert_eq!(rule.subject, Subject::Instance("container".into()));
        assert_eq!(AffinityRule::parse("inst==db0").unwrap().subject, Subject::Tag("inst".into()));
        assert_eq!(AffinityRule::parse("image==db0").unwrap().subject, Subject::Nothing);
        let uuid = "instance==7b315468-c6be-46dc-b99b-9c1f59224693";
        assert!(matches!(AffinityRule::parse(uuid).unwrap().matcher, Matcher::Uuid(_)));
    }

    #[test]
    fn values_match_exactly_or_as_glob_or_as_unanchored_regex() {
        for (value, text, expected) in [
            ("db0", "db0", true),
            ("db0", "db01", false),
            ("DB0", "db0", false),
            ("db*", "db0", true),
            ("db*", "xdb0", false),
            ("d.*", "dxy", true),
            ("/^db[0-9]$/", "db0", true),
            ("/b[0-9]/", "xdb0y", true),
            ("/^db[0-9]$/", "db10", false),
            ("//", "//", true),
            ("/(/", "(", false),
        ] {
            assert_eq!(Matcher::of(value).is_match(text), expected, "{value} {text}");
        }
    }

    #[test]
    fn a_catastrophic_pattern_costs_linear_time() {
        let text = "a".repeat(5_000) + "!";
        assert!(!Matcher::of("/^(a+)+$/").is_match(&text));
    }
}
