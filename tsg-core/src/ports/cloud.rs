//! The cloud as a port: one account of one data centre, seen through CloudAPI.
//!
//! Owns the requests tsg makes and the closed set of errors. Each call is exactly one request,
//! but for an update, which says how many: an implementation never retries, never waits for a
//! rate limit and never follows a page; the engine paces and repeats. Must never be handed a
//! caller's own signature.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::fingerprint::Fingerprint;
use crate::model::guest;
use crate::model::id::{AccountId, InstanceId, OperationId, PackageId};
use crate::model::instance::{ObservedInstance, PackageMark};
use crate::model::labels::LabelPage;
use crate::model::nic::Nic;
use crate::model::tag::Tags;
use crate::model::template::TemplateSpec;
use crate::model::time::Timestamp;

/// One account of one data centre. [`ports`](crate::ports) shows how one is made.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// One page of the account's machines, in CloudAPI's own order.
    async fn list(&self, page: &ListPage) -> Result<InstancePage, CloudError>;

    /// One machine. A destroyed one is an answer, not an error, while the cloud still knows it;
    /// afterwards it is [`ErrorKind::NotFound`].
    async fn get(&self, instance: InstanceId) -> Result<ObservedInstance, CloudError>;

    /// Asks for a machine to be made. Not repeatable: read
    /// [`classify_create`](crate::protocol::create::classify_create) before concluding anything
    /// from an error.
    async fn create(&self, request: &CreateInstance) -> Result<ObservedInstance, CloudError>;

    /// Asks for a machine to be destroyed. Repeatable, since UUIDs never recur. `Ok` means that
    /// the cloud took note or that the machine is gone already.
    async fn delete(&self, instance: InstanceId) -> Result<(), CloudError>;

    /// Asks for a stopped machine to be started. Repeatable: of a machine in another state the
    /// cloud takes note all the same, and then does nothing. `Ok` means that the cloud took note,
    /// not that it will happen; only a later look proves that.
    async fn start(&self, instance: InstanceId) -> Result<(), CloudError>;

    /// Asks for a running machine to be stopped; its guest has about a minute to shut down.
    /// Repeatable, and `Ok` means as little as for [`Cloud::start`].
    async fn stop(&self, instance: InstanceId) -> Result<(), CloudError>;

    /// Asks for a running machine to be rebooted. Repeatable, though each request that the cloud
    /// takes note of is a reboot of its own: repeating one costs another outage, never more. `Ok`
    /// means that the cloud took note; looks may miss the short time in which the machine is down.
    async fn restart(&self, instance: InstanceId) -> Result<(), CloudError>;

    /// Asks for a machine to get the size of another package. Repeatable. Whether its brand allows
    /// it is [`Brand::resize`](crate::model::instance::Brand::resize)'s to say; else the answer is
    /// [`ErrorKind::Invalid`]. `Ok` means that the cloud took note; the compute node may still have
    /// no room. It happened once [`ObservedInstance::package`] is the package's mark.
    async fn resize(&self, instance: InstanceId, package: PackageId) -> Result<(), CloudError>;

    /// Asks for a machine's labels and firewall to be changed in place. Makes up to
    /// [`InstanceUpdate::request_count`] requests, one after the other, and ends at the first that
    /// fails. Repeatable: a part that is done already changes nothing.
    ///
    /// CloudAPI may lose one of two writes to the same labels while the first is under way. So one
    /// call has at most one write noted for the tags and one for the metadata, removals first, and
    /// says [`Noted::Part`] when more is left. Tags are written last, when nothing else is left: a
    /// tag that was seen proves that all the rest had been noted before it.
    async fn update(&self, instance: InstanceId, change: &InstanceUpdate) -> Result<Noted, CloudError>;

    /// What a package is, active or not: how to know a machine's package when it is seen.
    async fn package(&self, package: PackageId) -> Result<PackageProfile, CloudError>;

    /// Who the credentials belong to: the self-test that tells "gone" from "not allowed to see".
    async fn account(&self) -> Result<AccountProfile, CloudError>;
}

/// Largest page CloudAPI serves.
pub const PAGE_MAX: u32 = 1000;

/// Which machines to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListFilter {
    /// All of them.
    All,
    /// Those whose `tsgop` tag names this operation.
    Operation(OperationId),
    /// Those whose name *begins* so: that is what CloudAPI does with `name=`.
    NamePrefix(String),
}

/// Whether machines that are over are listed too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tombstones {
    /// Failed and destroyed machines stay hidden.
    Hidden,
    /// Everything the cloud still knows.
    Shown,
}

