//! Reading a rule: its scope, its criterion and its operator.
//!
//! Owns the order of the parts and what is offered instead of a wrong one. Must never panic or
//! allocate more than the rule is long, whatever it is given.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use uuid::Uuid;

use super::criterion::{Criterion, GroupKind};
use super::hint::Hint;
use super::invalid::{Expected, Fault, Fix, Found, InvalidRule, KIND_LENGTH_MAX, RULE_LENGTH_MAX, TAG_LENGTH_MAX};
use super::operator::{Direction, Operator, Strength};
use super::pattern::{Pattern, uuid_of};
use super::scope::Scope;
use super::{Reading, Rule, words};

/// Reads a rule. Its scope is `given`, or stands before it, or is `cn`.
pub(super) fn rule(text: &str, given: Option<Scope>) -> Result<Reading, InvalidRule> {
    let mut reader = Reader::new(text)?;
    let scope = reader.scope(given)?;
    let criterion = reader.criterion()?;
    let (criterion, operator, pattern) = match one_node(&criterion, reader.rest_without_blanks()) {
        Some(id) => (Criterion::Node, Operator::TOGETHER, Pattern::Uuid(id)),
        None => {
            let operator = reader.operator(&criterion)?;
            let pattern = reader.value(&criterion)?;
            (criterion, operator, pattern)
        }
    };
    Ok(Reading { rule: Rule { scope, criterion, operator, pattern }, hints: reader.hints })
}

/// The compute node that `cn:<uuid>` names when nothing follows.
fn one_node(criterion: &Criterion, rest: &str) -> Option<Uuid> {
    match criterion {
        Criterion::NodeTag(id) if rest.is_empty() => uuid_of(id),
        _ => None,
    }
}

