//! `tsg template create`.

use std::path::PathBuf;

use clap::Args;

use crate::api::Answer;
use crate::api::shapes::{NewTemplate, TemplateView};
use crate::catalog::Catalog;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Format;
use crate::pairs;
use crate::placement::PlacementArgs;

/// Create a template
///
/// Image, package and networks may be given by name; they are looked up in CloudAPI as you.
///
/// Examples:
///   tsg template create web --image base-64-lts --package sample-1G
///   tsg template create db --image base-64-lts@23.4.0 --package sample-2G --network internal \
///       --tag role=db --userdata-file boot.sh
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Create {
    /// Name of the template, unique in the account.
    name: String,
    /// Image: an id, or a name with or without @version (the newest otherwise).
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// Package: an id or a name.
    #[arg(long, value_name = "PACKAGE")]
    package: String,
    /// Network: an id or a name; give it again for each further one.
    #[arg(short = 'N', long = "network", value_name = "NETWORK")]
    networks: Vec<String>,
    /// Tag for each instance; true, false and numbers keep their type.
    #[arg(short, long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// Metadata for each instance.
    #[arg(short, long = "metadata", value_name = "KEY=VALUE")]
    metadata: Vec<String>,
    /// Script that each instance runs when it boots.
    #[arg(long, value_name = "TEXT", conflicts_with = "userdata_file")]
    userdata: Option<String>,
    /// File with that script.
    #[arg(long, value_name = "FILE")]
    userdata_file: Option<PathBuf>,
    /// Switch Cloud Firewall on.
    #[arg(long)]
    firewall: bool,
    #[command(flatten)]
    placement: PlacementArgs,
}

impl Create {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let template = self.template(context).await?;
        let api = context.api().await?;
        let made: Answer<TemplateView> = api
            .post("/v2/templates", Some(&template))
            .await
            .map_err(|error| error.preventing(format!("cannot create the template {:?}", self.name)))?;
        match context.output.format() {
            Format::Json => context.output.show(&made),
            Format::Human => context.output.text(&format!("Created template {} ({}).", made.value.name, made.value.id)),
        }
    }

    async fn template(&self, context: &Context) -> Result<NewTemplate, Failure> {
        let tags = pairs::parse_all("--tag", &self.tags)?;
        let metadata = pairs::parse_all("--metadata", &self.metadata)?;
        let userdata = self.script()?;
        let catalog = Catalog::of(context);
        let mut networks = Vec::with_capacity(self.networks.len());
        for network in &self.networks {
            networks.push(catalog.network(network).await?);
        }
        Ok(NewTemplate {
            name: self.name.clone(),
            image: catalog.image(&self.image).await?,
            package: catalog.package(&self.package).await?,
            networks,
            firewall_enabled: self.firewall,
            userdata,
            metadata,
            tags: tags.into_iter().map(|(key, value)| (key, pairs::typed(&value))).collect(),
            placement: self.placement.read()?,
        })
    }

    fn script(&self) -> Result<String, Failure> {
        let Some(path) = &self.userdata_file else { return Ok(self.userdata.clone().unwrap_or_default()) };
        std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("cannot read the file of --userdata-file, {}", path.display()))
                .because(&error)
                .next("give a text file that you may read")
        })
    }
}
