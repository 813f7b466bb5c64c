//! `tsg placement check`.

use clap::Args;
use serde::Serialize;
use tsg_core::placement::rule::{Reading, in_words};

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Show;
use crate::placement::read_rule;

/// Read rules, and say what they mean; nothing is asked of a server
///
/// A rule is [SCOPE: ]CRITERION OPERATOR VALUE.
///   scopes     cn (may be left out), rack, dc
///   criteria   service, service:TAG, group:deployment, group:KIND:TAG, volume, volume:TAG,
///              instance, the name of a tag of instances, cn, cn:TAG, cn:UUID,
///              cn:platform>=IMAGE
///   operators  == together, != apart, ==~ and !=~ the same as wishes
///   values     a name, an id, a glob such as web-*, a /regular expression/, a "quoted text"
///
/// Examples:
///   tsg placement check 'service!=~web'
///   tsg placement check 'rack: role!=db' 'cn:platform>=20260101T000000Z'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Check {
    /// The rule; several are read one by one.
    #[arg(required = true, value_name = "RULE")]
    rules: Vec<String>,
}

impl Check {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let readings = self.rules.iter().map(|text| read_rule(text)).collect::<Result<Vec<_>, _>>()?;
        context.output.show(&Readings(readings))
    }
}

/// Rules that could be read.
struct Readings(Vec<Reading>);

/// One of them for a program.
#[derive(Serialize)]
struct Shown {
    rule: String,
    scope: &'static str,
    meaning: String,
    hints: Vec<String>,
}

impl Shown {
    fn of(reading: &Reading) -> Self {
        Self {
            rule: reading.rule.to_string(),
            scope: reading.rule.scope.name(),
            meaning: in_words(&reading.rule).to_string(),
            hints: reading.hints.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Show for Readings {
    fn human(&self) -> String {
        let shown = self.0.iter().map(Shown::of).map(|shown| {
            let hints: String = shown.hints.iter().map(|hint| format!("\n  hint: {hint}")).collect();
            format!("{}\n  An instance {}.{hints}", shown.rule, shown.meaning)
        });
        shown.collect::<Vec<_>>().join("\n")
    }

    fn json(&self) -> String {
        let shown: Vec<Shown> = self.0.iter().map(Shown::of).collect();
        // Texts always serialise.
        serde_json::to_string(&shown).unwrap_or_default()
    }
}
