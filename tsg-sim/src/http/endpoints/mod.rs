//! The endpoints: what each route does to the world, and what it says of it.
//!
//! Owns the way from an authenticated request to the world's gate. It must never repeat a check the world makes.

mod account;
mod attachments;
mod catalog;
mod create;
mod firewall;
mod keys;
mod machines;
mod tags;

use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;

use super::live::LiveWorld;
use super::params::Params;
use super::pipeline::{Ended, Outcome};
use super::reply::Reply;
use super::route::{Matched, Route};
use super::verifier::Identity;
use super::version;
use crate::world::{self, AccountId, Call, Caller, Fingerprint, Refusal, Standing, World};

pub(crate) use create::{PendingCreate, conclude};

/// An authenticated request with all its parameters.
#[derive(Debug)]
pub(crate) struct Inbound<'a> {
    pub(crate) matched: &'a Matched,
    pub(crate) params: &'a Params,
    pub(crate) payload: Option<Fingerprint>,
    pub(crate) identity: &'a Identity,
    /// The path as sent, for refusals.
    pub(crate) path: &'a str,
    pub(crate) peer: IpAddr,
    /// The URL of this CloudAPI.
    pub(crate) endpoint: &'a str,
}

/// What an endpoint works with: the request, and who asks.
pub(crate) struct Task<'a> {
    inbound: &'a Inbound<'a>,
    caller: Caller,
    /// Login of the account acted on, for `Location`.
    login: String,
}

impl Task<'_> {
    fn account(&self) -> AccountId {
        self.caller.account
    }

    fn part(&self, name: &str) -> &str {
        self.inbound.matched.parts.get(name)
    }

    fn machine(&self) -> &str {
        self.part("machine")
    }

    fn params(&self) -> &Params {
        self.inbound.params
    }
}

/// `GET /--ping`, the only route without authentication.
pub(crate) fn ping(live: &LiveWorld) -> Reply {
    account::ping(live.look(|world| world.datacenter().to_owned()))
}

/// Whom the request acts for: the account of its path, if the signer may act there.
fn authorize(world: &World, inbound: &Inbound<'_>) -> Result<AccountId, Refusal> {
    let identity = inbound.identity;
    let Some(signer) = world.find_account(&identity.account) else {
        return Err(Refusal::new(401, "InvalidCredentials", "Invalid authorization credentials supplied"));
    };
    if world.standing(signer.id) == Standing::Disabled {
        return Err(Refusal::not_authorized("Account or user is disabled"));
    }
    let named = inbound.matched.parts.get("account");
    let subject = match named {
        "my" => Some(signer),
        login_or_uuid => world.find_account(login_or_uuid),
    };
    let subject = subject.ok_or_else(|| Refusal::not_found(format!("{named} does not exist")))?;
    if subject.id != signer.id || identity.sub_user.is_some() {
        let (path, name) = (inbound.path, inbound.matched.name);
        return Err(Refusal::not_authorized(format!("You do not have permission to access {path} ({name})")));
    }
    Ok(subject.id)
}

/// Takes the request through the world's gate to its endpoint.
pub(crate) fn answer(world: &mut World, inbound: &Inbound<'_>) -> Result<Outcome, Ended> {
    let account = authorize(world, inbound)?;
    let login = world.account(account).map(|account| account.login.clone()).unwrap_or_default();
    let caller = Caller { account, ip: inbound.peer, key_id: Arc::from(inbound.identity.key_id.as_str()) };
    let task = Task { inbound, caller, login };
    let call = Call::new(account, inbound.matched.operation).carrying(inbound.payload);
    if inbound.matched.route == Route::CreateMachine {
        return create::submit(world, &task, &call);
    }
    let call = match inbound.matched.parts.find("machine") {
        Some(machine) => call.about(machine),
        None => call,
    };
    delivered(world.serve(&call, |world| perform(world, &task)))
}

/// Whom a change feed is for, once the gate let the request in.
pub(crate) fn admit_listener(world: &mut World, inbound: &Inbound<'_>) -> Result<AccountId, Ended> {
    let account = authorize(world, inbound)?;
    let call = Call::new(account, inbound.matched.operation);
    match world.serve(&call, |_| Ok(account)) {
        world::Reply::Delivered(admitted) => admitted.map_err(Ended::from),
        world::Reply::Lost => Err(Outcome::Drop.into()),
    }
}

/// The way an answer takes back to the client.
fn delivered(reply: world::Reply<Reply>) -> Result<Outcome, Ended> {
    match reply {
        world::Reply::Delivered(Ok(reply)) => Ok(Outcome::Reply(reply)),
        world::Reply::Delivered(Err(refusal)) => Err(refusal.into()),
        world::Reply::Lost => Err(Outcome::Drop.into()),
    }
}

