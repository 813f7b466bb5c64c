//! The bodies of the `/v2` API, as far as the command line reads or writes them.
//!
//! Owns nothing but shapes. Unknown fields are passed over, so that an older `tsg` works with a newer server.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use tsg_core::health::spec::HealthSpec;
use tsg_core::model::policy::Policy;
use tsg_core::placement::rule::PlacementSpec;
use tsg_core::plan::input::Orders;
use tsg_core::plan::memory::RolloutState;
use tsg_core::plan::output::{Class, GroupStatus};

/// A page of a list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Page<T> {
    /// What is on it.
    pub(crate) items: Vec<T>,
    /// Where the next page begins.
    #[serde(default)]
    pub(crate) next: Option<String>,
}

/// A template.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TemplateView {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// The package's id.
    pub(crate) package: String,
    /// The image's id.
    pub(crate) image: String,
    /// The networks' ids.
    #[serde(default)]
    pub(crate) networks: Vec<String>,
    /// Whether Cloud Firewall is on.
    #[serde(default)]
    pub(crate) firewall_enabled: bool,
    /// The script that each instance runs when it boots.
    #[serde(default)]
    pub(crate) userdata: String,
    /// Metadata of each instance.
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
    /// Tags of each instance.
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, TagText>,
    /// Where instances may go.
    #[serde(default)]
    pub(crate) placement: serde_json::Value,
    /// When it was made.
    pub(crate) created_at: String,
}

/// A template to be made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NewTemplate {
    pub(crate) name: String,
    pub(crate) package: String,
    pub(crate) image: String,
    pub(crate) networks: Vec<String>,
    pub(crate) firewall_enabled: bool,
    pub(crate) userdata: String,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, TagText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) placement: Option<Box<PlacementSpec>>,
}

/// A tag's value: `true`, `false` and numbers keep their type, as in node-triton.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum TagText {
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Anything else.
    Text(String),
}

impl fmt::Display for TagText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(out),
            Self::Number(value) => value.fmt(out),
            Self::Text(text) => text.fmt(out),
        }
    }
}

/// A group.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GroupView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) template_id: String,
    pub(crate) revision: u32,
    pub(crate) capacity: u32,
    /// Absent until the server has looked for the first time.
    #[serde(default)]
    pub(crate) status: Option<GroupStatus>,
    /// Absent until the server has looked for the first time.
    #[serde(default)]
    pub(crate) report: Option<ReportView>,
    #[serde(default)]
    pub(crate) updated_at: Option<String>,
    /// What people told its rollout to do.
    #[serde(default)]
    pub(crate) orders: Orders,
    /// Where its instances may go, if it says so itself.
    #[serde(default)]
    pub(crate) placement: serde_json::Value,
    /// How it is known whether its instances are well.
    #[serde(default)]
    pub(crate) health: serde_json::Value,
    /// How it stands in discovery, if its checks decide who is listed.
    #[serde(default)]
    pub(crate) discovery: Option<DiscoveryView>,
}

/// How a group stands in discovery.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DiscoveryView {
    /// Why instances stay listed although they are not ready.
    #[serde(default)]
    pub(crate) alarm: Option<String>,
}

/// Why a group is as it is.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ReportView {
    pub(crate) wanted: u32,
    #[serde(default)]
    pub(crate) counts: BTreeMap<Class, u32>,
    /// The whole report in words, a line for each wait and block.
    #[serde(default)]
    pub(crate) summary: String,
    /// The rollout under way, or the last one.
    #[serde(default)]
    pub(crate) rollout: Option<RolloutView>,
}

/// How a rollout stands.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RolloutView {
    pub(crate) course: CourseView,
    /// How many instances are of its goal.
    pub(crate) changed: u32,
    /// How many of them have proved themselves.
    pub(crate) available: u32,
    /// How many are still to be changed.
    pub(crate) remaining: u32,
}

/// What the server remembers of a rollout.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct CourseView {
    pub(crate) target: u32,
    pub(crate) from: u32,
    pub(crate) state: RolloutState,
}

impl ReportView {
    /// How many instances serve.
    pub(crate) fn serving(&self) -> u32 {
        self.counts.get(&Class::Serving).copied().unwrap_or(0)
    }

    /// Where the members stand that do not serve.
    pub(crate) fn others(&self) -> String {
        let others = self.counts.iter().filter(|(class, count)| **class != Class::Serving && **count > 0);
        let texts: Vec<String> = others.map(|(class, count)| format!("{count} {class}")).collect();
        texts.join(", ")
    }
}

/// A group to be made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NewGroup {
    pub(crate) name: String,
    pub(crate) template_id: String,
    pub(crate) capacity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<Box<Policy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) placement: Option<Box<PlacementSpec>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health: Option<Box<HealthSpec>>,
}

