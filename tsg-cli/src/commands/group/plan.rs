//! `tsg group plan`.

use clap::Args;
use serde::Serialize;

use super::find;
use crate::api::Answer;
use crate::api::shapes::PlanView;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Show;

/// Show what tsg would do now, without doing it
///
/// The plan's id stands for its steps: `tsg group scale --plan` scales only while they are the same.
///
/// Examples:
///   tsg group plan web
///   tsg group plan web --capacity 8
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Plan {
    /// Name or id of the group.
    group: String,
    /// What if the capacity were this?
    #[arg(short, long, value_name = "N")]
    capacity: Option<u32>,
}

/// What to plan for.
#[derive(Debug, Serialize)]
struct Question {
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<u32>,
}

impl Plan {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let group = find(&api, &self.group).await?.value;
        let question = Question { capacity: self.capacity };
        let plan: Answer<PlanView> = api
            .post(&format!("/v2/groups/{}/plan", group.id), Some(&question))
            .await
            .map_err(|error| error.preventing(format!("cannot plan for the group {:?}", group.name)))?;
        context.output.show(&plan)
    }
}

impl Show for Answer<PlanView> {
    fn human(&self) -> String {
        let PlanView { id, steps, report, placement, creates } = &self.value;
        let steps = if steps.is_empty() { "Nothing to do.".to_owned() } else { steps.join("\n") };
        let told = placement.iter().chain(creates).map(|seen| seen.summary.as_str());
        let told: String = told.filter(|text| !text.is_empty()).flat_map(|text| ["\n", text]).collect();
        format!("{steps}\n{}{told}\nplan {id}", report.summary)
    }

    fn json(&self) -> String {
        self.body.clone()
    }
}