/// How far a rule has been read.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    criterion_at: usize,
    pub(super) hints: Vec<Hint>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Self, InvalidRule> {
        if text.len() <= RULE_LENGTH_MAX {
            return Ok(Self { text, at: 0, criterion_at: 0, hints: Vec::new() });
        }
        let last = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= RULE_LENGTH_MAX).last();
        let given: String = text.get(..last.unwrap_or(0)).unwrap_or("").to_string();
        Err(InvalidRule { place: given.len()..given.len(), given, fault: Fault::RuleTooLong, fix: None })
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The rest without the blanks at its end, which are nobody's business.
    pub(super) fn rest_without_blanks(&self) -> &'a str {
        self.rest().trim_end_matches(words::is_blank)
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(words::is_blank);
    }

    /// Reads on as long as characters are part of something, and tells where it stands.
    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> (&'a str, Range<usize>) {
        let (rest, start) = (self.rest(), self.at);
        let taken = rest.find(|character| !is_part(character)).map_or(rest, |end| rest.get(..end).unwrap_or(rest));
        self.at += taken.len();
        (taken, start..self.at)
    }

    pub(super) fn refused(&self, place: Range<usize>, fault: Fault) -> InvalidRule {
        InvalidRule { given: self.text.to_string(), place, fault, fix: None }
    }

    pub(super) fn unexpected(&self, place: Range<usize>, expected: Expected) -> InvalidRule {
        let found = match self.text.get(place.clone()).map(|text| (text.chars().next(), text.chars().nth(1))) {
            Some((Some(character), None)) => Found::Character(character),
            Some((Some(_), Some(_))) => Found::Text(self.text.get(place.clone()).unwrap_or("").to_string()),
            _ => Found::End,
        };
        self.refused(place, Fault::Unexpected { found, expected })
    }

    /// Something else was expected than the next character, or than the end.
    pub(super) fn unexpected_here(&self, expected: Expected) -> InvalidRule {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        self.unexpected(self.at..self.at + length, expected)
    }

    fn scope(&mut self, given: Option<Scope>) -> Result<Scope, InvalidRule> {
        let mut known = given;
        while let Some((written, place)) = self.written_scope() {
            let Some(given) = known.replace(written) else { continue };
            let refused = self.refused(place.clone(), Fault::ScopeGivenTwice { written, given });
            return Err(if written == given { refused.or(place.start..self.at, "") } else { refused });
        }
        Ok(known.unwrap_or_default())
    }

    /// The scope that stands here, and the place of it and its colon.
    fn written_scope(&mut self) -> Option<(Scope, Range<usize>)> {
        self.skip_blanks();
        let start = self.at;
        let (before, after) = self.rest().split_once(':')?;
        let word = before.trim_end_matches(words::is_blank);
        let has_blank = before.len() > word.len() || after.starts_with(words::is_blank);
        let scope = Scope::named(word).filter(|_| has_blank)?;
        self.at += before.len() + 1;
        self.skip_blanks();
        Some((scope, start..start + before.len() + 1))
    }

    fn criterion(&mut self) -> Result<Criterion, InvalidRule> {
        let (word, place) = self.take_while(words::is_of_criterion);
        let start = place.start;
        self.criterion_at = start;
        let Some((head, tail)) = word.split_once(':') else { return self.plain_criterion(word, place) };
        let tail_at = start + head.len() + 1;
        match head {
            "service" => Ok(Criterion::ServiceTag(self.tag(tail, tail_at)?)),
            "volume" => Ok(Criterion::VolumeTag(self.tag(tail, tail_at)?)),
            "instance" | "container" => Ok(Criterion::InstanceTag(self.tag(tail, tail_at)?)),
            "project" => {
                self.note_project(start);
                Ok(Criterion::GroupTag(GroupKind::deployment(), self.tag(tail, tail_at)?))
            }
            "group" => self.group(tail, tail_at),
            "cn" => self.node(tail, tail_at),
            _ => Err(self.unknown_criterion(head, tail, start)),
        }
    }

    /// A criterion without a colon.
    fn plain_criterion(&mut self, word: &str, place: Range<usize>) -> Result<Criterion, InvalidRule> {
        match word {
            "service" => Ok(Criterion::Service),
            "volume" => Ok(Criterion::Volume),
            "instance" | "container" => Ok(Criterion::Instance),
            "cn" => Ok(Criterion::Node),
            "project" => {
                self.note_project(place.start);
                Ok(Criterion::Group(GroupKind::deployment()))
            }
            "group" => Err(self.unexpected_here(Expected::GroupKind).or(place.end..place.end, ":deployment")),
            _ if words::is_kept(word) => Err(self.kept_word(word, place)),
            _ if words::is_bare_tag(word) => {
                if let Some(criterion) = words::confusable(word) {
                    self.hints.push(Hint::NearCriterion { position: place.start, tag: word.to_string(), criterion });
                }
                self.tag(word, place.start).map(Criterion::InstanceTag)
            }
            _ => {
                self.at = place.start;
                let refused = self.unexpected_here(Expected::Criterion);
                let is_tag = word.starts_with(|first: char| first.is_ascii_digit());
                Err(if is_tag { refused.or(place.start..place.start, "instance:") } else { refused })
            }
        }
    }

    fn note_project(&mut self, position: usize) {
        self.hints.push(Hint::Spelling { position, written: "project", better: "group:deployment" });
    }

    fn tag(&self, tag: &str, start: usize) -> Result<String, InvalidRule> {
        if !tag.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_') {
            let length = tag.chars().next().or(self.rest().chars().next()).map_or(0, char::len_utf8);
            return Err(self.unexpected(start..start + length, Expected::Tag));
        }
        self.short_enough(tag, start, TAG_LENGTH_MAX)
    }

    fn short_enough(&self, name: &str, start: usize, most: usize) -> Result<String, InvalidRule> {
        let bytes = name.len();
        if bytes <= most {
            return Ok(name.to_string());
        }
        Err(self.refused(start..start + bytes, Fault::NameTooLong { bytes, most }))
    }

    /// What follows `group:`.
    fn group(&self, tail: &str, start: usize) -> Result<Criterion, InvalidRule> {
        let (kind, tag) = tail.split_once(':').map_or((tail, None), |(kind, tag)| (kind, Some(tag)));
        let is_of_kind = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
        let wrong = kind.find(|character| !is_of_kind(character)).or(kind.is_empty().then_some(0));
        if let Some(wrong) = wrong {
            let here = self.text.get(start + wrong..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            return Err(self.unexpected(start + wrong..start + wrong + here, Expected::GroupKind));
        }
        let known = GroupKind(self.short_enough(kind, start, KIND_LENGTH_MAX)?);
        match tag {
            None => Ok(Criterion::Group(known)),
            Some(tag) => Ok(Criterion::GroupTag(known, self.tag(tag, start + kind.len() + 1)?)),
        }
    }

    /// What follows `cn:`.
    fn node(&mut self, tail: &str, start: usize) -> Result<Criterion, InvalidRule> {
        if tail == "platform" {
            return Ok(Criterion::Platform);
        }
        let head = tail.split_once(':').map_or(tail, |(head, _)| head);
        if words::CRITERIA.contains(&head) {
            self.hints.push(Hint::NearScope { position: start, tag: tail.to_string() });
        }
        self.tag(tail, start).map(Criterion::NodeTag)
    }

    /// A word that means something, and not what it would have to mean here.
    fn kept_word(&self, word: &str, place: Range<usize>) -> InvalidRule {
        let is_compared = self.rest().trim_start_matches(words::is_blank).starts_with('>');
        let meant = match Scope::named(word) {
            Some(Scope::Node) => "cn".to_string(),
            None if is_compared => "cn:platform".to_string(),
            _ => format!("instance:{word}"),
        };
        self.refused(place.clone(), Fault::KeptWord { word: word.to_string() }).or(place, &meant)
    }

    fn unknown_criterion(&self, head: &str, tail: &str, start: usize) -> InvalidRule {
        let place = start..start + head.len();
        let colon = place.end..place.end + 1;
        if head.is_empty() {
            return self.unexpected(colon, Expected::Criterion);
        }
        if tail.is_empty() && self.rest().starts_with(words::is_blank) {
            let refused = self.unexpected(place.clone(), Expected::Scope);
            return words::meant_scope(head)
                .into_iter()
                .fold(refused, |refused, scope| refused.or(place.clone(), scope));
        }
        let refused = self.refused(place.clone(), Fault::UnknownCriterion { word: head.to_string() });
        match (words::meant(head), Scope::named(head)) {
            (None, Some(_)) => refused.or(colon, ": "),
            (Some(meant), _) => refused.or(place, meant),
            (None, None) if self.rest_without_blanks().is_empty() && !tail.is_empty() => refused.or(colon, "=="),
            (None, None) => refused.or(start..start, "instance:"),
        }
    }

    fn operator(&mut self, criterion: &Criterion) -> Result<Operator, InvalidRule> {
        self.skip_blanks();
        let (written, place) = self.take_while(words::is_of_operator);
        if written.is_empty() {
            return Err(self.without_operator(criterion));
        }
        let is_comparison = written.starts_with('>');
        let known = OPERATORS.iter().find(|(spelling, _)| *spelling == written);
        match known {
            Some((_, operator)) if is_comparison == (*criterion == Criterion::Platform) => {
                self.note_spelling(written, place.start);
                Ok(*operator)
            }
            _ if *criterion == Criterion::Platform => {
                let refused = self.unexpected(place.clone(), Expected::AtLeast);
                Err(match nearest(written) {
                    Some(Operator { direction: Direction::Far, .. }) | None => refused,
                    Some(Operator { strength: Strength::Hard, .. }) => refused.or(place, ">="),
                    Some(Operator { strength: Strength::Soft, .. }) => refused.or(place, ">=~"),
                })
            }
            _ => {
                let refused = self.unexpected(place.clone(), Expected::Operator);
                let meant = nearest(written).filter(|_| !is_comparison);
                Err(meant.into_iter().fold(refused, |refused, meant| refused.or(place.clone(), &meant.to_string())))
            }
        }
    }

    fn note_spelling(&mut self, written: &str, position: usize) {
        let better = BETTER.iter().find(|(known, _)| *known == written);
        self.hints.extend(better.map(|(written, better)| Hint::Spelling { position, written, better }));
    }

    /// Where an operator is missing: a colon is often meant for one.
    fn without_operator(&self, criterion: &Criterion) -> InvalidRule {
        let next = self.rest().chars().next();
        let before = self.text.get(..self.at).unwrap_or("").trim_end_matches(words::is_blank);
        let colon = before.rfind(':').filter(|colon| *colon >= self.criterion_at);
        // A letter that no name has, in the middle of one.
        if before.len() == self.at && next.is_some_and(char::is_alphanumeric) {
            return self.unexpected_here(Expected::Tag);
        }
        let refused = self.unexpected_here(Expected::Operator);
        match (criterion, colon, next) {
            (Criterion::Group(_) | Criterion::Platform, ..) => refused,
            (_, _, Some(sign @ '≠')) => refused.or(self.at..self.at + sign.len_utf8(), "!="),
            (_, Some(colon), None) if !criterion.is_by_name() => refused.or(colon..colon + 1, "=="),
            _ => refused,
        }
    }
}

