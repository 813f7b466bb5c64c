//! `tsg group why`.

use clap::Args;

use super::find;
use crate::api::Answer;
use crate::api::client::escaped;
use crate::api::shapes::WhyView;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Show;

/// Say why a group or one of its instances stands as it does, and until when
///
/// Of the group: what is lacking and why it is not made, what is done now, what waits until when, and
/// how its rollout stands. Of an instance: what becomes of it and why, what keeps that from happening,
/// why it was made, and once it is gone, why it went.
///
/// Examples:
///   tsg group why web
///   tsg group why web 6b1ab0b8-0d0c-4c15-8b12-2f8f7c1f9a11
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Why {
    /// Name or id of the group.
    group: String,
    /// Id of an instance's machine, its name or its operation; also of one that is gone.
    instance: Option<String>,
}

impl Why {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let group = find(&api, &self.group).await?.value;
        let (path, what) = match &self.instance {
            None => (format!("/v2/groups/{}/why", group.id), format!("the group {:?}", group.name)),
            Some(instance) => (
                format!("/v2/groups/{}/why?instance={}", group.id, escaped(instance)),
                format!("the instance {instance:?} of {:?}", group.name),
            ),
        };
        let why: Answer<WhyView> =
            api.get(&path).await.map_err(|error| error.preventing(format!("cannot explain {what}")))?;
        context.output.show(&why)
    }
}

impl Show for Answer<WhyView> {
    fn human(&self) -> String {
        self.value.words.join("\n")
    }

    fn json(&self) -> String {
        self.body.clone()
    }
}
