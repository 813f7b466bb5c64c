//! Values: how they are read and written.
//!
//! Owns quotes, slashes and stars. Must never know what is compared, apart from whether it is a
//! name.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::fmt::Write as _;
use core::ops::Range;

use super::criterion::Criterion;
use super::expression::{Expression, InvalidExpression};
use super::hint::Hint;
use super::invalid::{Expected, Fault, InvalidRule, VALUE_LENGTH_MAX};
use super::pattern::{Glob, Pattern, uuid_of};
use super::platform::PlatformImage;
use super::read::Reader;
use super::words;

/// Writes a value so that it reads back as the same.
pub(super) fn write(pattern: &Pattern, criterion: &Criterion, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match pattern {
        Pattern::Exact(text) if words::needs_quotes(text, criterion.is_by_name()) => out.write_str(&quoted(text)),
        Pattern::Exact(text) => out.write_str(text),
        Pattern::Glob(glob) => write!(out, "{glob}"),
        Pattern::Expression(expression) => write!(out, "/{}/", expression.as_str()),
        Pattern::Uuid(id) => write!(out, "{id}"),
        Pattern::AtLeast(image) => write!(out, "{image}"),
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

impl Reader<'_> {
    /// The value, up to the end of the rule.
    pub(super) fn value(&mut self, criterion: &Criterion) -> Result<Pattern, InvalidRule> {
        self.skip_blanks();
        let raw = self.rest_without_blanks();
        let place = self.at..self.at + raw.len();
        if raw.len() > VALUE_LENGTH_MAX {
            return Err(self.refused(place, Fault::ValueTooLong { bytes: raw.len() }));
        }
        if let Some((at, control)) = raw.char_indices().find(|(_, character)| character.is_control()) {
            let start = place.start + at;
            return Err(self.unexpected(start..start + control.len_utf8(), Expected::Printable));
        }
        match raw.chars().next() {
            None => Err(self.unexpected_here(Expected::Value)),
            Some(_) if *criterion == Criterion::Platform => self.image(raw, place),
            Some('"') => self.in_quotes(raw, place),
            Some('/') => self.in_slashes(raw, place),
            Some(_) => self.bare(raw, place, criterion.is_by_name()),
        }
    }

    fn image(&self, raw: &str, place: Range<usize>) -> Result<Pattern, InvalidRule> {
        let meant = [raw.trim_matches('"').to_string(), format!("{raw}T000000Z")];
        raw.parse().map(Pattern::AtLeast).map_err(|_| {
            let refused = self.unexpected(place.clone(), Expected::PlatformImage);
            let meant = meant.iter().find(|meant| meant.parse::<PlatformImage>().is_ok());
            meant.into_iter().fold(refused, |refused, meant| refused.or(place.clone(), meant))
        })
    }

    fn in_quotes(&self, raw: &str, place: Range<usize>) -> Result<Pattern, InvalidRule> {
        let mut text = String::with_capacity(raw.len());
        let mut characters = raw.char_indices().skip(1);
        let at = |index: usize| place.start + index;
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => return self.nothing_after(text, at(index + 1)..place.end),
                '\\' => match characters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    next => {
                        let length = next.map_or(0, |(_, next)| next.len_utf8());
                        let refused = self.unexpected(at(index + 1)..at(index + 1 + length), Expected::Escaped);
                        return Err(refused.or(at(index)..at(index + 1), "\\\\"));
                    }
                },
                _ => text.push(character),
            }
        }
        Err(self.unexpected(place.end..place.end, Expected::ClosingQuote).or(place.end..place.end, "\""))
    }

    fn nothing_after(&self, text: String, rest: Range<usize>) -> Result<Pattern, InvalidRule> {
        match self.text.get(rest.clone()).and_then(|rest| rest.chars().next()) {
            None => Ok(Pattern::Exact(text)),
            Some(next) => Err(self.unexpected(rest.start..rest.start + next.len_utf8(), Expected::End)),
        }
    }

    fn in_slashes(&self, raw: &str, place: Range<usize>) -> Result<Pattern, InvalidRule> {
        let Some(source) = raw.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) else {
            return Err(self.without_slash(raw, place));
        };
        source.parse().map(Pattern::Expression).map_err(|fault| match fault {
            InvalidExpression::Empty => self.refused(place.clone(), Fault::Expression(fault)).or(place, "*"),
            InvalidExpression::Syntax { position, .. } => {
                let start = (place.start + 1 + position).min(place.end - 1);
                let length = self.text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
                self.refused(start..start + length, Fault::Expression(fault))
            }
            InvalidExpression::TooLarge | InvalidExpression::TooDeep => self.refused(place, Fault::Expression(fault)),
        })
    }

    /// A slash at the beginning and none at the end: flags, an open end, or a path.
    fn without_slash(&self, raw: &str, place: Range<usize>) -> InvalidRule {
        let inner = raw.strip_prefix('/').unwrap_or(raw);
        if let Some(source) = inner.strip_suffix("/i") {
            return self.unexpected(place.end - 1..place.end, Expected::End).or(place, &format!("/(?i){source}/"));
        }
        let refused = self.unexpected(place.end..place.end, Expected::ClosingSlash);
        let is_expression = !inner.chars().all(words::is_of_value) && inner.parse::<Expression>().is_ok();
        match inner.contains('*') {
            _ if is_expression => refused.or(place.end..place.end, "/"),
            true => refused.or(place, &format!("/^{}$/", as_expression(raw))),
            false => refused.or(place, &quoted(raw)),
        }
    }

    fn bare(&mut self, raw: &str, place: Range<usize>, is_by_name: bool) -> Result<Pattern, InvalidRule> {
        if let Some((at, other)) = raw.char_indices().find(|(_, character)| !words::is_of_value(*character)) {
            let start = place.start + at;
            return Err(self.not_bare(raw, place, start..start + other.len_utf8()));
        }
        if raw.contains('*') {
            let dot = raw.find(".*").map(|at| Hint::DotInGlob { position: place.start + at });
            self.hints.extend(dot);
            return Ok(Pattern::Glob(Glob::new(raw)));
        }
        Ok(match uuid_of(raw) {
            Some(id) if is_by_name => Pattern::Uuid(id),
            _ => Pattern::Exact(raw.to_string()),
        })
    }

    /// A value that would need quotes or slashes.
    fn not_bare(&self, raw: &str, place: Range<usize>, wrong: Range<usize>) -> InvalidRule {
        if let Some(open) = raw.find("{{") {
            let start = place.start + open;
            return self.refused(start..start + 2, Fault::Template);
        }
        let refused = self.unexpected(wrong.clone(), Expected::MoreOfValue);
        let is_blank = self.text.get(wrong).is_some_and(|text| text.starts_with(words::is_blank));
        // After a blank there may be a whole second rule, which would not belong into quotes.
        if is_blank && raw.contains(words::is_of_operator) {
            return refused;
        }
        refused.or(place, &closed(raw))
    }
}

