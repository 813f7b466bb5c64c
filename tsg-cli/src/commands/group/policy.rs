//! A policy on the command line: in the argument itself, or in a file.
//!
//! Owns how it is found and read. It must never send one that the server would refuse.

use std::convert::Infallible;
use std::fs;
use std::str::FromStr;

use tsg_core::model::policy::Policy;

use crate::failure::Failure;

/// A policy as it was given.
#[derive(Debug, Clone)]
pub(super) struct PolicyText(String);

impl FromStr for PolicyText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl PolicyText {
    /// The policy: what begins with a brace is one, everything else is the name of a file.
    pub(super) fn read(&self) -> Result<Box<Policy>, Failure> {
        let text = self.0.trim();
        if text.starts_with('{') {
            return parse("--policy", text);
        }
        let read = fs::read_to_string(text).map_err(|error| {
            Failure::usage(format!("cannot read the policy {text:?}"))
                .because(&error)
                .next("give a JSON object such as '{\"update\": {\"max_surge\": 2}}', or the file it is in")
        })?;
        parse(text, &read)
    }
}

fn parse(source: &str, text: &str) -> Result<Box<Policy>, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::usage(format!("the policy of {source} cannot be used"))
            .because(&error)
            .next("docs/semantics.md has every field with its unit and default")
    })
}