/// Whether the names and tags of the machines are wanted too: they are most of what a look has
/// to keep, and only rules that speak of them need them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labelling {
    /// The machines alone.
    Bare,
    /// With their names and tags.
    Labelled,
}

/// Whether the addresses of the machines in all their networks are wanted too: only checks that
/// name a network need them. They stand in the same replies, so that they cost no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// Their primary ones alone.
    Primary,
    /// That of each NIC.
    EveryNetwork,
}

/// One page to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage {
    /// Which machines.
    pub filter: ListFilter,
    /// Dead ones too?
    pub tombstones: Tombstones,
    /// With names and tags?
    pub labelling: Labelling,
    /// With the addresses of all NICs?
    pub addressing: Addressing,
    /// How many to skip.
    pub offset: u32,
    /// How many at most, 1 to [`PAGE_MAX`].
    pub limit: u32,
}

/// One page of machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstancePage {
    /// The machines, in the cloud's order.
    pub instances: Vec<ObservedInstance>,
    /// The names and tags of the same machines in the same order, where they were asked for. Tags
    /// are in the order of their keys.
    pub labels: Option<LabelPage>,
    /// Their NICs in any order, where they were asked for.
    pub nics: Option<Vec<Nic>>,
    /// The cloud's clock, from the reply.
    pub server_time: Option<Timestamp>,
}

/// Everything a create request says.
///
/// ```
/// use tsg_core::model::tag::Tags;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::ports::cloud::CreateInstance;
///
/// let request = CreateInstance {
///     name: "web-aaaaaaaaaaaaaaaaaaaaaaaabk".into(),
///     template: serde_json::from_str(r#"{
///         "name": "web", "package": "00000000-0000-0000-0000-000000000001",
///         "image": "00000000-0000-0000-0000-000000000002", "networks": [], "firewall_enabled": true,
///         "userdata": "", "metadata": {}, "tags": {}
///     }"#)?,
///     claim_tags: Tags::new(),
///     affinity: vec![],
///     signed_at: Timestamp::from_millis(1_800_000_000_000),
/// };
/// let again = CreateInstance { signed_at: Timestamp::from_millis(1_800_000_900_000), ..request.clone() };
/// assert_eq!(again.fingerprint(), request.fingerprint(), "the same intent, signed anew");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CreateInstance {
    /// The machine's name.
    pub name: String,
    /// What it is made from.
    pub template: TemplateSpec,
    /// tsg's own tags, over and above the template's.
    pub claim_tags: Tags,
    /// CloudAPI affinity rules. Empty: CloudAPI spreads mildly by itself.
    pub affinity: Vec<String>,
    /// The date to sign with, fixed when the request was dispatched: the cloud itself refuses
    /// the request 300 s after it, so a sender that was held up cannot do harm.
    #[serde(skip)]
    pub signed_at: Timestamp,
}

impl CreateInstance {
    /// Hash of what is sent. The date is left out: it proves freshness and is no part of the
    /// intent.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self)
    }
}

/// Whether Triton's Cloud Firewall guards a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirewallState {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
}

/// What to change in a machine while it stays the same machine. What is not named stays.
///
/// ```
/// use tsg_core::ports::cloud::InstanceUpdate;
/// let drain = InstanceUpdate::drain("scale_in");
/// assert_eq!(drain.metadata["tsg.drain"], "scale_in");
/// assert_eq!(drain.request_count(), 1);
/// assert!(InstanceUpdate::default().is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InstanceUpdate {
    /// Tags to add or overwrite.
    pub tags: Tags,
    /// Keys of tags to remove.
    pub removed_tags: Vec<String>,
    /// Metadata to add or overwrite.
    pub metadata: BTreeMap<String, String>,
    /// Keys of metadata to remove.
    pub removed_metadata: Vec<String>,
    /// What the firewall is to be; `None` leaves it as it is.
    pub firewall: Option<FirewallState>,
}

impl InstanceUpdate {
    /// Takes the instance out of its services in CNS and tells its guest why, in one word. The
    /// guest may answer with [`guest::DRAINED`].
    pub fn drain(reason: &str) -> Self {
        Self::delist().and([(guest::DRAIN, reason)])
    }

    /// Tells the guest that its drain was taken back; its answer is void. Its services are another
    /// matter.
    pub fn undrain() -> Self {
        // Overwritten, not removed: all of them change in one request, or none.
        Self::default().and([(guest::DRAIN, guest::NO_DRAIN), (guest::DRAINED, "false")])
    }

    /// Takes the instance out of its services in CNS.
    pub fn delist() -> Self {
        Self::default().and([(guest::CNS_STATUS, "down"), (guest::TAKEN_OUT, "true")])
    }