/// The value that somebody meant who left out quotes or slashes.
fn closed(raw: &str) -> String {
    let inner = |quote: char| raw.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if let Some(text) = inner('\'').or(inner('`')) {
        return quoted(text);
    }
    let names = raw.split(',').map(str::trim);
    if raw.contains(',') && names.clone().all(|name| !name.is_empty() && name.chars().all(words::is_of_value)) {
        let any = names.map(as_expression).reduce(|all, name| format!("{all}|{name}"));
        return format!("/^({})$/", any.unwrap_or_default());
    }
    let is_expression = raw.contains(['^', '$', '|', '(', ')', '[', ']', '\\']) && raw.parse::<Expression>().is_ok();
    match raw.contains(['*', '?']) {
        _ if is_expression => format!("/{raw}/"),
        true => format!("/^{}$/", as_expression(raw)),
        false => quoted(raw),
    }
}

/// A glob as an expression, in which `?` is any one character.
fn as_expression(glob: &str) -> String {
    let mut expression = String::with_capacity(2 * glob.len());
    for character in glob.chars() {
        // Writing to a text cannot fail.
        let _ = match character {
            '*' => expression.write_str(".*"),
            '?' => expression.write_str("."),
            '.' | '+' | '(' | ')' | '[' | ']' | '|' | '^' | '$' | '\\' | '{' | '}' => {
                write!(expression, "\\{character}")
            }
            _ => expression.write_char(character),
        };
    }
    expression
}
