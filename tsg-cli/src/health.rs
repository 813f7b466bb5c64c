//! Health checks on the command line: single ones in short, or a whole block.
//!
//! Owns the two flags, and how a block is listed.

use clap::Args;
use serde::Deserialize as _;
use serde_json::Value;
use tsg_core::health::check::{CheckSpec, Purpose};
use tsg_core::health::spec::HealthSpec;

use crate::failure::Failure;
use crate::json_argument::JsonArgument;

/// How it is known whether an instance is well.
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// What to ask of each instance, such as http:8080/ping, https:443/, tcp:5432, cloud or guest; give it again for
    /// each further check.
    #[arg(long = "check", value_name = "CHECK")]
    checks: Vec<String>,
    /// Checks with everything else there is to say of them: a JSON object, or the file it is in.
    #[arg(long, value_name = "FILE|JSON", conflicts_with = "checks")]
    health: Option<JsonArgument>,
}

impl HealthArgs {
    /// The block that was given, if any was.
    pub(crate) fn read(&self) -> Result<Option<Box<HealthSpec>>, Failure> {
        match &self.health {
            Some(block) => block.read().map(Some),
            None if self.checks.is_empty() => Ok(None),
            None => self.of_checks().map(Box::new).map(Some),
        }
    }

    fn of_checks(&self) -> Result<HealthSpec, Failure> {
        let read = |text: &String| {
            let checked = text.parse::<CheckSpec>();
            checked.map_err(|error| Failure::usage(format!("the check {text:?} cannot be made")).because(&error))
        };
        let spec = HealthSpec::of(self.checks.iter().map(read).collect::<Result<_, Failure>>()?);
        spec.check().map_err(|error| Failure::usage("these checks cannot stand together").because(&error))?;
        Ok(spec)
    }
}

/// A block as the server has it, a line for each check. What this version does not know is shown
/// as it came.
pub(crate) fn lines(block: &Value) -> Vec<String> {
    if block.is_null() {
        return Vec::new();
    }
    let Ok(spec) = HealthSpec::deserialize(block) else { return vec![block.to_string()] };
    spec.checks.iter().map(line).collect()
}

fn line(check: &CheckSpec) -> String {
    let purpose = match check.purpose {
        Purpose::Both => "",
        Purpose::Live => ", for repair only",
        Purpose::Ready => ", for discovery only",
    };
    let pacing = &check.pacing;
    let times = format!("every {}, {} failures in a row", pacing.interval, pacing.retries);
    format!("{} {check} ({times}{purpose})", check.name)
}