/// A change of a group; what is absent stays.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct GroupChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capacity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) template_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<Box<Policy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) placement: Option<BlockChange<PlacementSpec>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health: Option<BlockChange<HealthSpec>>,
    /// The plan that was shown for this capacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected_plan: Option<String>,
}

/// What becomes of a block of a group.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum BlockChange<T> {
    /// This one stands from now on.
    Set(Box<T>),
    /// There is none any more; written as `null`.
    Remove,
}

/// What a rollout is told.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RolloutOrder {
    pub(crate) action: &'static str,
}

/// A member of a group.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct InstanceView {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) instance: Option<String>,
    #[serde(default)]
    pub(crate) class: Option<Class>,
    #[serde(default)]
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) address: Option<String>,
    #[serde(default)]
    pub(crate) compute_node: Option<String>,
    /// What is believed of its health, if anybody looks.
    #[serde(default)]
    pub(crate) health: Option<InstanceHealth>,
    /// Whether discovery answers with it, if its group's checks decide that.
    #[serde(default)]
    pub(crate) discovery: Option<String>,
}

/// What is believed of an instance's health.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct InstanceHealth {
    pub(crate) verdict: String,
    /// Why it is unhealthy or not ready.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// What was heard last, by check and prober.
    #[serde(default)]
    pub(crate) facts: Vec<FactView>,
}

/// What one prober told of one check last.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct FactView {
    pub(crate) check: String,
    pub(crate) prober: String,
    /// passed, degraded, failed or unknown.
    pub(crate) outcome: String,
    /// Absent if it never could tell.
    #[serde(default)]
    pub(crate) age_ms: Option<u64>,
    /// Whether it is too old to say anything.
    #[serde(default)]
    pub(crate) is_stale: bool,
    #[serde(default)]
    pub(crate) took_ms: Option<f64>,
    #[serde(default)]
    pub(crate) in_a_row: Option<u16>,
    /// Why it failed.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// Why the prober could not tell since.
    #[serde(default)]
    pub(crate) cannot_tell: Option<String>,
}

impl InstanceHealth {
    /// The verdict, and why if it is not good.
    pub(crate) fn in_words(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{}: {reason}", self.verdict),
            None => self.verdict.clone(),
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EventView {
    pub(crate) at: String,
    /// Absent of what is no group's alone.
    #[serde(default)]
    pub(crate) group_name: Option<String>,
    /// What, in words.
    pub(crate) text: String,
}

/// A prober that asks the account's instances how they are.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ProberView {
    pub(crate) name: String,
    /// able, unable or silent.
    pub(crate) standing: String,
    /// How many checks it makes.
    pub(crate) targets: u32,
    /// Absent of the server's own.
    #[serde(default)]
    pub(crate) last_heard_at: Option<String>,
    /// Facts of it that were not taken.
    #[serde(default)]
    pub(crate) ignored: u64,
}

/// The key that a server made for an account, to be uploaded by its owner.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Enrollment {
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) public_key: String,
}

/// What to enrol.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NewEnrollment<'a> {
    pub(crate) login: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_type: Option<&'a str>,
}

/// An account that is enrolled.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Enrolled {
    pub(crate) account: AccountView,
    pub(crate) key_name: String,
    pub(crate) key_fingerprint: String,
    #[serde(default)]
    pub(crate) superseded: Vec<SupersededKey>,
}

/// An account.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AccountView {
    pub(crate) id: String,
    pub(crate) login: String,
}

/// A key that the new one replaces.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SupersededKey {
    pub(crate) key_name: String,
    pub(crate) key_fingerprint: String,
}

/// Where instances stand and can go.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PlacementView {
    /// All of it in words, one screen of text at most.
    pub(crate) summary: String,
}

/// What would be done.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PlanView {
    /// The same for the same steps, whenever they are planned.
    pub(crate) id: String,
    /// The steps in words, each with its reason.
    pub(crate) steps: Vec<String>,
    /// Why, and what waits.
    pub(crate) report: ReportView,
    /// Where instances can go, if somebody said so.
    #[serde(default)]
    pub(crate) placement: Option<PlacementView>,
    /// Where those would go that it creates, if any.
    #[serde(default)]
    pub(crate) creates: Option<PlacementView>,
}

/// Why something stands as it does.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WhyView {
    /// All of it in words, line by line.
    pub(crate) words: Vec<String>,
}

/// How a group stands, in a word.
pub(crate) fn status_word(status: Option<GroupStatus>) -> String {
    status.map_or_else(|| "new".to_owned(), |status| status.to_string())
}