    /// Puts the instance into its services in CNS again.
    pub fn list() -> Self {
        Self::default().and([(guest::CNS_STATUS, "up"), (guest::TAKEN_OUT, "false")])
    }

    fn and<const N: usize>(mut self, texts: [(&str, &str); N]) -> Self {
        self.metadata.extend(texts.into_iter().map(|(key, text)| (String::from(key), String::from(text))));
        self
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.request_count() == 0
    }

    /// How many requests one call may make, at most.
    pub fn request_count(&self) -> usize {
        self.removed_tags.len()
            + self.removed_metadata.len()
            + usize::from(!self.tags.is_empty())
            + usize::from(!self.metadata.is_empty())
            + usize::from(self.firewall.is_some())
    }

    /// Hash of what is asked of which machine.
    pub fn fingerprint(&self, instance: InstanceId) -> Fingerprint {
        Fingerprint::of(&(instance, self))
    }
}

/// How much of an update the cloud took note of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// All of it: the cloud's jobs are queued or there was nothing left to do.
    Whole,
    /// A part: ask again once that has had time to happen, usually some seconds.
    Part,
}

/// A package, as far as it tells what a machine of it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageProfile {
    /// Its id.
    pub id: PackageId,
    /// How machines of it show it.
    pub mark: PackageMark,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Disk in MiB.
    pub disk_mib: u64,
    /// Whether a bhyve machine can be resized to it.
    pub has_flexible_disk: bool,
}

/// The account behind the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountProfile {
    /// Its id in the cloud's directory.
    pub id: AccountId,
    /// Its login.
    pub login: String,
    /// Whether the Container Name Service is on.
    pub has_cns: bool,
}

/// The closed set of what can go wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// There is no such thing, or it is not ours to see.
    NotFound,
    /// It clashes with the state of things.
    Conflict,
    /// No usable answer: connection, time-out, 5xx.
    Unavailable,
    /// Too many requests.
    Throttled,
    /// Credentials or permission.
    Denied,
    /// The request is wrong and will stay wrong.
    Invalid,
    /// This cloud does not do that.
    Unsupported,
    /// An answer that cannot be read.
    Corrupt,
}

/// What the cloud named as the reason, where it named one we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CloudCode {
    /// The signature or key was not accepted (401).
    InvalidCredentials,
    /// The account or role may not do this (403).
    NotAuthorized,
    /// A quota is used up; CloudAPI says 403 for it.
    QuotaExceeded,
    /// The clock of this machine and the cloud's differ by more than 300 s.
    ClockSkew,
    /// The name is in use.
    DuplicateName,
    /// A parameter is missing.
    MissingParameter,
    /// A parameter is wrong.
    InvalidArgument,
    /// The machine as described is not valid.
    ValidationFailed,
    /// No compute node has room or satisfies the affinity rules.
    NoAllocatableServers,
    /// The machine has not been placed yet.
    UnallocatedVm,
    /// Deletion protection is on.
    DeletionProtected,
    /// There is no such resource.
    ResourceNotFound,
    /// Requests over the rate limit (429, 420).
    TooManyRequests,
    /// CloudAPI's own maintenance mode (503 with its own body, not a proxy's page).
    Maintenance,
    /// Anything else, or nothing at all.
    Other,
}

/// How far a request can have got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Surely not one byte of it left: name look-up, connection or TLS failed.
    NotSent,
    /// It may have been taken, and no complete reply came back.
    MaybeSent,
    /// A complete reply came back.
    Answered,
}

/// Why a request did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct CloudError {
    /// Which of the closed set.
    pub kind: ErrorKind,
    /// What the cloud named.
    pub code: CloudCode,
    /// How far the request can have got.
    pub reach: Reach,
    /// The status, when there was a reply.
    pub status: Option<u16>,
    /// The cloud's or the transport's words. Never holds a credential.
    pub message: String,
    /// The cloud's request id.
    pub request_id: Option<String>,
    /// How long the cloud asked to wait, clamped to 1 s to 1 h.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for CloudError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(out, "CloudAPI answered {status}: {}", self.message)?,
            None => write!(out, "no answer from CloudAPI: {}", self.message)?,
        }
        match &self.request_id {
            Some(id) => write!(out, " (request {id})"),
            None => Ok(()),
        }
    }
}

/// Whether and how asking again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not before something changes.
    Never,
    /// After backing off, at least so long.
    After(Duration),
}

impl CloudError {
    /// Whether and how asking again can help.
    pub fn retry(&self) -> Retry {
        match self.kind {
            ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::Corrupt | ErrorKind::Conflict => {
                Retry::After(self.retry_after.unwrap_or(Duration::from_secs(1)))
            }
            ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::Unsupported => Retry::Never,
        }
    }
}
