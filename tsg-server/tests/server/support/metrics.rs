//! Metrics as Prometheus' own parser reads them.
//!
//! Must never read the text itself: what the parser refuses, Prometheus refuses.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::client::{Answer, Asking};
use super::site::{Site, eventually};

/// Reads a text on its standard input and prints what is in it.
const PARSER: &str = "
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
print(json.dumps([
    {'name': f.name, 'kind': f.type, 'help': f.documentation, 'unit': f.unit,
     'samples': [{'name': s.name, 'labels': s.labels, 'value': float(s.value)} for s in f.samples]}
    for f in families(sys.stdin.read())]))
";

/// A family of metrics.
#[derive(Debug, Deserialize)]
pub struct Family {
    pub name: String,
    pub kind: String,
    pub help: String,
    pub unit: String,
    pub samples: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// Everything that was told at once.
#[derive(Debug)]
pub struct Scraped(pub Vec<Family>);

impl Scraped {
    fn read(text: &str) -> Self {
        // Debian's, since that is the one with Debian's packages.
        let mut python = Command::new("/usr/bin/python3");
        let piped = python.args(["-c", PARSER]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "the parser refuses it, or `cargo xtask tools` has not been run:\n{text}");
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// The samples of that name that have these labels among theirs.
    pub fn all<'a>(&'a self, name: &'a str, labels: &'a [(&str, &str)]) -> impl Iterator<Item = &'a Sample> {
        let has_all = move |sample: &&Sample| {
            let has = |(label, value): &(&str, &str)| sample.labels.get(*label).is_some_and(|known| known == value);
            labels.iter().all(has)
        };
        self.0.iter().flat_map(|family| &family.samples).filter(move |sample| sample.name == name).filter(has_all)
    }

    /// The value of the only one of them.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = self.all(name, labels);
        let value = found.next().map(|sample| sample.value);
        assert!(found.next().is_none(), "several of {name} {labels:?}");
        value
    }
}

/// Asks the listener of metrics.
pub async fn ask(site: &Site, path: &str) -> Answer {
    let address = site.server.metrics_address().unwrap();
    Asking::new("GET", &format!("http://{address}"), path).send().await
}

/// What is told now.
pub async fn scrape(site: &Site) -> Scraped {
    let answer = ask(site, "/metrics").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    Scraped::read(&answer.body)
}

/// What is told once it is as wanted.
pub async fn scraped_once(site: &Site, is_wanted: impl Fn(&Scraped) -> bool) -> Scraped {
    let answer = eventually(async || ask(site, "/metrics").await, |answer| is_wanted(&Scraped::read(&answer.body)));
    Scraped::read(&answer.await.body)
}
