//! The command line: what can be asked of `tsg`, and how it explains itself.
//!
//! Owns the tree of commands and the flags they share. It must never do anything; each command lives in its own file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    account, completions, demo, events, group, placement, prober, probers, reconcile, rollout, scale, server, sim,
    template, wait,
};
use crate::exit;
use crate::profile::Overrides;

/// Widest line of help: what a terminal is at least, so that help looks the same everywhere.
const HELP_COLUMNS: usize = 100;

/// Shown at the end of `tsg --help`.
const EXAMPLES: &str = "\
Examples:
  tsg demo                                      try everything on this machine
  tsg template create web --image base-64-lts --package sample-1G
  tsg group create web --template web --capacity 5 --wait
  tsg group scale web +3 --wait
  tsg group instances web --json

Environment:
  TRITON_PROFILE, TRITON_URL, TRITON_ACCOUNT, TRITON_KEY_ID, TRITON_USER, or the older SDC_*, and
  the profiles in ~/.triton are read as node-triton reads them. TRITON_KEY_MATERIAL is a private
  key or the path of one. TSG_URL (or TRITON_TSG_URL) says where the tsg server is; without it,
  http://127.0.0.1:3000.
";

/// Keeps groups of identical instances running on Triton DataCenter.
///
/// Say "five of this template", and tsg provisions them through CloudAPI, replaces those that fail, and scales them when
/// you change your mind.
#[derive(Debug, Parser)]
#[command(name = "tsg", version, term_width = HELP_COLUMNS, subcommand_required = true, arg_required_else_help = true)]
#[command(after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(crate) struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub(crate) shared: Shared,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shared options")]
pub(crate) struct Shared {
    /// Answer in JSON, one document for each answer; errors too, on standard error.
    #[arg(short, long, global = true)]
    pub(crate) json: bool,
    /// Triton profile to use (~/.triton/profiles.d/NAME.json, or `env`).
    #[arg(short, long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Login of the account; otherwise the profile's.
    #[arg(short, short_alias = 'A', long, global = true, value_name = "LOGIN")]
    pub(crate) account: Option<String>,
    /// Login of the sub-user who signs; otherwise the profile's.
    #[arg(short, long, global = true, value_name = "LOGIN")]
    pub(crate) user: Option<String>,
    /// Fingerprint of the key that signs (md5 or SHA256); otherwise the profile's.
    #[arg(short, short_alias = 'K', long, alias = "keyId", global = true, value_name = "FINGERPRINT")]
    pub(crate) key_id: Option<String>,
    /// URL of CloudAPI; otherwise the profile's.
    #[arg(short = 'U', long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// URL of the tsg server; otherwise TSG_URL or http://127.0.0.1:3000.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) tsg_url: Option<String>,
    /// Also trust the certificate authorities of this PEM file; otherwise TSG_CA_FILE. TLS is always verified.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// node-triton's flag to accept any certificate: refused with an explanation.
    #[arg(short, long, global = true, hide = true)]
    pub(crate) insecure: bool,
}

impl Shared {
    /// The part that overrides a profile.
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            profile: self.profile.clone(),
            url: self.url.clone(),
            account: self.account.clone(),
            user: self.user.clone(),
            key_id: self.key_id.clone(),
        }
    }
}

/// What `tsg` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Demo),
    Sim(sim::Sim),
    #[command(alias = "agent")]
    Server(server::Server),
    #[command(subcommand)]
    Account(account::Account),
    #[command(subcommand, alias = "templates")]
    Template(template::Template),
    #[command(subcommand, alias = "groups")]
    Group(group::Group),
    #[command(subcommand)]
    Placement(placement::Placement),
    #[command(subcommand)]
    Rollout(rollout::Rollout),
    Wait(wait::Wait),
    Events(events::Events),
    Prober(prober::Prober),
    Probers(probers::Probers),
    Reconcile(reconcile::Reconcile),
    Scale(scale::Scale),
    Completions(completions::Completions),
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }
}
