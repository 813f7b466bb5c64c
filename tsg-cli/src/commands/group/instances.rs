//! `tsg group instances`.

use clap::Args;

use super::facts::Facts;
use super::find;
use crate::api::client::escaped;
use crate::api::shapes::{InstanceHealth, InstanceView};
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{self, Listing};
use crate::output::Show;
use crate::table::Table;

/// List the instances of a group, each with where it stands
#[derive(Debug, Args)]
pub(crate) struct Instances {
    /// Name or id of the group.
    group: String,
    /// Name or id of one instance: what each prober told of each of its checks last.
    #[arg(long, value_name = "INSTANCE")]
    facts: Option<String>,
}

impl Instances {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let group = find(&api, &self.group).await?.value;
        let only = self.facts.as_ref().map(|wanted| format!("?facts=true&instance={}", escaped(wanted)));
        let path = format!("/v2/groups/{}/instances{}", group.id, only.unwrap_or_default());
        let listing: Listing<InstanceView> = listing::all(&api, &path)
            .await
            .map_err(|error| error.preventing(format!("cannot list the instances of {:?}", group.name)))?;
        match &self.facts {
            Some(instance) => context.output.show(&Facts::of(instance, &group, listing)?),
            None => context.output.show(&listing),
        }
    }
}

/// Whether discovery answers with it, in a word or two.
fn listed(discovery: Option<&str>) -> String {
    match discovery {
        None => "-".to_owned(),
        Some("listed") => "yes".to_owned(),
        Some(other) => other.replace('_', " "),
    }
}

impl Show for Listing<InstanceView> {
    fn human(&self) -> String {
        let headings =
            Table::new(["INSTANCE", "NAME", "STANDS", "STATE", "ADDRESS", "COMPUTE NODE", "LISTED", "HEALTH"]);
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let add = |table: Table, member: &InstanceView| {
            let class = member.class.map_or_else(|| "new".to_owned(), |class| class.to_string());
            let node = or_dash(&member.compute_node);
            table.row([
                or_dash(&member.instance),
                member.name.clone(),
                class,
                or_dash(&member.state),
                or_dash(&member.address),
                node,
                listed(member.discovery.as_deref()),
                member.health.as_ref().map_or_else(|| "-".to_owned(), InstanceHealth::in_words),
            ])
        };
        self.items.iter().fold(headings, add).render()
    }

    fn json(&self) -> String {
        Listing::json(self)
    }
}
