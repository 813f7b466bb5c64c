//! What the engine shows of itself: the last view of every group, and the account's health.
//!
//! Owns the shared board that API and command line read. Must never be read by the engine to
//! decide anything.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use tsg_core::health::discovery::Alarm;
use tsg_core::health::verdict::Judgement;
use tsg_core::model::group::Group;
use tsg_core::model::guest::{GuestReport, GuestSigns};
use tsg_core::model::id::{ComputeNodeId, GroupId, InstanceId, NetworkId, OperationId};
use tsg_core::model::instance::{Brand, InstanceState};
use tsg_core::model::listing::Listing;
use tsg_core::model::operation::{Cause, Phase};
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::{Limits, Marks, Retirement, View, ViewTrust};
use tsg_core::plan::output::{Class, Report};
use tsg_core::storm::holds::Hold;

use crate::placement::{Blocked, Occupancy};

/// One group as the engine saw it last.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupView {
    /// The intent that was planned for.
    pub group: Group,
    /// When this was put together.
    pub at: Timestamp,
    /// How good the look at the cloud was.
    pub view: View,
    /// The planner's report; `None` until the group was planned once.
    pub report: Option<Report>,
    /// The limits that it was planned under; `None` until the group was planned once.
    pub limits: Option<Limits>,
    /// The operations that are not closed, oldest first.
    pub members: Vec<MemberView>,
    /// Why none of its creates may be sent, if its rules say so.
    #[serde(skip)]
    pub blocked: Option<Arc<Blocked>>,
    /// How it stands in discovery; `None` where its checks do not drive that.
    #[serde(skip)]
    pub discovery: Option<DiscoveryView>,
    /// What holds its repair from beyond the group, if anything does.
    #[serde(skip)]
    pub hold: Option<Hold>,
    /// When the planner asked to be called again at the latest.
    pub next_wakeup: Option<Timestamp>,
    /// Set while the group is set aside because something about it cannot be handled.
    pub trouble: Option<Trouble>,
}

/// How a group stands in discovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiscoveryView {
    /// Why instances stay listed although they are not ready; `None` while none does.
    pub alarm: Option<Alarm>,
}

/// One operation that is not closed, with what was seen of its machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberView {
    /// The operation.
    pub operation: OperationId,
    /// Its place in the group's ledger.
    pub sequence: u64,
    /// The instance's name.
    pub name: String,
    /// The machine, once known.
    pub instance: Option<InstanceId>,
    /// Where the operation stands.
    pub phase: Phase,
    /// Since when.
    pub phase_since: Timestamp,
    /// Where the planner sorted it; `None` until it was planned once.
    pub class: Option<Class>,
    /// The machine's state when it was last seen.
    pub state: Option<InstanceState>,
    /// Since when it is in that state, as far as this engine has looked.
    pub state_since: Option<Timestamp>,
    /// What its guest said of itself when it was last seen.
    pub guest: GuestReport,
    /// What its guest said last to whoever looks after its health.
    #[serde(skip)]
    pub signs: GuestSigns,
    /// Since when its guest says that.
    pub guest_since: Option<Timestamp>,
    /// What runs the machine.
    pub brand: Brand,
    /// The revision it was made from, or was last changed to.
    pub revision: u32,
    /// How far its removal has come, once begun.
    pub retirement: Option<Retirement>,
    /// What is believed of its health; `None` where nobody looks.
    #[serde(skip)]
    pub health: Option<Judgement>,
    /// Whether discovery answers with it, as far as the group's checks decide that.
    pub listing: Listing,
    /// Whether its metadata took it out of discovery when it was last seen, whoever wrote them.
    pub is_delisted: bool,
    /// What people said about it.
    pub marks: Marks,
    /// Its primary address.
    pub address: Option<IpAddr>,
    /// Its address in each of its networks, as the newest list showed them; `None` where no check of
    /// its group names a network, and while nothing is known of them.
    #[serde(skip)]
    pub networks: Option<BTreeMap<NetworkId, IpAddr>>,
    /// Its compute node.
    pub compute_node: Option<ComputeNodeId>,
    /// When the cloud made it.
    pub created_at: Option<Timestamp>,
    /// Whether the cloud refuses to delete it.
    pub is_protected: bool,
    /// Why it was planned.
    pub cause: Cause,
    /// Why its delete was decided.
    pub deletion_cause: Option<Cause>,
    /// Create requests so far.
    pub attempts: u32,
}

