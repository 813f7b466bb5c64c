//! `tsg group instances --facts`: what each prober told of an instance last.
//!
//! Owns the table of one instance's facts. It must never show an old fact as if it were new.

use std::time::Duration;

use serde_json::Value;

use crate::api::shapes::{FactView, GroupView, InstanceHealth, InstanceView};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing::Listing;
use crate::output::Show;
use crate::table::Table;

/// One instance and what was heard of it: as many lines as there are checks and probers of them.
pub(super) struct Facts {
    found: Listing<InstanceView>,
    /// Whether its group has checks.
    is_asked: bool,
}

impl Facts {
    /// Those of the instance of this name or id, which is all that was asked for.
    pub(super) fn of(wanted: &str, group: &GroupView, found: Listing<InstanceView>) -> Result<Self, Failure> {
        let name = &group.name;
        if found.items.is_empty() {
            return Err(Failure::new(Exit::NotFound, format!("cannot find the instance {wanted:?}"))
                .why(format!("{name:?} has none of that name or id"))
                .next(format!("see `tsg group instances {name}`")));
        }
        let checks = group.health.get("checks").and_then(Value::as_array);
        Ok(Self { found, is_asked: checks.is_some_and(|checks| !checks.is_empty()) })
    }
}

impl Show for Facts {
    fn human(&self) -> String {
        self.found.items.iter().map(|member| of_one(member, self.is_asked)).collect::<Vec<_>>().join("\n\n")
    }

    fn json(&self) -> String {
        self.found.json()
    }
}

fn of_one(member: &InstanceView, is_asked: bool) -> String {
    let name = &member.name;
    let Some(health) = &member.health else {
        let why = if is_asked { "nothing is known of its health yet" } else { "nobody asks it how it is" };
        return format!("{name}: {why}");
    };
    let heading = format!("{name}: {}", InstanceHealth::in_words(health));
    if health.facts.is_empty() {
        return format!("{heading}\nNothing was heard of it yet.");
    }
    let headings = Table::new(["CHECK", "PROBER", "SEEN", "TOOK", "IN A ROW", "LAST FACT"]);
    let table = health.facts.iter().fold(headings, |table, fact| {
        table.row([fact.check.clone(), fact.prober.clone(), seen(fact), took(fact), in_a_row(fact), last(fact)])
    });
    format!("{heading}\n{}", table.render())
}

fn seen(fact: &FactView) -> String {
    let ago = fact.age_ms.map(|age_ms| format!("{} ago", rough(Duration::from_millis(age_ms))));
    match (ago, fact.is_stale) {
        (None, _) => "-".to_owned(),
        (Some(ago), false) => ago,
        (Some(ago), true) => format!("{ago}, stale"),
    }
}

/// In the largest unit of which there are two.
fn rough(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The server knows it roughly.
fn took(fact: &FactView) -> String {
    fact.took_ms.map_or_else(|| "-".to_owned(), |millis| format!("~{millis}ms"))
}

/// One that fails while it starts counts for nothing.
fn in_a_row(fact: &FactView) -> String {
    fact.in_a_row.filter(|count| *count > 0).map_or_else(|| "-".to_owned(), |count| count.to_string())
}

fn last(fact: &FactView) -> String {
    let outcome = match &fact.reason {
        Some(reason) => format!("{}: {reason}", fact.outcome),
        None => fact.outcome.clone(),
    };
    match &fact.cannot_tell {
        None => outcome,
        Some(why) if fact.age_ms.is_none() => format!("{outcome}: {why}"),
        Some(why) => format!("{outcome}; since then {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(health: &str) -> String {
        let member = format!(r#"{{"name": "edge-1", "health": {health}}}"#);
        of_one(&serde_json::from_str(&member).unwrap(), true)
    }

    #[test]
    fn a_fact_is_told_with_its_age_and_why_and_one_that_is_old_as_old() {
        let health = r#"{"verdict": "unhealthy", "reason": "it answered with status 503", "facts": [
            {"check": "http-80", "prober": "server", "outcome": "failed", "age_ms": 4100, "is_stale": false,
             "took_ms": 12.0, "in_a_row": 7, "reason": "it answered with status 503"},
            {"check": "http-80", "prober": "near", "outcome": "passed", "age_ms": 200000, "is_stale": true,
             "took_ms": 0.42, "in_a_row": 65535, "cannot_tell": "the prober is stopping"},
            {"check": "tcp-22", "prober": "server", "outcome": "unknown", "cannot_tell": "the prober has no way to its network"}
        ]}"#;
        let expected = "\
edge-1: unhealthy: it answered with status 503
CHECK    PROBER  SEEN           TOOK     IN A ROW  LAST FACT
http-80  server  4s ago         ~12ms    7         failed: it answered with status 503
http-80  near    3m ago, stale  ~0.42ms  65535     passed; since then the prober is stopping
tcp-22   server  -              -        -         unknown: the prober has no way to its network";
        assert_eq!(shown(health), expected);
    }

    #[test]
    fn one_of_which_nothing_is_known_says_so() {
        assert_eq!(shown("null"), "edge-1: nothing is known of its health yet");
        let unasked = serde_json::from_str(r#"{"name": "edge-1", "health": null}"#).unwrap();
        assert_eq!(of_one(&unasked, false), "edge-1: nobody asks it how it is");
        assert_eq!(shown(r#"{"verdict": "starting"}"#), "edge-1: starting\nNothing was heard of it yet.");
    }
}
