//! `tsg wait`: for scripts that go on when a group is where it should be.

use clap::{Args, ValueEnum};
use tsg_core::plan::memory::RolloutState;

use super::group::find;
use crate::api::Answer;
use crate::api::shapes::GroupView;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::rollout::{Stage, stage_of};
use crate::waiting::{Limit, has_converged};

/// Wait until a group has converged, or its rollout needs nobody or somebody
///
/// With `--for rollout` the exit code says how the rollout of the present revision ended: 0
/// successful, 8 its canaries wait to be promoted, 9 it failed (and went back, or holds), 10 a
/// newer revision took its place, 5 none of it in the time given.
///
/// Examples:
///   tsg group update web --template web-2 && tsg wait web --for rollout
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Wait {
    /// Name or id of the group.
    group: String,
    /// What to wait for.
    #[arg(long = "for", value_name = "WHAT")]
    what: What,
    #[command(flatten)]
    limit: Limit,
}

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// All instances serve and nothing is left to do.
    Converged,
    /// The rollout of the present revision has ended, or a person has to decide.
    Rollout,
}

impl Wait {
    /// Waits.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let group = find(&api, &self.group).await?.value;
        let is_over = |seen: &GroupView| match self.what {
            What::Converged => has_converged(seen),
            What::Rollout => end_of(seen, group.revision).is_some(),
        };
        let seen = self.limit.until(context.output, &api, &group.id, is_over).await?;
        match self.what {
            What::Converged => context.output.show(&seen),
            What::Rollout => self.conclude(context, seen, group.revision),
        }
    }

    fn conclude(&self, context: &Context, seen: Answer<GroupView>, revision: u32) -> Result<(), Failure> {
        let failure = |exit, what: &str| Failure::new(exit, format!("the rollout of {:?} {what}", self.group));
        match end_of(&seen.value, revision) {
            Some(End::Successful) | None => context.output.show(&seen),
            Some(End::AwaitsPromotion) => Err(failure(Exit::AwaitsPromotion, "waits for its canaries to be promoted")
                .next("tsg rollout promote, or tsg rollout abort")),
            Some(End::Failed) => {
                let why = seen.value.report.map(|report| report.summary).unwrap_or_default();
                Err(failure(Exit::RolloutFailed, "failed")
                    .why(why)
                    .next("fix it and update again; see tsg rollout status"))
            }
            Some(End::Superseded) => {
                let now_at = seen.value.revision;
                Err(failure(Exit::Superseded, &format!("was superseded by revision {now_at}"))
                    .next("wait again for the newer one"))
            }
        }
    }
}

/// How a rollout ended, or what it cannot go on without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Successful,
    AwaitsPromotion,
    Failed,
    Superseded,
}

/// How the rollout of `revision` ended; `None` while it goes on by itself.
fn end_of(group: &GroupView, revision: u32) -> Option<End> {
    if group.revision != revision {
        return Some(End::Superseded);
    }
    match stage_of(group) {
        // What never needed a rollout has ended once the group has converged.
        Stage::None => has_converged(group).then_some(End::Successful),
        Stage::At(RolloutState::Successful) => Some(End::Successful),
        Stage::At(RolloutState::AwaitingPromotion) => Some(End::AwaitsPromotion),
        Stage::At(RolloutState::Reverted | RolloutState::FailedHold) => Some(End::Failed),
        Stage::Paused | Stage::At(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(revision: u32, course: &str, status: &str) -> GroupView {
        let text = format!(
            r#"{{"id": "g", "name": "web", "template_id": "t", "revision": {revision}, "capacity": 3, "status": "{status}",
                "report": {{"wanted": 3, "rollout": {course}}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn course(target: u32, state: &str) -> String {
        format!(
            r#"{{"course": {{"target": {target}, "from": 1, "state": "{state}"}}, "changed": 1, "available": 1, "remaining": 2}}"#
        )
    }

    #[test]
    fn a_wait_ends_when_a_person_has_to_decide_or_nothing_more_comes() {
        let table = [
            (group(2, &course(2, "rolling"), "converging"), None),
            (group(2, &course(1, "successful"), "converging"), None),
            (group(2, &course(2, "successful"), "converged"), Some(End::Successful)),
            (group(2, &course(2, "awaiting_promotion"), "converging"), Some(End::AwaitsPromotion)),
            (group(2, &course(2, "reverted"), "converged"), Some(End::Failed)),
            (group(2, &course(2, "failed_hold"), "blocked"), Some(End::Failed)),
            (group(3, &course(3, "rolling"), "converging"), Some(End::Superseded)),
            (group(2, "null", "converging"), None),
            (group(2, "null", "converged"), Some(End::Successful)),
        ];
        for (group, end) in table {
            assert_eq!(end_of(&group, 2), end, "{group:?}");
        }
    }
}
