//! `tsg scale`: the scale agent of TSG v1, by its flags.

use clap::Args;

use super::group;
use super::template;
use crate::api::shapes::{GroupChange, GroupView, NewGroup, TemplateView};
use crate::api::{Answer, Api};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::waiting::Patience;

/// Keep a group at a count, with the flags of TSG v1's scale agent
///
/// The agent created and deleted instances itself and had to be run again and again. This sets
/// the group's capacity (and makes the group when there is none); the server does the rest. Flags
/// that describe the instances must agree with the template, which is what decides.
///
/// Examples:
///   tsg scale --tsg-name web --template-id 437c560d-b1a9-4dae-b3b3-6dbabb7d23a7 --count 5
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Scale {
    /// Name of the group.
    #[arg(long, value_name = "NAME")]
    tsg_name: String,
    /// Id of its template.
    #[arg(long, value_name = "ID")]
    template_id: String,
    /// How many instances to keep.
    #[arg(short, long, value_name = "N")]
    count: u32,
    /// Package id; must be the template's.
    #[arg(long, value_name = "ID")]
    pkg_id: Option<String>,
    /// Image id; must be the template's.
    #[arg(long, value_name = "ID")]
    img_id: Option<String>,
    /// Network ids, separated by commas; must be the template's.
    #[arg(short = 'N', long, value_name = "IDS", value_delimiter = ',')]
    networks: Vec<String>,
    /// Cloud Firewall; must be the template's.
    #[arg(long)]
    firewall: bool,
    #[command(flatten)]
    unused: Unused,
    #[command(flatten)]
    patience: Patience,
}

/// Flags that only the template can give now.
#[derive(Debug, Args)]
struct Unused {
    /// Refused: tags belong into the template.
    #[arg(short, long = "tag", alias = "tags", value_name = "KEY=VALUE", hide = true)]
    tags: Vec<String>,
    /// Refused: metadata belongs into the template.
    #[arg(short, long, value_name = "KEY=VALUE", hide = true)]
    metadata: Vec<String>,
    /// Refused: userdata belongs into the template.
    #[arg(long, value_name = "TEXT", hide = true)]
    userdata: Option<String>,
    /// Refused: tsg spreads instances itself.
    #[arg(long, value_name = "RULE", hide = true)]
    affinity: Vec<String>,
    /// Accepted for old scripts; the agent never looked at it either.
    #[arg(long, value_name = "STATE", hide = true)]
    state: Option<String>,
}

impl Scale {
    /// Sets the capacity.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        self.unused.refuse()?;
        let api = context.api().await?;
        let template = template::find(&api, &self.template_id).await?.value;
        self.agree(&template)?;
        let changed = match group::find(&api, &self.tsg_name).await {
            Ok(existing) => self.change(&api, &existing).await?,
            Err(failure) if failure.exit() == Exit::NotFound => self.make(&api).await?,
            Err(failure) => return Err(failure),
        };
        self.patience.show(context, &api, changed).await
    }

    /// The agent took its flags as they were; here the template decides, so a contradiction must not pass silently.
    fn agree(&self, template: &TemplateView) -> Result<(), Failure> {
        let differs = |flag: &str, given: &str, kept: &str| {
            Err(Failure::new(Exit::Refused, format!("{flag} contradicts the template {:?}", template.name))
                .why(format!("{flag} is {given}, the template says {kept}"))
                .next("leave the flag out, or create a template that says so"))
        };
        match (&self.pkg_id, &self.img_id) {
            (Some(package), _) if *package != template.package => differs("--pkg-id", package, &template.package),
            (_, Some(image)) if *image != template.image => differs("--img-id", image, &template.image),
            _ if !self.networks.is_empty() && self.networks != template.networks => {
                differs("--networks", &self.networks.join(","), &template.networks.join(","))
            }
            _ if self.firewall && !template.firewall_enabled => differs("--firewall", "on", "off"),
            _ => Ok(()),
        }
    }

    async fn change(&self, api: &Api, group: &Answer<GroupView>) -> Result<Answer<GroupView>, Failure> {
        let template_id = (group.value.template_id != self.template_id).then(|| self.template_id.clone());
        let change = GroupChange { capacity: Some(self.count), template_id };
        let path = format!("/v2/groups/{}", group.value.id);
        let changed = api.patch(&path, &change, group.etag.as_deref()).await;
        changed.map_err(|error| error.preventing(format!("cannot scale the group {:?}", self.tsg_name)))
    }

    async fn make(&self, api: &Api) -> Result<Answer<GroupView>, Failure> {
        let group =
            NewGroup { name: self.tsg_name.clone(), template_id: self.template_id.clone(), capacity: self.count };
        let made = api.post("/v2/groups", Some(&group)).await;
        made.map_err(|error| error.preventing(format!("cannot create the group {:?}", self.tsg_name)))
    }
}

impl Unused {
    fn refuse(&self) -> Result<(), Failure> {
        let given = [
            ("--tag", !self.tags.is_empty()),
            ("--metadata", !self.metadata.is_empty()),
            ("--userdata", self.userdata.is_some()),
            ("--affinity", !self.affinity.is_empty()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((flag, _)) => Err(Failure::usage(format!("{flag} is not taken any more"))
                .why("the template describes the instances, so that all of them are alike")
                .next("say it in the template: tsg template create --help")),
        }
    }
}
