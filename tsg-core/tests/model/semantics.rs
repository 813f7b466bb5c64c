//! The page for users says what is built: its defaults are the defaults, its examples are read.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tsg_core::model::policy::{Policy, Window};

const PAGE: &str = include_str!("../../../docs/semantics.md");

/// Field and default of every row under the heading of a block.
fn rows(block: &str) -> BTreeMap<&'static str, &'static str> {
    let heading = format!("### `{block}`\n");
    let (_, section) = PAGE.split_once(&heading).unwrap_or_else(|| panic!("no section {block}"));
    let section = section.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    cells.map(|(field, rest)| (field, rest.split(" | ").next().unwrap())).collect()
}

/// A value as the page writes it.
fn written(value: &Value) -> String {
    match value {
        Value::Null => "none".to_string(),
        Value::String(text) => text.clone(),
        Value::Array(values) => format!("[{}]", values.iter().map(written).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Every field of a block, those of blocks in it under a dotted name.
fn fields(block: &Value) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for (field, value) in block.as_object().unwrap() {
        match value {
            Value::Object(inner) => {
                fields.extend(inner.iter().map(|(name, value)| (format!("{field}.{name}"), written(value))));
            }
            value => drop(fields.insert(field.clone(), written(value))),
        }
    }
    fields
}

#[test]
fn every_field_stands_on_the_page_with_its_default() {
    let policy = serde_json::to_value(Policy::default()).unwrap();
    let (mut blocks, mut seen) = (policy.as_object().unwrap().clone(), 0);
    assert_eq!((blocks.remove("identity"), blocks.remove("windows")), (Some(json!("unordered")), Some(json!([]))));
    for (block, defaults) in &blocks {
        let expected = fields(defaults);
        let rows: BTreeMap<String, String> =
            rows(block).into_iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
        assert_eq!(rows, expected, "{block}");
        seen += rows.len();
    }
    assert!(seen > 40, "{seen} fields");
}

#[test]
fn a_window_on_the_page_has_the_defaults_of_a_window() {
    let window: Window = serde_json::from_value(json!({"from": "01:00", "to": "02:00"})).unwrap();
    let mut expected = fields(&serde_json::to_value(window).unwrap());
    for given in ["from", "to"] {
        expected.insert(given.to_string(), "must be given".to_string());
    }
    let rows = rows("windows").into_iter().map(|(field, value)| (field.to_string(), value.to_string()));
    assert_eq!(rows.collect::<BTreeMap<_, _>>(), expected);
}

#[test]
fn every_example_on_the_page_is_a_policy() {
    let examples: Vec<&str> =
        PAGE.split("```json policy\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 12, "{} examples", examples.len());
    for example in examples {
        if let Err(fault) = serde_json::from_str::<Policy>(example) {
            panic!("{example}{fault}");
        }
    }
}

#[test]
fn the_refusal_on_the_page_is_the_one_that_is_given() {
    let quoted: Vec<&str> = PAGE.lines().filter_map(|line| line.strip_prefix("> ")).collect();
    let refusal = serde_json::from_value::<Policy>(json!({"update": {"max_surge": 0}})).unwrap_err().to_string();
    assert!(quoted.join(" ").contains(&refusal), "{refusal}");
}

#[test]
fn what_the_page_about_health_proposes_are_policies() {
    let page = include_str!("../../../docs/health.md");
    let spans = page.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('`'));
    let policies: Vec<&str> = spans.filter(|span| span.starts_with("{\"")).collect();
    for policy in &policies {
        assert!(serde_json::from_str::<Policy>(policy).is_ok_and(|read| read != Policy::default()), "{policy}");
    }
    assert!(policies.len() >= 5, "{policies:?}");
}
