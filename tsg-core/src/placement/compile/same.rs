//! Rules that CloudAPI means as we do.
//!
//! Owns which they are. A rule that goes as it is sees instances that are created at the same
//! moment, which a list of ids cannot. Must never let one through that matches anything of ours
//! which our rule does not match.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::newcomer::Newcomer;
use super::view::{Resident, View};
use crate::placement::cloudapi::{AffinityRule, Subject};
use crate::placement::inventory::Label;
use crate::placement::rule::{Criterion, Expression, Glob, Operator, Pattern, Rule};

/// The part of an affinity rule after which its operator comes, and the one behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wording {
    key: String,
    value: String,
}

impl Wording {
    /// An instance by its id.
    pub(super) fn of_instance(resident: &Resident<'_>) -> Self {
        Self { key: INSTANCE.to_string(), value: resident.id.to_string() }
    }

    /// With an operator.
    pub(super) fn with(&self, operator: Operator) -> String {
        let Self { key, value } = self;
        alloc::format!("{key}{operator}{value}")
    }

    /// As CloudAPI reads it; nothing where it refuses it.
    fn read(&self) -> Option<AffinityRule> {
        self.with(Operator::APART).parse().ok()
    }
}

const INSTANCE: &str = "instance";
const DOCKER_LABEL: &str = "docker:label:";

/// What can be said in CloudAPI's words of those that a rule is about.
#[derive(Debug, Default)]
pub(super) struct Said<'v> {
    parts: Vec<Part<'v>>,
}

/// A wording, and whom it tells of.
#[derive(Debug)]
struct Part<'v> {
    wording: Wording,
    rule: AffinityRule,
    /// The label that the tag stands for.
    carried: Option<&'v Label>,
}

impl<'v> Said<'v> {
    /// For a rule about instances.
    pub(super) fn of(view: &'v View<'v>, rule: &Rule) -> Self {
        let own = wording(rule).map(|wording| (wording, None));
        let is_meant = |label: &Label| label.criterion == rule.criterion && rule.pattern.is_match(&label.value);
        let carried = view.carriers.iter().filter(|carrier| is_meant(&carrier.label)).map(|carrier| {
            let (key, value) = (carrier.key.clone(), carrier.value.clone());
            (Wording { key, value }, Some(&carrier.label))
        });
        let mut said = Self::default();
        for (wording, carried) in own.into_iter().chain(carried) {
            said.add(view, rule, wording, carried);
        }
        said
    }

    /// Adds a wording, unless CloudAPI would find somebody by it whom the rule is not about.
    fn add(&mut self, view: &View<'_>, rule: &Rule, wording: Wording, carried: Option<&'v Label>) {
        let is_plain = carried.is_none() || is_plain(&wording.value);
        let Some(read) = wording.read().filter(|_| is_plain) else { return };
        let finds = |resident: &&Resident<'_>| is_found(&read, resident.labels.iter(), resident.name);
        let mut found = view.residents().iter().filter(finds);
        if found.all(|resident| resident.is_match(&rule.criterion, &rule.pattern)) {
            self.parts.push(Part { wording, rule: read, carried });
        }
    }

    /// The wordings, each once.
    pub(super) fn wordings(&self) -> Vec<Wording> {
        let mut wordings: Vec<Wording> = self.parts.iter().map(|part| part.wording.clone()).collect();
        wordings.sort();
        wordings.dedup();
        wordings
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether an instance is among those that are told of.
    pub(super) fn covers(&self, resident: &Resident<'_>) -> bool {
        self.parts.iter().any(|part| match part.carried {
            Some(label) => resident.has(label) && part.is_tagged(resident),
            None if part.rule.machine_id().is_some() => part.rule.machine_id() == Some(resident.id.uuid()),
            None => is_found(&part.rule, resident.labels.iter(), resident.name),
        })
    }

    /// Whether the new instance will be.
    pub(super) fn covers_newcomer(&self, newcomer: &Newcomer<'_>) -> bool {
        let name = newcomer.all_labels().find(|label| label.criterion == Criterion::Instance);
        let name = name.map(|label| label.value.as_str());
        self.parts.iter().any(|part| match part.carried {
            Some(label) => newcomer.all_labels().any(|own| own == label),
            None => {
                name.is_some_and(|name| is_found(&part.rule, [].iter(), name))
                    || is_found(&part.rule, newcomer.all_labels(), "")
            }
        })
    }
}

impl Part<'_> {
    /// Whether the tag is not known to be another one: people can change tags.
    fn is_tagged(&self, resident: &Resident<'_>) -> bool {
        let is_key =
            |label: &&Label| matches!(&label.criterion, Criterion::InstanceTag(key) if *key == self.wording.key);
        resident.labels.iter().find(is_key).is_none_or(|label| label.value == self.wording.value)
    }
}

