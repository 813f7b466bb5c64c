//! Every file opens with `//!` and says what it owns. Owns that rule only.

use super::Finding;
use super::sources::Source;

/// Least length of a header, in characters: a word or two say nothing.
const HEADER_MIN: usize = 15;

/// Finds files without a header.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    sources
        .iter()
        .filter(|source| header_length(&source.text) < HEADER_MIN)
        .map(|source| format!("{}: open the file with `//!`: what it owns, what it must never do", source.path))
        .collect()
}

fn header_length(text: &str) -> usize {
    text.lines()
        .skip_while(|line| line.starts_with("#!") && !line.starts_with("#!["))
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.trim().chars().count())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_header_is_found() {
        let source = |text: &str| Source { path: "a.rs".into(), text: text.into() };
        let good = source("//! Owns the answer; must never ask the question.\nfn a() {}\n");
        let bad = source("fn a() {}\n//! Owns the answer; must never ask the question.\n");
        let thin = source("//! Things.\n");
        assert_eq!(check(&[good]).len(), 0);
        assert_eq!(check(&[bad, thin]).len(), 2);
    }
}
