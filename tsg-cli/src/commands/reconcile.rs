//! `tsg reconcile`: one round of work without a standing server.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tsg_server::Reconciled;

use super::server::start;
use crate::api::shapes::status_word;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Show;
use crate::settings::{self, Additions, Settings};

/// Bring every group to where it should be, then end: what a scheduler would run
///
/// Works on the server's own database, so the server must not run at the same time. Ends with 0
/// when nothing is left to do, with 5 when the time was not enough.
///
/// Examples:
///   tsg reconcile --once --config /etc/tsg.toml --deadline 300
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Reconcile {
    /// Once, not for ever; `tsg server` is for ever.
    #[arg(long, required = true)]
    once: bool,
    /// How long to work at most, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    deadline: u64,
    #[command(flatten)]
    settings: Settings,
}

impl Reconcile {
    /// Works until nothing is left to do.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut flags =
            vec![("http.bind".to_owned(), "127.0.0.1".to_owned()), ("http.port".to_owned(), "0".to_owned())];
        flags.extend(context.cloudapi_flag().map(|url| ("triton.url".to_owned(), url.to_owned())));
        let config = self.settings.load(context, Additions { flags, ..Additions::default() })?;
        settings::start_logging(config.log, context);
        let server = start(config).await?;
        let reconciled = server.reconcile(Duration::from_secs(self.deadline)).await;
        server.shutdown().await;
        let outcome = Outcome::of(&reconciled);
        context.output.show(&outcome)?;
        if reconciled.is_complete() {
            return Ok(());
        }
        if reconciled.left_out > 0 && outcome.unsettled.is_empty() {
            return Err(Failure::new(Exit::NotConverged, format!("{} accounts were left out", reconciled.left_out))
                .why("the server's key for them cannot be used; the log names them")
                .next("enrol them again: tsg account enroll"));
        }
        Err(Failure::new(Exit::NotConverged, format!("{} groups are not as they should be", outcome.unsettled.len()))
            .why(format!("the {} s of --deadline have passed", self.deadline))
            .next("run it again; nothing is lost in between"))
    }
}

/// What the round came to.
#[derive(Debug, Serialize)]
struct Outcome {
    settled: usize,
    unsettled: Vec<Unsettled>,
    accounts_left_out: usize,
}

/// A group that is not as it should be.
#[derive(Debug, Serialize)]
struct Unsettled {
    account: String,
    group: String,
    status: String,
}

impl Outcome {
    fn of(reconciled: &Reconciled) -> Self {
        let unsettled = reconciled.unsettled.iter().map(|(account, group, status)| Unsettled {
            account: account.to_string(),
            group: group.to_string(),
            status: status_word(*status),
        });
        Self { settled: reconciled.settled, unsettled: unsettled.collect(), accounts_left_out: reconciled.left_out }
    }
}

impl Show for Outcome {
    fn human(&self) -> String {
        let mut lines = vec![format!("{} groups are as they should be.", self.settled)];
        lines.extend(
            self.unsettled
                .iter()
                .map(|group| format!("  {} of account {}: {}", group.group, group.account, group.status)),
        );
        if self.accounts_left_out > 0 {
            lines.push(format!("{} accounts were left out: their keys cannot be used.", self.accounts_left_out));
        }
        lines.join("\n")
    }

    fn json(&self) -> String {
        // Texts and numbers always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}
