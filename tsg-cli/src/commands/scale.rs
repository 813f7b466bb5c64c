//! `tsg scale`: the scale agent of TSG v1, by its flags.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use tsg_core::model::group::Group;

use super::group;
use super::template;
use crate::api::shapes::{GroupChange, GroupView, NewGroup, TemplateView};
use crate::api::{Answer, Api};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pairs;
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
    /// Tag; must be the template's. May be given again.
    #[arg(short, long = "tag", alias = "tags", value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// Metadata, plain or in base64 as the agent had it; must be the template's. May be given again.
    #[arg(short, long, value_name = "KEY=VALUE")]
    metadata: Vec<String>,
    /// Script, plain or in base64 as the agent had it; must be the template's.
    #[arg(long, value_name = "TEXT")]
    userdata: Option<String>,
    /// Refused: tsg spreads instances itself.
    #[arg(long, value_name = "RULE", hide = true)]
    affinity: Vec<String>,
    /// Accepted for old scripts; the agent never looked at it either.
    #[arg(long, value_name = "STATE", hide = true)]
    state: Option<String>,
    #[command(flatten)]
    patience: Patience,
}

impl Scale {
    /// Sets the capacity.
    pub(crate) async fn run(&self, context: &Context) -> Result<(), Failure> {
        if !self.affinity.is_empty() {
            let refused = Failure::usage("--affinity is not taken any more").why("tsg spreads instances itself");
            return Err(refused.next("leave it out"));
        }
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
        let disagreement = self.against_columns(template).or(self.against_pairs(template)?);
        match disagreement {
            None => Ok(()),
            Some((flag, given, kept)) => {
                Err(Failure::new(Exit::Refused, format!("{flag} contradicts the template {:?}", template.name))
                    .why(format!("{flag} is {given:?}, the template says {kept:?}"))
                    .next("leave the flag out, or create a template that says so"))
            }
        }
    }

    fn against_columns(&self, template: &TemplateView) -> Option<Disagreement> {
        let firewall = |is_on: bool| if is_on { "on" } else { "off" }.to_owned();
        let networks = (!self.networks.is_empty()).then(|| self.networks.join(","));
        let columns = [
            ("--pkg-id", self.pkg_id.clone(), template.package.clone()),
            ("--img-id", self.img_id.clone(), template.image.clone()),
            ("--networks", networks, template.networks.join(",")),
            ("--firewall", self.firewall.then(|| firewall(true)), firewall(template.firewall_enabled)),
            ("--userdata", self.userdata.as_deref().map(decoded), template.userdata.clone()),
        ];
        let given = columns.into_iter().filter_map(|(flag, given, kept)| Some((flag, given?, kept)));
        given.into_iter().find(|(_, given, kept)| given != kept)
    }

    fn against_pairs(&self, template: &TemplateView) -> Result<Option<Disagreement>, Failure> {
        let metadata: Vec<String> = self.metadata.iter().map(|text| decoded(text)).collect();
        let tags = pairs::parse_all("--tag", &self.tags)?.into_iter().map(|(key, value)| {
            let kept = template.tags.get(&key).map(ToString::to_string);
            ("--tag", format!("{key}={value}"), kept.map(|kept| format!("{key}={kept}")).unwrap_or_default())
        });
        let metadata = pairs::parse_all("--metadata", &metadata)?.into_iter().map(|(key, value)| {
            let kept = template.metadata.get(&key);
            ("--metadata", format!("{key}={value}"), kept.map(|kept| format!("{key}={kept}")).unwrap_or_default())
        });
        Ok(tags.chain(metadata).find(|(_, given, kept)| given != kept))
    }

    async fn change(&self, api: &Api, group: &Answer<GroupView>) -> Result<Answer<GroupView>, Failure> {
        let template_id = (group.value.template_id != self.template_id).then(|| self.template_id.clone());
        let change = GroupChange { capacity: Some(self.count), template_id, ..GroupChange::default() };
        let path = format!("/v2/groups/{}", group.value.id);
        let changed = api.patch(&path, &change, group.etag.as_deref()).await;
        changed.map_err(|error| error.preventing(format!("cannot scale the group {:?}", self.tsg_name)))
    }

    async fn make(&self, api: &Api) -> Result<Answer<GroupView>, Failure> {
        let group = NewGroup {
            name: self.tsg_name.clone(),
            template_id: self.template_id.clone(),
            capacity: self.count,
            policy: Some(Group::first_policy()),
            placement: None,
            health: None,
        };
        let made = api.post("/v2/groups", Some(&group)).await;
        made.map_err(|error| error.preventing(format!("cannot create the group {:?}", self.tsg_name)))
    }
}

/// A flag, what it says, and what the template says.
type Disagreement = (&'static str, String, String);

/// The agent's own form of texts is base64; people give them as they are.
fn decoded(text: &str) -> String {
    let bytes = STANDARD.decode(text).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}
