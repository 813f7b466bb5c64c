//! Patterns that would keep an engine that back-tracks busy for years. Each of them is refused, or
//! done with a long text at once. They are the corpus of the fuzz targets as well.

use std::fs;
use std::path::Path;

use tsg_core::placement::cloudapi::AffinityRule;
use tsg_core::placement::rule::{Fault, InvalidExpression, Pattern, Rule};

/// How long the texts are, in bytes.
const TEXT_LENGTH: usize = 100_000;

/// Each file of a corpus, by name.
fn corpus(target: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// The value on the first line, and what follows again and again.
fn pattern_and_text(file: &str) -> (&str, String) {
    let (value, unit) = file.split_once('\n').unwrap();
    (value, unit.repeat(TEXT_LENGTH / unit.len() + 1))
}

#[test]
fn each_nasty_pattern_is_refused_or_done_with_a_long_text() {
    let mut refused = Vec::new();
    for (name, file) in corpus("placement_pattern") {
        let (value, text) = pattern_and_text(&file);
        match Rule::read(&format!("role=={value}")) {
            Ok(reading) => assert_eq!(reading.rule.pattern.is_match(&text), expected(&reading.rule.pattern), "{name}"),
            Err(fault) => refused.push((name, fault.fault)),
        }
    }
    let names: Vec<&str> = refused.iter().map(|(name, _)| name.as_str()).collect();
    let expected =
        ["atomic", "back-reference", "look-ahead", "look-behind", "overflow", "too-deep", "too-large", "too-many"];
    assert_eq!(names, expected);
    for (name, fault) in &refused {
        match (name.as_str(), fault) {
            ("too-deep", Fault::Expression(InvalidExpression::TooDeep)) => {}
            ("too-large" | "too-many", Fault::Expression(InvalidExpression::TooLarge)) => {}
            (_, Fault::Expression(InvalidExpression::Syntax { .. })) => {}
            _ => panic!("{name}: {fault:?}"),
        }
    }
}

/// Nearly all of them are made to miss at the last moment.
fn expected(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Glob(glob) => ["*", "*.*.*.*"].contains(&glob.as_str()) || glob.as_str().starts_with("aaaa"),
        _ => false,
    }
}

#[test]
fn cloudapis_engine_is_not_needed_for_its_rules_either() {
    let mut done = 0;
    for (name, file) in corpus("placement_pattern") {
        let (value, text) = pattern_and_text(&file);
        if let Ok(rule) = format!("role=={value}").parse::<AffinityRule>() {
            assert!(!rule.value().is_match(&text) || value.starts_with('*') || value.starts_with("aaaa"), "{name}");
            done += 1;
        }
    }
    assert!(done > 20, "{done} of them are values that CloudAPI would take");
}

#[test]
fn each_nasty_rule_is_read_to_be_written_or_refused_with_its_place() {
    for (name, text) in corpus("placement_rule") {
        match Rule::read(&text) {
            Ok(reading) => assert!(reading.rule.is_writable(), "{name}"),
            Err(refused) => {
                assert_eq!(refused.drawing().lines().count(), 2, "{name}");
                assert!(refused.to_string().len() < 3 * 1024, "{name}");
            }
        }
    }
}