/// Whether CloudAPI would find a machine with these labels, as far as they are tags, and this name.
fn is_found<'a>(rule: &AffinityRule, mut labels: impl Iterator<Item = &'a Label>, name: &str) -> bool {
    match rule.subject() {
        Subject::Image => false,
        Subject::Machine => rule.machine_id().is_none() && !name.is_empty() && rule.value().is_match(name),
        Subject::Tag(key) => labels.any(|label| match &label.criterion {
            Criterion::InstanceTag(tag) => {
                (tag == key || tag.strip_prefix(DOCKER_LABEL) == Some(key)) && rule.value().is_match(&label.value)
            }
            _ => false,
        }),
    }
}

/// The wording of a rule about names or tags, if CloudAPI means the same by it.
fn wording(rule: &Rule) -> Option<Wording> {
    let key = match &rule.criterion {
        Criterion::Instance => INSTANCE,
        Criterion::InstanceTag(tag) if !matches!(tag.as_str(), INSTANCE | "container" | "image") => tag,
        _ => return None,
    };
    let is_name = key == INSTANCE;
    let value = match &rule.pattern {
        Pattern::Uuid(id) if is_name => id.to_string(),
        // By an id, or by the beginning of one, CloudAPI finds other machines than those so named.
        Pattern::Exact(text) if is_plain(text) && !(is_name && is_like_id(text)) => text.clone(),
        Pattern::Glob(glob) if is_plain_glob(glob) && !(is_name && is_like_id(glob.as_str())) => glob.to_string(),
        Pattern::Expression(expression) if is_plain_expression(expression) => {
            alloc::format!("/{}/", expression.as_str())
        }
        _ => return None,
    };
    Some(Wording { key: key.to_string(), value })
}

/// Whether a text is what it looks like to CloudAPI as well, which also judges its characters.
fn is_plain(text: &str) -> bool {
    !text.contains('*') && (!text.starts_with('/') || !text.ends_with('/'))
}

/// Whether it is made of what ids are made of.
fn is_like_id(text: &str) -> bool {
    text != "*" && text.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'*'))
}

/// Whether a rule may be about an instance because of an id that nobody knows yet: instances go by
/// their ids as well, and some patterns match those.
pub(super) fn may_match_new_id(rule: &Rule) -> bool {
    let has_other_letters =
        |text: &str| text.bytes().any(|byte| byte.is_ascii_alphabetic() && !byte.is_ascii_hexdigit());
    match &rule.pattern {
        _ if rule.criterion != Criterion::Instance => false,
        Pattern::Expression(expression) => {
            let text = expression.as_str();
            text.contains(['|', '?', '*', '{', '\\', '[', '(']) || !has_other_letters(text)
        }
        Pattern::Glob(glob) => glob.as_str() == "*" || is_like_id(glob.as_str()),
        Pattern::Exact(_) | Pattern::Uuid(_) | Pattern::AtLeast(_) => false,
    }
}

/// Whether a glob has nothing in it but its stars that means something in an expression, which is
/// what CloudAPI makes of it.
fn is_plain_glob(glob: &Glob) -> bool {
    glob.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'*'))
}

/// Whether an expression is made of parts that all engines read alike: letters, digits, `-`, `_`,
/// alternatives and the ends. Sets, dots, repeats and groups with a `?` have their differences.
fn is_plain_expression(expression: &Expression) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'|' | b'(' | b')' | b'^' | b'$');
    let text = expression.as_str();
    text.bytes().all(is_part) && text.len() <= EXPRESSION_LENGTH_MAX
}

/// Longer ones are told by the ids of those that match.
const EXPRESSION_LENGTH_MAX: usize = 128;