/// Something that went wrong, for a person to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// When it was last seen.
    pub at: Timestamp,
    /// What it is. Never holds a secret.
    pub what: String,
}

/// How the account as a whole stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountHealth {
    /// How good the last look at the cloud was.
    pub view: View,
    /// Machines in the last complete list.
    pub instances_seen: u64,
    /// Requests answered or not, by outcome.
    pub requests: RequestCounts,
    /// Plans made since the engine began.
    pub plans: u64,
    /// Requests for each second that the engine allows itself now.
    pub requests_per_second: f64,
    /// Creates unanswered at once that the engine allows itself now.
    pub creates_in_flight_max: u32,
    /// The newest failure of a request, until one succeeds.
    pub cloud_trouble: Option<Trouble>,
    /// The newest failure of the store, until it answers.
    pub store_trouble: Option<Trouble>,
    /// Groups whose records cannot be read, and why. The other groups go on without them.
    pub unreadable_groups: BTreeMap<GroupId, String>,
    /// Machines that carry this deployment's tags but belong to no operation that can have made
    /// them. They are never touched.
    pub strangers: Vec<InstanceId>,
}

/// Requests sent since the engine began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RequestCounts {
    /// POST /machines.
    pub creates: u64,
    /// DELETE /machines/:id.
    pub deletes: u64,
    /// Start requests.
    pub starts: u64,
    /// Requests that stop, restart, resize or relabel a machine.
    pub changes: u64,
    /// Pages of complete lists.
    pub list_pages: u64,
    /// All other reads.
    pub reads: u64,
    /// Answers that said "too many requests".
    pub throttled: u64,
}

impl Default for AccountHealth {
    fn default() -> Self {
        Self {
            view: View { taken_at: Timestamp::EPOCH, trust: ViewTrust::Unobserved },
            instances_seen: 0,
            requests: RequestCounts::default(),
            plans: 0,
            requests_per_second: 0.0,
            creates_in_flight_max: 0,
            cloud_trouble: None,
            store_trouble: None,
            unreadable_groups: BTreeMap::new(),
            strangers: Vec::new(),
        }
    }
}

/// The shared board.
#[derive(Debug, Default)]
pub(crate) struct Board {
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    groups: BTreeMap<GroupId, Arc<GroupView>>,
    health: Arc<AccountHealth>,
    occupancy: Option<Arc<Occupancy>>,
}

impl Board {
    pub(crate) fn groups(&self) -> Vec<Arc<GroupView>> {
        self.lock().groups.values().cloned().collect()
    }

    pub(crate) fn group(&self, id: GroupId) -> Option<Arc<GroupView>> {
        self.lock().groups.get(&id).cloned()
    }

    pub(crate) fn health(&self) -> Arc<AccountHealth> {
        self.lock().health.clone()
    }

    pub(crate) fn occupancy(&self) -> Option<Arc<Occupancy>> {
        self.lock().occupancy.clone()
    }

    pub(crate) fn show_occupancy(&self, occupancy: Occupancy) {
        self.lock().occupancy = Some(Arc::new(occupancy));
    }

    pub(crate) fn show_group(&self, view: GroupView) {
        self.lock().groups.insert(view.group.id, Arc::new(view));
    }

    pub(crate) fn hide_group(&self, id: GroupId) {
        self.lock().groups.remove(&id);
    }

    pub(crate) fn show_health(&self, health: AccountHealth) {
        self.lock().health = Arc::new(health);
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        // Every writer replaces whole values, so a writer that died left nothing half done.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