/// One line for each route: which endpoint does it.
fn perform(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    match task.inbound.matched.route {
        Route::Ping => Ok(account::ping(world.datacenter().to_owned())),
        Route::GetAccount => account::get(world, task),
        Route::UpdateAccount => account::update(world, task),
        Route::ListLimits => account::limits(world, task),
        Route::GetConfig => account::config(world, task),
        Route::UpdateConfig => account::update_config(world, task),
        Route::ListDatacenters => Ok(account::datacenters(world, task)),
        Route::GetDatacenter => account::datacenter(world, task),
        Route::ListServices => Ok(account::services(task)),
        Route::ListKeys => keys::list(world, task),
        Route::CreateKey => keys::create(world, task),
        Route::GetKey => keys::get(world, task),
        Route::DeleteKey => keys::delete(world, task),
        Route::ListImages => Ok(catalog::images(world, task)),
        Route::GetImage => catalog::image(world, task),
        Route::ListPackages => Ok(catalog::packages(world, task)),
        Route::GetPackage => catalog::package(world, task),
        Route::ListNetworks => Ok(catalog::networks(world, task)),
        Route::GetNetwork => catalog::network(world, task),
        Route::ListNetworkIps => catalog::network_ips(world, task),
        Route::GetNetworkIp => catalog::network_ip(world, task),
        Route::UpdateNetworkIp => catalog::update_network_ip(world, task),
        Route::ListMachines => machines::list(world, task),
        Route::GetMachine => machines::get(world, task),
        Route::UpdateMachine => machines::act(world, task),
        Route::DeleteMachine => machines::delete(world, task),
        Route::MachineAudit => machines::audit(world, task),
        Route::ListDisks => Ok(Reply::ok(&EMPTY_LIST)),
        _ => perform_on_attachments(world, task),
    }
}

/// The routes of what hangs on a machine or stands beside it.
fn perform_on_attachments(world: &mut World, task: &Task<'_>) -> Result<Reply, Refusal> {
    match task.inbound.matched.route {
        Route::ListTags => tags::list(world, task),
        Route::AddTags => tags::add(world, task),
        Route::ReplaceTags => tags::replace(world, task),
        Route::DeleteTags => tags::delete_all(world, task),
        Route::GetTag => tags::get(world, task),
        Route::DeleteTag => tags::delete(world, task),
        Route::ListMetadata => tags::list_metadata(world, task),
        Route::AddMetadata => tags::add_metadata(world, task),
        Route::DeleteMetadata => tags::delete_all_metadata(world, task),
        Route::GetMetadatum => tags::get_metadatum(world, task),
        Route::DeleteMetadatum => tags::delete_metadatum(world, task),
        Route::ListNics => attachments::nics(world, task),
        Route::AddNic => attachments::add_nic(world, task),
        Route::GetNic => attachments::nic(world, task),
        Route::RemoveNic => attachments::remove_nic(world, task),
        Route::ListSnapshots => attachments::snapshots(world, task),
        Route::CreateSnapshot => attachments::create_snapshot(world, task),
        Route::GetSnapshot => attachments::snapshot(world, task),
        Route::RollBackSnapshot => attachments::roll_back(world, task),
        Route::DeleteSnapshot => attachments::delete_snapshot(world, task),
        Route::ListMachineRules => firewall::rules_of_machine(world, task),
        Route::ListRules => firewall::list(world, task),
        Route::CreateRule => firewall::create(world, task),
        Route::GetRule => firewall::get(world, task),
        Route::UpdateRule => firewall::update(world, task),
        Route::DeleteRule => firewall::delete(world, task),
        Route::EnableRule => firewall::enable(world, task),
        Route::DisableRule => firewall::disable(world, task),
        Route::ListRuleMachines => firewall::machines_of_rule(world, task),
        Route::ListVolumes | Route::ListMigrations | Route::ListUsers => Ok(Reply::ok(&EMPTY_LIST)),
        Route::GetMigration => Err(Refusal::not_found("Migration not found")),
        _ => Err(not_offered(task)),
    }
}

/// Lists of what this data centre never has any of.
const EMPTY_LIST: [(); 0] = [];

/// 501 for what CloudAPI knows and this data centre does not offer.
fn not_offered(task: &Task<'_>) -> Refusal {
    let name = task.inbound.matched.name;
    Refusal::new(501, "NotImplementedError", format!("{name} is not offered by this data center"))
}

/// 202 and 204 answers.
fn accepted() -> Reply {
    Reply::empty(StatusCode::ACCEPTED)
}

fn no_content() -> Reply {
    Reply::empty(StatusCode::NO_CONTENT)
}
