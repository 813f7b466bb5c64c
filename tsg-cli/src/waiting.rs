//! Waiting until a group has converged, with something to watch meanwhile.
//!
//! Owns the polling and its deadline. It must never change the group.

use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep};
use tsg_core::plan::output::GroupStatus;

use crate::api::shapes::{GroupView, status_word};
use crate::api::{Answer, Api, ApiError};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Progress;

/// How often the server is asked: often enough for a bar to move, seldom enough not to matter.
const POLL: Duration = Duration::from_millis(250);

/// How many polls in a row may fail: a server that restarts is back within 30 s.
const FAILURES_MAX: u32 = 120;

/// How long to wait.
#[derive(Debug, Clone, Args)]
pub(crate) struct Limit {
    /// How long to wait at most, in seconds; then the exit code is 5.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub(crate) wait_timeout: u64,
}

/// The flags of waiting.
#[derive(Debug, Clone, Args)]
pub(crate) struct Patience {
    /// Wait until the group has converged.
    #[arg(short, long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) limit: Limit,
}

impl Patience {
    /// Waits if that was asked, then shows the group; `group` is what is known now.
    pub(crate) async fn show(&self, context: &Context, api: &Api, group: Answer<GroupView>) -> Result<(), Failure> {
        let id = &group.value.id;
        let group = if self.wait { self.limit.until_converged(context.output, api, id).await? } else { group };
        context.output.show(&group)
    }
}

impl Limit {
    /// Waits until the group has as many serving instances as it should.
    pub(crate) async fn until_converged(
        &self,
        output: Output,
        api: &Api,
        id: &str,
    ) -> Result<Answer<GroupView>, Failure> {
        self.until(output, api, id, has_converged).await
    }

    /// Waits until the group is as it should be.
    pub(crate) async fn until(
        &self,
        output: Output,
        api: &Api,
        id: &str,
        is_over: impl Fn(&GroupView) -> bool,
    ) -> Result<Answer<GroupView>, Failure> {
        let progress = Progress::start(output);
        let mut watch = Watch::new(self.length());
        loop {
            let answer = api.get::<GroupView>(&format!("/v2/groups/{id}")).await;
            if let Some(group) = watch.look(answer)? {
                progress.group(&group.value);
                if is_over(&group.value) {
                    return Ok(group);
                }
            }
            watch.rest().await?;
        }
    }

    /// Waits until the group and its instances are gone.
    pub(crate) async fn until_gone(&self, output: Output, api: &Api, id: &str) -> Result<(), Failure> {
        let progress = Progress::start(output);
        let mut watch = Watch::new(self.length());
        loop {
            match api.get::<GroupView>(&format!("/v2/groups/{id}")).await {
                Err(error) if error.is_not_found() => return Ok(()),
                answer => {
                    if let Some(group) = watch.look(answer)? {
                        if group.value.status == Some(GroupStatus::Deleted) {
                            return Ok(());
                        }
                        progress.group(&group.value);
                    }
                }
            }
            watch.rest().await?;
        }
    }

    const fn length(&self) -> Duration {
        Duration::from_secs(self.wait_timeout)
    }
}

/// Whether the newest report is about the newest wish and says that it is fulfilled.
pub(crate) fn has_converged(group: &GroupView) -> bool {
    let is_current = group.report.as_ref().is_some_and(|report| report.wanted == group.capacity);
    group.status == Some(GroupStatus::Converged) && is_current
}

/// What was seen last, and how long to go on.
struct Watch {
    deadline: Instant,
    limit: Duration,
    failures: u32,
    last: String,
}

impl Watch {
    fn new(limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, limit, failures: 0, last: "nothing is known of it yet".to_owned() }
    }

    /// Takes an answer; a server that is away for a moment is waited for.
    fn look(&mut self, answer: Result<Answer<GroupView>, ApiError>) -> Result<Option<Answer<GroupView>>, Failure> {
        match answer {
            Ok(group) => {
                self.failures = 0;
                self.last = state_of(&group.value);
                Ok(Some(group))
            }
            Err(ApiError::Unreachable { .. }) if self.failures < FAILURES_MAX => {
                self.failures += 1;
                Ok(None)
            }
            Err(error) => Err(error.preventing("cannot see how the group stands")),
        }
    }

    async fn rest(&self) -> Result<(), Failure> {
        if Instant::now() + POLL > self.deadline {
            let seconds = self.limit.as_secs();
            return Err(Failure::new(Exit::NotConverged, format!("the group has not converged within {seconds} s"))
                .why(self.last.clone())
                .next("the server goes on; see `tsg group get`, or wait longer with --wait-timeout"));
        }
        sleep(POLL).await;
        Ok(())
    }
}

/// Status, waits and blocks in one line.
fn state_of(group: &GroupView) -> String {
    match &group.report {
        Some(report) => report.summary.lines().map(str::trim).collect::<Vec<_>>().join("; "),
        None => status_word(group.status),
    }
}
