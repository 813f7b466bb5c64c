//! Blocks of JSON on the command line: in the argument itself, or in a file.
//!
//! Owns how they are found and read. It must never send one that the server would refuse.

use std::convert::Infallible;
use std::fs;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use tsg_core::health::spec::HealthSpec;
use tsg_core::model::policy::Policy;
use tsg_core::placement::rule::PlacementSpec;

use crate::failure::Failure;

/// A block as it was given.
#[derive(Debug, Clone)]
pub(crate) struct JsonArgument(String);

/// What can be given so.
pub(crate) trait Block: DeserializeOwned {
    /// What it is called; its flag has the same name.
    const NAME: &'static str;
    /// What one looks like.
    const EXAMPLE: &'static str;
    /// Where to read about its fields.
    const PAGE: &'static str;
}

impl Block for Policy {
    const NAME: &'static str = "policy";
    const EXAMPLE: &'static str = r#"{"update": {"max_surge": 2}}"#;
    const PAGE: &'static str = "docs/semantics.md";
}

impl Block for PlacementSpec {
    const NAME: &'static str = "placement";
    const EXAMPLE: &'static str = r#"{"cn": ["service!=~web"]}"#;
    const PAGE: &'static str = "docs/placement.md";
}

impl Block for HealthSpec {
    const NAME: &'static str = "health";
    const EXAMPLE: &'static str = r#"{"checks": [{"type": "http", "port": 8080}]}"#;
    const PAGE: &'static str = "docs/health.md";
}

impl FromStr for JsonArgument {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl JsonArgument {
    /// The block: what begins with a brace is one, everything else is the name of a file.
    pub(crate) fn read<T: Block>(&self) -> Result<Box<T>, Failure> {
        let (text, name) = (self.0.trim(), T::NAME);
        if text.starts_with('{') {
            return parse(&format!("--{name}"), text);
        }
        let read = fs::read_to_string(text).map_err(|error| {
            Failure::usage(format!("cannot read the {name} {text:?}"))
                .because(&error)
                .next(format!("give a JSON object such as '{}', or the file it is in", T::EXAMPLE))
        })?;
        parse(text, &read)
    }
}

fn parse<T: Block>(source: &str, text: &str) -> Result<Box<T>, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::usage(format!("the {} of {source} cannot be used", T::NAME))
            .because(&error)
            .next(format!("{} has every field with its unit and default", T::PAGE))
    })
}
