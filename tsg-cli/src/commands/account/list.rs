//! `tsg account list`.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use tsg_server::accounts::AllowFile;
use tsg_server::config::{BuiltinDatacenter, ServerConfig};

use super::allow::unusable;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Show;
use crate::settings::{Additions, Settings};
use crate::table::Table;

/// List the accounts that may enrol with the server on this machine
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    settings: Settings,
}

/// Who may enrol, and who says so.
#[derive(Debug, Serialize)]
struct Allowed {
    everybody: bool,
    accounts: BTreeMap<String, &'static str>,
}

impl List {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let config = local_config(&self.settings, context)?;
        let in_file = AllowFile::new(&config.auth.allow_file).list().map_err(|error| unusable(&error))?;
        let mut accounts: BTreeMap<_, _> = in_file.into_iter().map(|login| (login, "tsg account allow")).collect();
        accounts.extend(config.auth.allow.into_iter().map(|login| (login, "configuration")));
        context.output.show(&Allowed { everybody: config.auth.allow_all, accounts })
    }
}

/// The configuration of the server on this machine, of which only the files matter here: it need not name a data
/// centre yet, so one that is never asked stands in.
pub(super) fn local_config(settings: &Settings, context: &Context) -> Result<ServerConfig, Failure> {
    let stand_in = BuiltinDatacenter { url: "http://127.0.0.1".to_owned(), login: String::new() };
    settings.load(context, Additions { builtin: Some(stand_in), ..Additions::default() })
}

impl Show for Allowed {
    fn human(&self) -> String {
        if self.everybody {
            return "Every account of the data centre may enrol (auth.allow_all).".to_owned();
        }
        let headings = Table::new(["ACCOUNT", "ALLOWED BY"]);
        let add = |table: Table, (login, by): (&String, &&'static str)| table.row([login.clone(), (*by).to_owned()]);
        self.accounts.iter().fold(headings, add).render()
    }

    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
