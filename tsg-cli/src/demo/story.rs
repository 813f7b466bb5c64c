//! What happens in the demonstration, step by step, through the same API that users have.
//!
//! Owns the order of the steps and their time limits. It must never reach into server or database; only the kill goes
//! through the data centre's back door, as a fault would.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};
use tsg_core::plan::output::Class;
use tsg_sim::admin::SimAdmin;
use tsg_sim::world::{Fault, FaultRule, Target};

use crate::api::Api;
use crate::api::client::Answer;
use crate::api::shapes::{GroupChange, GroupView, InstanceView, NewGroup, NewTemplate, TemplateView};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing::{self, Listing};
use crate::output::Show;
use crate::waiting::{self, Limit};

/// Name of the template and of the group.
pub(crate) const NAME: &str = "web";

/// How long one step may take; with the default speed each takes a few seconds.
const STEP_LIMIT: Duration = Duration::from_secs(120);

/// How often the instances are looked at while one is replaced.
const POLL: Duration = Duration::from_millis(250);

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A template was created.
    Template { id: String, name: String },
    /// The group has as many serving instances as it should.
    Converged { capacity: u32, serving: u32, milliseconds: u128 },
    /// An instance was destroyed behind everybody's back.
    Killed { instance: String, name: String },
    /// Another one serves in its place.
    Replaced { instance: String, by: Vec<String>, milliseconds: u128 },
    /// The story is told.
    Done,
}

impl Show for Event {
    fn human(&self) -> String {
        match self {
            Self::Template { id, name } => format!("Created template {name} ({id})."),
            Self::Converged { capacity, serving, milliseconds } => {
                format!("Converged: {serving} of {capacity} serving after {}.", seconds(*milliseconds))
            }
            Self::Killed { instance, name } => {
                format!("Killed instance {name} ({instance}), behind the server's back.")
            }
            Self::Replaced { by, milliseconds, .. } => {
                format!("Replaced by {} after {}.", by.join(", "), seconds(*milliseconds))
            }
            Self::Done => "That was the whole story.".to_owned(),
        }
    }

    fn json(&self) -> String {
        // Texts and numbers always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn seconds(milliseconds: u128) -> String {
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
}

/// Who tells the story, and with what.
pub(crate) struct Story<'a> {
    /// The surroundings.
    pub(crate) context: &'a Context,
    /// The server, as the user.
    pub(crate) api: &'a Api,
    /// The back door.
    pub(crate) admin: SimAdmin,
}

impl Story<'_> {
    /// Five, one killed and replaced, eight, five.
    pub(crate) async fn tell(&self, template: &NewTemplate) -> Result<(), Failure> {
        let template: Answer<TemplateView> = self
            .api
            .post("/v2/templates", Some(template))
            .await
            .map_err(|error| error.preventing("cannot create the demonstration's template"))?;
        let TemplateView { id, name, .. } = template.value;
        self.happened(&Event::Template { id: id.clone(), name })?;

        let group = self.create_group(id).await?;
        self.kill_one(&group).await?;
        self.scale(&group, 8).await?;
        self.scale(&group, 5).await?;
        self.happened(&Event::Done)
    }

    async fn create_group(&self, template_id: String) -> Result<String, Failure> {
        let group =
            NewGroup { name: NAME.to_owned(), template_id, capacity: 5, policy: None, placement: None, health: None };
        let begun = Instant::now();
        let made: Answer<GroupView> = self
            .api
            .post("/v2/groups", Some(&group))
            .await
            .map_err(|error| error.preventing("cannot create the demonstration's group"))?;
        self.context.output.remark("Created group web with capacity 5.");
        self.converged(&made.value.id, begun).await?;
        Ok(made.value.id)
    }

    async fn scale(&self, group: &str, capacity: u32) -> Result<(), Failure> {
        let begun = Instant::now();
        let change = GroupChange { capacity: Some(capacity), ..GroupChange::default() };
        let changed = self.api.patch::<GroupView>(&format!("/v2/groups/{group}"), &change, None).await;
        changed.map_err(|error| error.preventing(format!("cannot scale the group to {capacity}")))?;
        self.context.output.remark(&format!("Scaled group web to {capacity}."));
        self.converged(group, begun).await
    }

    async fn converged(&self, group: &str, begun: Instant) -> Result<(), Failure> {
        let limit = Limit { wait_timeout: STEP_LIMIT.as_secs() };
        let group = limit.until_converged(self.context.output, self.api, group).await?.value;
        let serving = group.report.as_ref().map_or(0, |report| report.serving());
        self.happened(&Event::Converged {
            capacity: group.capacity,
            serving,
            milliseconds: begun.elapsed().as_millis(),
        })
    }

    async fn kill_one(&self, group: &str) -> Result<(), Failure> {
        let before = self.serving(group).await?;
        let Some(victim) = before.first() else {
            return Err(Failure::new(Exit::Failed, "the group has converged without instances"));
        };
        let fault = Fault::KillInstance { machine: Target::Named(victim.id.clone()) };
        self.admin
            .inject(&FaultRule::times(fault, 1))
            .await
            .map_err(|error| Failure::new(Exit::Failed, "the data centre did not kill the instance").because(&error))?;
        self.happened(&Event::Killed { instance: victim.id.clone(), name: victim.name.clone() })?;
        self.replaced(group, &before, &victim.id).await
    }

    /// Waits until the victim is gone, and others serve in its place.
    async fn replaced(&self, group: &str, before: &[Member], victim: &str) -> Result<(), Failure> {
        let begun = Instant::now();
        while begun.elapsed() < STEP_LIMIT {
            let now = self.serving(group).await?;
            let newcomers: Vec<String> = now
                .iter()
                .filter(|member| before.iter().all(|old| old.id != member.id))
                .map(|member| member.name.clone())
                .collect();
            let is_gone = now.iter().all(|member| member.id != victim);
            if is_gone && now.len() == before.len() && self.is_converged(group).await? {
                let milliseconds = begun.elapsed().as_millis();
                return self.happened(&Event::Replaced { instance: victim.to_owned(), by: newcomers, milliseconds });
            }
            sleep(POLL).await;
        }
        Err(Failure::new(
            Exit::NotConverged,
            format!("the instance was not replaced within {} s", STEP_LIMIT.as_secs()),
        ))
    }

    async fn is_converged(&self, group: &str) -> Result<bool, Failure> {
        let answer = self.api.get::<GroupView>(&format!("/v2/groups/{group}")).await;
        let group = answer.map_err(|error| error.preventing("cannot see how the group stands"))?;
        Ok(waiting::has_converged(&group.value))
    }

    async fn serving(&self, group: &str) -> Result<Vec<Member>, Failure> {
        let members: Listing<InstanceView> = listing::all(self.api, &format!("/v2/groups/{group}/instances"))
            .await
            .map_err(|error| error.preventing("cannot list the group's instances"))?;
        let serving = members.items.into_iter().filter(|member| member.class == Some(Class::Serving));
        Ok(serving.filter_map(|member| Some(Member { id: member.instance?, name: member.name })).collect())
    }

    fn happened(&self, event: &Event) -> Result<(), Failure> {
        self.context.output.show(event)
    }
}

/// A serving instance.
struct Member {
    id: String,
    name: String,
}
