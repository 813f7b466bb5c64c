//! Rules in words.
//!
//! Owns the sentence that a rule means. Must never know where anything stands.

use core::fmt;

use super::{Criterion, Direction, Pattern, Rule, Scope, Strength};

/// A rule as a sentence about a new instance, without a full stop.
///
/// ```
/// use tsg_core::placement::rule::{Rule, in_words};
///
/// let rule: Rule = "rack: role!=~db-*".parse()?;
/// assert_eq!(
///     in_words(&rule).to_string(),
///     "should rather stand in a rack without an instance whose tag \"role\" matches db-*"
/// );
/// # Ok::<(), tsg_core::placement::rule::InvalidRule>(())
/// ```
pub const fn in_words(rule: &Rule) -> impl fmt::Display + '_ {
    InWords(rule)
}

struct InWords<'a>(&'a Rule);

impl fmt::Display for InWords<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.0;
        out.write_str(match rule.operator.strength {
            Strength::Hard => "must stand ",
            Strength::Soft => "should rather stand ",
        })?;
        match (rule.scope, rule.criterion.is_about_nodes()) {
            (Scope::Node, true) => write_node_itself(rule, out),
            (scope, _) => {
                out.write_str(place_of(scope))?;
                out.write_str(match rule.operator.direction {
                    Direction::Near => " with ",
                    Direction::Far => " without ",
                })?;
                write_subject(rule, out)
            }
        }
    }
}

const fn place_of(scope: Scope) -> &'static str {
    match scope {
        Scope::Node => "on a compute node",
        Scope::Rack => "in a rack",
        Scope::DataCentre => "in a data centre",
    }
}

/// A compute node that is asked for by what it is, not by what runs on it.
fn write_node_itself(rule: &Rule, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    out.write_str("on a compute node ")?;
    match &rule.criterion {
        Criterion::NodeTag(tag) => write!(out, "whose tag {tag:?} ")?,
        Criterion::Platform => out.write_str("whose platform image ")?,
        _ => out.write_str("that ")?,
    }
    match rule.operator.direction {
        Direction::Near => write_match(&rule.pattern, out),
        Direction::Far => write_mismatch(&rule.pattern, out),
    }
}

/// What a place has, or has not.
fn write_subject(rule: &Rule, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &rule.criterion {
        Criterion::Service => out.write_str("an instance of a service that ")?,
        Criterion::ServiceTag(tag) => write!(out, "an instance of a service whose tag {tag:?} ")?,
        Criterion::Group(kind) => write!(out, "an instance in a {kind} group that ")?,
        Criterion::GroupTag(kind, tag) => write!(out, "an instance in a {kind} group whose tag {tag:?} ")?,
        Criterion::Volume => out.write_str("an instance with a volume that ")?,
        Criterion::VolumeTag(tag) => write!(out, "an instance with a volume whose tag {tag:?} ")?,
        Criterion::Instance => out.write_str("an instance that ")?,
        Criterion::InstanceTag(tag) => write!(out, "an instance whose tag {tag:?} ")?,
        Criterion::Node => out.write_str("a compute node that ")?,
        Criterion::NodeTag(tag) => write!(out, "a compute node whose tag {tag:?} ")?,
        Criterion::Platform => out.write_str("a compute node whose platform image ")?,
    }
    write_match(&rule.pattern, out)
}

fn write_match(pattern: &Pattern, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match pattern {
        Pattern::Exact(text) => write!(out, "is {text:?}"),
        Pattern::Uuid(id) => write!(out, "is {id}"),
        Pattern::Glob(glob) => write!(out, "matches {glob}"),
        Pattern::Expression(expression) => write!(out, "matches /{}/", expression.as_str()),
        Pattern::AtLeast(image) => write!(out, "is {image} or a later one"),
    }
}

fn write_mismatch(pattern: &Pattern, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match pattern {
        Pattern::Exact(text) => write!(out, "is not {text:?}"),
        Pattern::Uuid(id) => write!(out, "is not {id}"),
        Pattern::Glob(glob) => write!(out, "does not match {glob}"),
        Pattern::Expression(expression) => write!(out, "does not match /{}/", expression.as_str()),
        Pattern::AtLeast(image) => write!(out, "is older than {image}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_criterion_has_its_sentence() {
        let id = "0a0b0c0d-0000-4000-8000-000000000001";
        let cases = [
            ("service!=web", "must stand on a compute node without an instance of a service that is \"web\""),
            (
                "service:tier==~gold",
                "should rather stand on a compute node with an instance of a service whose tag \"tier\" is \"gold\"",
            ),
            (
                "group:deployment==/^shop/",
                "must stand on a compute node with an instance in a deployment group that matches /^shop/",
            ),
            (
                "project:env!=prod",
                "must stand on a compute node without an instance in a deployment group whose tag \"env\" is \"prod\"",
            ),
            ("dc: volume==data-*", "must stand in a data centre with an instance with a volume that matches data-*"),
            (
                "volume:kind!=~hot",
                "should rather stand on a compute node without an instance with a volume whose tag \"kind\" is \"hot\"",
            ),
            ("instance==silent_bob", "must stand on a compute node with an instance that is \"silent_bob\""),
            ("cn!=RA10", "must stand on a compute node that is not \"RA10\""),
            ("rack: cn:power==green", "must stand in a rack with a compute node whose tag \"power\" is \"green\""),
            ("cn:ssd!=~/yes|on/", "should rather stand on a compute node whose tag \"ssd\" does not match /yes|on/"),
            (
                "cn:platform>=20260101T000000Z",
                "must stand on a compute node whose platform image is 20260101T000000Z or a later one",
            ),
        ];
        for (written, words) in cases {
            assert_eq!(in_words(&written.parse().unwrap()).to_string(), words, "{written}");
        }
        let node: Rule = alloc::format!("cn:{id}").parse().unwrap();
        assert_eq!(in_words(&node).to_string(), alloc::format!("must stand on a compute node that is {id}"));
    }
}
