//! `tsg group delete`.

use std::io::{self, IsTerminal};

use clap::Args;

use super::find;
use crate::api::shapes::GroupView;
use crate::context::Context;
use crate::failure::Failure;
use crate::waiting::Patience;

/// Delete a group and destroy all its instances
///
/// Examples:
///   tsg group delete web --force --wait
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Delete {
    /// Name or id of the group.
    group: String,
    /// Do not ask.
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    patience: Patience,
}

impl Delete {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let group = find(&api, &self.group).await?.value;
        if !self.force {
            confirm(context, &group)?;
        }
        let deleted = api.delete(&format!("/v2/groups/{}", group.id)).await;
        deleted.map_err(|error| error.preventing(format!("cannot delete the group {:?}", group.name)))?;
        if self.patience.wait {
            self.patience.limit.until_gone(context.output, &api, &group.id).await?;
            context.output.remark(&format!("Deleted group {} and its instances.", group.name));
        } else {
            context.output.remark(&format!("Group {} is being deleted; its instances are destroyed.", group.name));
        }
        Ok(())
    }
}

/// Asks the person at the terminal; a script has to say `--force`.
fn confirm(context: &Context, group: &GroupView) -> Result<(), Failure> {
    let refused = Failure::usage(format!("the group {:?} is not deleted", group.name));
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(refused.why("there is nobody to ask whether its instances may be destroyed").next("give --force"));
    }
    context
        .output
        .remark(&format!("Delete group {:?} and destroy its {} instances? [y/N]", group.name, group.capacity));
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(refused.why("you did not say yes"))
    }
}
