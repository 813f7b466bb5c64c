//! `tsg account allow`.

use clap::Args;
use tsg_server::accounts::{AllowFile, AllowFileError};

use super::list::local_config;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;

/// Say which accounts may enrol with the server on this machine
///
/// Edits the server's allow-list file; a running server sees the change with the next request.
///
/// Examples:
///   tsg account allow demo
///   tsg account allow demo --remove
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Allow {
    /// Login of the account.
    login: String,
    /// Take the permission away instead: the account's requests are refused from then on, while the groups it has
    /// are kept as they are until the server's key is removed from the account in Triton.
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Allow {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let config = local_config(&self.settings, context)?;
        let file = AllowFile::new(&config.auth.allow_file);
        let login = self.login.as_str();
        let (changed, text) = if self.remove {
            (file.disallow(login), format!("Account {login} may no longer enrol."))
        } else {
            (file.allow(login), format!("Account {login} may enrol: tsg account enroll"))
        };
        changed.map_err(|error| unusable(&error))?;
        if self.remove && config.auth.allow.contains(login) {
            context
                .output
                .remark(&format!("tsg: warning: {login} is still allowed by auth.allow in the configuration"));
        }
        context.output.remark(&text);
        Ok(())
    }
}

/// The failure of an allow-list that cannot be used.
pub(super) fn unusable(error: &AllowFileError) -> Failure {
    let failure = |exit| Failure::new(exit, "the allow-list cannot be used").because(error);
    match error {
        AllowFileError::NotALogin(_) => failure(Exit::Usage).next("give the account's login, as in TRITON_ACCOUNT"),
        AllowFileError::Exposed { .. } | AllowFileError::Io { .. } => failure(Exit::Failed)
            .next("check the folder given by --data-dir (or data.dir in the configuration) and who you are"),
    }
}
