//! What must hold for every input. Owns one function for each fuzz target, which panics when it
//! does not hold; must never depend on who feeds it, libFuzzer or a test.
//!
//! `./run placement_rule 60` fuzzes for a minute with the compiler that everything else is built
//! with, `cargo fuzz run placement_rule` as long as you like with a nightly one, and
//! `cargo test --no-default-features` tries changed files of the corpus without libFuzzer.

use tsg_core::placement::cloudapi::AffinityRule;
use tsg_core::placement::rule::{Pattern, Rule};

/// A rule is read and then written so that it reads back as the same, or it is refused with its
/// place, and a fix is not the rule itself.
pub fn placement_rule(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    match Rule::read(text) {
        Ok(reading) => {
            let written = reading.rule.to_string();
            assert_eq!(Rule::read(&written).map(|again| again.rule), Ok(reading.rule), "{text:?} as {written:?}");
            reading.hints.iter().for_each(|hint| assert!(text.is_char_boundary(hint.position()), "{text:?}: {hint:?}"));
        }
        Err(refused) => {
            assert!(refused.given.get(refused.place.clone()).is_some(), "{refused:?}");
            assert_eq!(refused.drawing().split('\n').count(), 2, "{refused:?}");
            assert!(!refused.to_string().contains(char::is_control), "{refused:?}");
            assert_ne!(refused.fixed().as_deref(), Some(text), "{refused:?}");
        }
    }
    if let Ok(rule) = text.parse::<AffinityRule>() {
        assert_eq!(rule.to_string(), text);
    }
}

/// The first line is a value, what follows is a text. Both engines are done with it; a glob says
/// what a naive one says, and an exact value what it must.
pub fn placement_pattern(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    let Some((value, text)) = text.split_once('\n') else { return };
    if let Ok(reading) = Rule::read(&format!("role=={value}")) {
        let is_match = reading.rule.pattern.is_match(text);
        match &reading.rule.pattern {
            Pattern::Exact(exact) => assert_eq!(is_match, exact == text),
            Pattern::Glob(glob) => assert_eq!(is_match, is_glob_match(glob.as_str(), text), "{glob} {text:?}"),
            Pattern::Expression(_) => assert_eq!(is_match, reading.rule.pattern.is_match(text)),
            Pattern::Uuid(_) | Pattern::AtLeast(_) => panic!("no value of a tag: {value:?}"),
        }
    }
    if let Ok(rule) = format!("role=={value}").parse::<AffinityRule>() {
        rule.value().is_match(text);
    }
}

/// A glob by a table of which of its beginnings match which of the text's: slow, and plain.
fn is_glob_match(glob: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut matched = vec![false; text.len() + 1];
    matched[0] = true;
    for part in glob.chars() {
        let before = matched.clone();
        for end in 0..=text.len() {
            matched[end] = match part {
                '*' => before[end] || (end > 0 && matched[end - 1]),
                part => end > 0 && before[end - 1] && text[end - 1] == part,
            };
        }
    }
    matched[text.len()]
}
