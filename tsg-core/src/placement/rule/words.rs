//! The words and characters of the language.
//!
//! Owns which there are, which are near to one another, and what may stand where. Must never read
//! a rule.

use alloc::vec::Vec;

use super::pattern::uuid_of;
use super::scope::Scope;

/// What a criterion may begin with.
pub(super) const CRITERIA: [&str; 7] = ["service", "group", "volume", "instance", "cn", "container", "project"];

/// Words that people try, and what they mean by them.
const TRIED: [(&str, &str); 12] = [
    ("compute_node", "cn"),
    ("deployment", "group:deployment"),
    ("host", "cn"),
    ("label", "instance"),
    ("machine", "instance"),
    ("node", "cn"),
    ("platform", "cn:platform"),
    ("server", "cn"),
    ("svc", "service"),
    ("tag", "instance"),
    ("vm", "instance"),
    ("zone", "instance"),
];

/// How long the beginning of a word is that stands for it.
const BEGINNING: usize = 3;

/// The word that somebody meant who wrote another one.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    let tried = TRIED.iter().find(|(tried, _)| *tried == lower).map(|(_, meant)| *meant);
    let begins = |known: &&&str| lower.len() >= BEGINNING && known.starts_with(&lower);
    tried.or_else(|| CRITERIA.iter().find(begins).copied()).or_else(|| nearest(&lower))
}

/// The scope that somebody meant who wrote another word before a colon and a blank.
pub(super) fn meant_scope(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    let near = SCOPES.iter().map(|known| (distance(known, &lower), *known)).min()?;
    let is_near = near.0 <= (lower.len() / 2).min(2);
    match meant(&lower) {
        Some("cn") => Some("cn"),
        _ => is_near.then_some(near.1),
    }
}

/// What scopes are called.
const SCOPES: [&str; 5] = ["cn", "rack", "dc", "data_center", "compute_node"];

/// A word that a tag's name looks like a mistake for: another case, one letter more or less.
pub(super) fn confusable(tag: &str) -> Option<&'static str> {
    let lower = tag.to_ascii_lowercase();
    CRITERIA.iter().copied().find(|known| *known == lower || (known.len() > BEGINNING && distance(known, &lower) == 1))
}

fn nearest(word: &str) -> Option<&'static str> {
    let near = CRITERIA.iter().map(|known| (distance(known, word), *known)).min()?;
    let is_near = near.0 <= (word.len() / BEGINNING).min(2);
    is_near.then_some(near.1)
}

/// How many letters have to be put in, taken out, changed or swapped with their neighbour. Long
/// words are far from all of ours.
fn distance(known: &str, word: &str) -> usize {
    if word.len() > 2 * known.len() {
        return word.len();
    }
    let (known, word): (Vec<u8>, Vec<u8>) = (known.bytes().collect(), word.bytes().collect());
    let mut rows: Vec<Vec<usize>> = Vec::with_capacity(known.len() + 1);
    rows.push((0..=word.len()).collect());
    for (row, letter) in known.iter().enumerate() {
        let mut next = Vec::with_capacity(word.len() + 1);
        next.push(row + 1);
        for (column, other) in word.iter().enumerate() {
            next.push(cell(&rows, &next, (row, column), letter == other, is_swap(&known, &word, row, column)));
        }
        rows.push(next);
    }
    rows.last().and_then(|row| row.last().copied()).unwrap_or(0)
}

fn is_swap(known: &[u8], word: &[u8], row: usize, column: usize) -> bool {
    let pair = |letters: &[u8], at: usize| Some((*letters.get(at.checked_sub(1)?)?, *letters.get(at)?));
    matches!((pair(known, row), pair(word, column)), (Some((a, b)), Some((c, d))) if a == d && b == c)
}

/// One cell of the table of distances; `row` and `column` are those of the letters.
fn cell(rows: &[Vec<usize>], next: &[usize], (row, column): (usize, usize), is_same: bool, is_swap: bool) -> usize {
    let above = |up: usize, left: usize| {
        let row = rows.get((row + 1).checked_sub(up)?)?;
        row.get((column + 1).checked_sub(left)?).copied()
    };
    let changed = above(1, 1).map(|cost| cost + usize::from(!is_same));
    let taken_out = above(1, 0).map(|cost| cost + 1);
    let put_in = next.last().map(|cost| cost + 1);
    let swapped = above(2, 2).filter(|_| is_swap).map(|cost| cost + 1);
    [changed, taken_out, put_in, swapped].into_iter().flatten().min().unwrap_or(usize::MAX)
}

/// Whether a tag may stand alone: nothing else is written like it.
pub(super) fn is_bare_tag(tag: &str) -> bool {
    let is_letter = |character: char| character.is_ascii_alphabetic() || character == '_';
    tag.starts_with(is_letter) && !tag.contains(':') && !CRITERIA.contains(&tag) && !is_kept(tag)
}

/// Whether a word is kept from being a tag that stands alone, since it would hardly be meant so.
pub(super) fn is_kept(word: &str) -> bool {
    Scope::named(word).is_some() || word == "platform"
}

/// Blanks may stand around every part of a rule.
pub(super) const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// What criteria are made of, colons included.
pub(super) const fn is_of_criterion(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.' | '/' | ':')
}

/// What operators are made of.
pub(super) const fn is_of_operator(character: char) -> bool {
    matches!(character, '=' | '!' | '~' | '<' | '>')
}

/// What a value without quotes is made of. What else regular expressions are made of is not
/// among it, so that none of them is taken for a name.
pub(super) fn is_of_value(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ':' | '/' | '@' | '+' | '%' | '#' | '&' | '*')
}

/// Whether a text has to stand in quotes to be a value that matches itself and nothing else.
pub(super) fn needs_quotes(text: &str, is_by_name: bool) -> bool {
    let is_special = text.is_empty() || text.starts_with('/') || text.contains('*');
    is_special || !text.chars().all(is_of_value) || (is_by_name && uuid_of(text).is_some())
}
