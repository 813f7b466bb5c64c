//! `tsg template get`.

use clap::Args;

use super::find;
use crate::api::Answer;
use crate::api::shapes::TemplateView;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Show;
use crate::placement;

/// Show one template
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Name or id of the template.
    template: String,
}

impl Get {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        context.output.show(&find(&api, &self.template).await?)
    }
}

impl Show for Answer<TemplateView> {
    fn human(&self) -> String {
        let template = &self.value;
        let networks =
            if template.networks.is_empty() { "(CloudAPI chooses)".to_owned() } else { template.networks.join(", ") };
        let firewall = if template.firewall_enabled { "on" } else { "off" };
        let placement = placement::lines(&template.placement);
        let placement: String = placement.iter().map(|line| format!("\nplacement: {line}")).collect();
        format!(
            "id:        {}\nname:      {}\nimage:     {}\npackage:   {}\nnetworks:  {networks}\nfirewall:  {firewall}{placement}\ncreated:   {}",
            template.id, template.name, template.image, template.package, template.created_at
        )
    }

    fn json(&self) -> String {
        self.body.clone()
    }
}
