//! `tsg template delete`.

use clap::Args;

use super::find;
use crate::context::Context;
use crate::failure::Failure;

/// Delete a template that no group uses
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Name or id of the template.
    template: String,
}

impl Delete {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let template = find(&api, &self.template).await?.value;
        let deleted = api.delete(&format!("/v2/templates/{}", template.id)).await;
        deleted.map_err(|error| error.preventing(format!("cannot delete the template {:?}", template.name)))?;
        context.output.remark(&format!("Deleted template {} ({}).", template.name, template.id));
        Ok(())
    }
}
