//! `tsg group get`.

use clap::Args;

use super::find;
use crate::api::Answer;
use crate::api::shapes::{GroupView, status_word};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Show;
use crate::{health, placement};

/// Show one group: how it stands, what waits, what is blocked
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Name or id of the group.
    group: String,
}

impl Get {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        context.output.show(&find(&api, &self.group).await?)
    }
}

impl Show for Answer<GroupView> {
    fn human(&self) -> String {
        let group = &self.value;
        let mut lines = vec![
            format!("id:        {}", group.id),
            format!("name:      {}", group.name),
            format!("capacity:  {}", group.capacity),
        ];
        match &group.report {
            Some(report) => lines.push(format!("status:    {}", report.summary.replace("\n  ", "\n           "))),
            None => lines.push(format!("status:    {}", status_word(group.status))),
        }
        lines.push(format!("template:  {} (revision {})", group.template_id, group.revision));
        let placement = placement::lines(&group.placement);
        lines.extend(placement.iter().map(|line| format!("placement: {line}")));
        lines.extend(health::lines(&group.health).iter().map(|line| format!("check: {line}")));
        let alarm = group.discovery.as_ref().and_then(|discovery| discovery.alarm.as_ref());
        lines.extend(alarm.map(|alarm| format!("discovery: {alarm}")));
        lines.extend(group.updated_at.iter().map(|at| format!("updated:   {at}")));
        lines.join("\n")
    }

    fn json(&self) -> String {
        self.body.clone()
    }
}
