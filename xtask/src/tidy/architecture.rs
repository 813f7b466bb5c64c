//! docs/ARCHITECTURE.md names only what exists. Owns that rule and the page's length.

use std::path::Path;

use super::Finding;
use super::sources::Source;
use crate::command::Failure;

/// The page is read in one sitting.
const LINES_MAX: usize = 250;
const PAGE: &str = "docs/ARCHITECTURE.md";

/// Finds names in backticks that stand for nothing.
pub fn check(root: &Path, sources: &[Source]) -> Result<Vec<Finding>, Failure> {
    let text = std::fs::read_to_string(root.join(PAGE))
        .map_err(|error| Failure::File { path: PAGE.to_owned(), reason: error.to_string() })?;
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        findings.push(format!("{PAGE}: {lines} lines, at most {LINES_MAX}"));
    }
    for name in named(&text) {
        let exists = if is_path(&name) { root.join(&name).exists() } else { is_defined(&name, sources) };
        if !exists {
            findings.push(format!("{PAGE}: `{name}` does not exist"));
        }
    }
    Ok(findings)
}

/// What stands in backticks and looks like a path or a type.
fn named(text: &str) -> Vec<String> {
    let inline = text.split("```").step_by(2);
    inline
        .flat_map(|prose| prose.split('`').skip(1).step_by(2))
        .filter(|name| is_path(name) || is_type(name))
        .map(str::to_owned)
        .collect()
}

fn is_path(name: &str) -> bool {
    let is_plain = name.chars().all(|character| character.is_ascii_alphanumeric() || "/._-".contains(character));
    is_plain && !name.starts_with('/') && (name.contains('/') || name.ends_with(".rs") || name.ends_with(".toml"))
}

fn is_type(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|character| character.is_ascii_alphanumeric())
        && name.chars().any(|character| character.is_ascii_lowercase())
}

fn is_defined(name: &str, sources: &[Source]) -> bool {
    let words = ["struct ", "enum ", "trait ", "type "].map(|keyword| format!("{keyword}{name}"));
    sources.iter().any(|source| words.iter().any(|word| contains_word(&source.text, word)))
}

fn contains_word(text: &str, word: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
    text.match_indices(word).any(|(at, _)| ends(&text[at + word.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_from_prose_and_not_from_code_blocks() {
        let text = "see `tsg-core/src/lib.rs` and `Plan`, not `cargo test`.\n```\n`Nothing`\n```\nand `Group`";
        assert_eq!(named(text), ["tsg-core/src/lib.rs", "Plan", "Group"]);
    }

    #[test]
    fn a_type_must_be_defined_whole() {
        let source = Source { path: "a.rs".into(), text: "pub struct PlanInput<'a> {}".into() };
        assert!(is_defined("PlanInput", std::slice::from_ref(&source)));
        assert!(!is_defined("Plan", &[source]));
    }
}