impl InvalidRule {
    /// The same with something to write instead of a part.
    pub(super) fn or(self, part: Range<usize>, with: &str) -> Self {
        Self { fix: Some(Fix { part, with: with.to_string() }), ..self }
    }
}

/// How operators are written.
const OPERATORS: [(&str, Operator); 8] = [
    ("==", Operator::TOGETHER),
    ("!=", Operator::APART),
    ("==~", Operator::TOGETHER.softened()),
    ("!=~", Operator::APART.softened()),
    ("!==", Operator::APART),
    ("!==~", Operator::APART.softened()),
    (">=", Operator::TOGETHER),
    (">=~", Operator::TOGETHER.softened()),
];

/// Spellings that are read and not written.
const BETTER: [(&str, &str); 2] = [("!==", "!="), ("!==~", "!=~")];

/// What somebody meant who wrote these signs: `~` is a wish, and `!` or `<>` is apart.
fn nearest(written: &str) -> Option<Operator> {
    let is_soft = written.contains('~');
    let operator = match written {
        _ if written.len() > LONGEST_MISTAKE => return None,
        "<>" => Operator::APART,
        _ if written.contains('<') => return None,
        _ if written.contains('!') => Operator::APART,
        _ => Operator::TOGETHER,
    };
    Some(if is_soft { operator.softened() } else { operator })
}

/// Longer than this, signs are no mistaken operator.
const LONGEST_MISTAKE: usize = 4;
