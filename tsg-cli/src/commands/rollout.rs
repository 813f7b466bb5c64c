//! `tsg rollout`: how a group moves to another revision, and what it is told meanwhile.

use clap::{Args, Subcommand};

use super::group::find;
use crate::api::Answer;
use crate::api::shapes::{GroupView, RolloutOrder};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Show;
use crate::rollout::{Stage, stage_of};

/// Show, pause, continue, promote or abort the rollout of a group
#[derive(Debug, Subcommand)]
pub(crate) enum Rollout {
    /// Show how the rollout stands
    Status(Which),
    /// Pause the rollout: nothing is replaced, the capacity is kept
    Pause(Which),
    /// Continue after a pause, or past the checkpoint that the rollout waits at
    Continue(Which),
    /// Find the canaries good: go on with everybody
    Promote(Which),
    /// Give the rollout up: the group goes back to its stable revision, if the policy says so
    Abort(Which),
}

/// Which group.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Name or id of the group.
    group: String,
}

impl Rollout {
    /// Does what was asked.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let (which, action) = match self {
            Self::Status(which) => (which, None),
            Self::Pause(which) => (which, Some("pause")),
            Self::Continue(which) => (which, Some("continue")),
            Self::Promote(which) => (which, Some("promote")),
            Self::Abort(which) => (which, Some("abort")),
        };
        let api = context.api().await?;
        let group = find(&api, &which.group).await?;
        let Some(action) = action else { return context.output.show(&Status(group)) };
        let ordered: Answer<GroupView> = api
            .post(&format!("/v2/groups/{}/rollout", group.value.id), Some(&RolloutOrder { action }))
            .await
            .map_err(|error| error.preventing(format!("cannot {action} the rollout of {:?}", which.group)))?;
        context.output.show(&Status(ordered))
    }
}

/// A group, of which the rollout is shown.
struct Status(Answer<GroupView>);

impl Show for Status {
    fn human(&self) -> String {
        let group = &self.0.value;
        let stage = stage_of(group);
        let rollout = group.report.as_ref().and_then(|report| report.rollout.as_ref());
        let Some(rollout) = rollout.filter(|_| stage != Stage::None) else {
            return format!("group {} has no rollout; it is at revision {}", group.name, group.revision);
        };
        let from = match rollout.course.from {
            0 => "nothing stable".to_owned(),
            from => format!("revision {from}"),
        };
        [
            format!("rollout:   from {from} to revision {}", rollout.course.target),
            format!("state:     {stage}"),
            format!("changed:   {}, of which {} have proved themselves", rollout.changed, rollout.available),
            format!("remaining: {}", rollout.remaining),
        ]
        .join("\n")
    }

    fn json(&self) -> String {
        self.0.body.clone()
    }
}
