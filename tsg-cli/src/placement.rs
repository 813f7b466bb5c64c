//! Placement on the command line: single rules, or a whole block.
//!
//! Owns the two flags, how a rule that cannot be read is shown, and how a block is listed.

use clap::Args;
use serde::Deserialize as _;
use serde_json::Value;
use tsg_core::placement::rule::{Enforce, InvalidRule, PlacementSpec, Reading, Rule};

use crate::failure::Failure;
use crate::json_argument::JsonArgument;

/// Where instances may go, and where they would rather go.
#[derive(Debug, Args)]
pub(crate) struct PlacementArgs {
    /// Rule about where instances may go, such as 'service!=~web' or 'rack: role!=db'; give it again for each further
    /// one. See `tsg placement check --help`.
    #[arg(long = "place", value_name = "RULE")]
    rules: Vec<String>,
    /// Rules, spread and preferences together: a JSON object, or the file it is in.
    #[arg(long, value_name = "FILE|JSON", conflicts_with = "rules")]
    placement: Option<JsonArgument>,
}

impl PlacementArgs {
    /// The placement that was given, if any was.
    pub(crate) fn read(&self) -> Result<Option<Box<PlacementSpec>>, Failure> {
        match &self.placement {
            Some(block) => block.read().map(Some),
            None if self.rules.is_empty() => Ok(None),
            None => self.of_rules().map(Box::new).map(Some),
        }
    }

    fn of_rules(&self) -> Result<PlacementSpec, Failure> {
        let readings = self.rules.iter().map(|text| read_rule(text));
        let mut rules =
            readings.map(|reading| reading.map(|reading| reading.rule)).collect::<Result<Vec<_>, Failure>>()?;
        rules.sort_by_key(|rule| rule.scope);
        let spec = PlacementSpec { rules, ..PlacementSpec::default() };
        spec.check().map_err(|error| Failure::usage("these rules cannot stand together").because(&error))?;
        Ok(spec)
    }
}

/// A rule, or a drawing of where it cannot be read.
pub(crate) fn read_rule(text: &str) -> Result<Reading, Failure> {
    Rule::read(text).map_err(|refused| {
        let drawing = refused.drawing().replace('\n', "\n  ");
        let failure = Failure::usage(format!("the rule cannot be read\n\n  {drawing}\n")).why(reason(&refused));
        match refused.fixed() {
            Some(fixed) => failure.next(format!("write '{fixed}'")),
            None => failure.next("see `tsg placement check --help` for what a rule can say"),
        }
    })
}

/// The sentence after "the rule cannot be read: ", which is said already.
fn reason(refused: &InvalidRule) -> String {
    format!("at position {} {}", refused.position(), refused.fault)
}

/// A block as the server has it, a line for each of its parts. What this version does not know is
/// shown as it came.
pub(crate) fn lines(block: &Value) -> Vec<String> {
    if block.is_null() {
        return Vec::new();
    }
    let Ok(spec) = PlacementSpec::deserialize(block) else { return vec![block.to_string()] };
    let rules = spec.rules.iter().map(ToString::to_string);
    let wishes = spec.prefer.iter().map(|wish| format!("{} (weight {})", wish.rule, wish.weight));
    let spreads = spec.spread.iter().map(|spread| match spread.max_skew {
        Some(skew) => format!("spread over {}, {skew} apart at most (weight {})", spread.over, spread.weight),
        None => format!("spread over {} (weight {})", spread.over, spread.weight),
    });
    let enforced = (spec.enforce == Enforce::Replace).then(|| "replace what stands elsewhere".to_owned());
    rules.chain(wishes).chain(spreads).chain(enforced).collect()
}
