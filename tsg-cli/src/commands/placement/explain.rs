//! `tsg placement explain`.

use clap::Args;

use crate::api::Answer;
use crate::api::shapes::PlacementView;
use crate::commands::group::find;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Show;

/// Explain where a group's instances stand, and where the next one can go
///
/// With rules: whether CloudAPI enforces each, tries to, or cannot be asked to; which instances stand
/// where a rule does not want them; how many of the compute nodes that are known each rule rules out,
/// and which are left; and where none is, the fewest rules to drop and the nearest miss.
/// Without: how CloudAPI places by itself, and where it has.
///
/// Known are compute nodes with an instance of yours, and those that the server's topology file lists:
/// nobody is shown others, or whether one has room.
///
/// Examples:
///   tsg placement explain web
///   tsg placement explain web --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Explain {
    /// Name or id of the group.
    group: String,
}

impl Explain {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = context.api().await?;
        let group = find(&api, &self.group).await?.value;
        let placement: Answer<PlacementView> = api
            .get(&format!("/v2/groups/{}/placement", group.id))
            .await
            .map_err(|error| error.preventing(format!("cannot explain the placement of {:?}", group.name)))?;
        context.output.show(&placement)
    }
}

impl Show for Answer<PlacementView> {
    fn human(&self) -> String {
        self.value.summary.clone()
    }

    fn json(&self) -> String {
        self.body.clone()
    }
}
