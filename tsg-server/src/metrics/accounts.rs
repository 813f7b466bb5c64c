//! How accounts stand, in metrics.
//!
//! Owns their names, and what an account is called in them. Must never let two accounts share a
//! series.

use std::fmt;
use std::sync::Arc;

use tsg_core::plan::input::ViewTrust;
use tsg_engine::AccountHealth;

use super::groups::GroupScene;
use super::page::{Page, word};
use crate::accounts::registry::Enrolled;
use crate::app::Application;
use crate::health::Seen;

/// One account at one moment.
#[derive(Debug)]
pub struct AccountScene {
    /// What it is called.
    pub label: String,
    /// Its groups.
    pub groups: Vec<GroupScene>,
    id: String,
    health: Arc<AccountHealth>,
    probers: Vec<Seen>,
    /// Whether its change feed is open, if that is listened to.
    is_told: Option<bool>,
}

impl AccountScene {
    /// All of them.
    pub fn all(app: &Application) -> Vec<Self> {
        app.accounts.all().iter().map(|enrolled| Self::of(app, enrolled)).collect()
    }

    fn of(app: &Application, enrolled: &Enrolled) -> Self {
        let (id, engine) = (enrolled.account.to_string(), enrolled.engine.handle());
        // A login may have gone to another account, which is the one that it means since.
        let owner = app.accounts.find(&enrolled.login).filter(|owner| owner.account == enrolled.account);
        Self {
            label: owner.map_or_else(|| id.clone(), |owner| owner.login.clone()),
            groups: GroupScene::all(engine.groups()),
            id,
            health: engine.health(),
            probers: enrolled.watch.probers(),
            is_told: enrolled.feed.as_ref().map(|feed| feed.is_open()),
        }
    }

    fn requests(&self) -> [([(&str, &str); 2], u64); 6] {
        let sent = self.health.requests;
        let kinds = [
            ("create", sent.creates),
            ("delete", sent.deletes),
            ("start", sent.starts),
            ("change", sent.changes),
            ("list_page", sent.list_pages),
            ("read", sent.reads),
        ];
        kinds.map(|(kind, count)| ([("account", self.label.as_str()), ("request", kind)], count))
    }
}

/// Writes them.
pub fn write(accounts: &[AccountScene], page: &mut Page<'_>) -> fmt::Result {
    let ids = accounts.iter().map(|account| ([("account", &account.label), ("id", &account.id)], 1_u32));
    page.gauge("tsg_account_info", "The id of each account.", ids)?;
    write_requests(accounts, page)?;
    write_view(accounts, page)?;
    write_probers(accounts, page)
}

/// One sample for each account.
fn each<'a, V>(
    accounts: &'a [AccountScene],
    value: impl Fn(&AccountHealth) -> V + 'a,
) -> impl Iterator<Item = ([(&'a str, &'a str); 1], V)> {
    accounts.iter().map(move |account| ([("account", account.label.as_str())], value(&account.health)))
}

fn write_requests(accounts: &[AccountScene], page: &mut Page<'_>) -> fmt::Result {
    let sent = accounts.iter().flat_map(AccountScene::requests);
    page.counter("tsg_cloudapi_requests", "Requests that the account's engine sent to CloudAPI, by kind.", sent)?;
    let help = "Answers of CloudAPI that said \"too many requests\".";
    page.counter("tsg_cloudapi_throttled", help, each(accounts, |health| health.requests.throttled))?;
    let help = "Requests for each second that the engine allows itself now.";
    page.gauge("tsg_cloudapi_requests_per_second_max", help, each(accounts, |health| health.requests_per_second))?;
    let help = "Whether the newest request to CloudAPI failed.";
    page.gauge("tsg_cloudapi_failing", help, each(accounts, |health| u32::from(health.cloud_trouble.is_some())))?;
    let help = "Whether the store does not answer the engine.";
    page.gauge("tsg_store_failing", help, each(accounts, |health| u32::from(health.store_trouble.is_some())))?;
    page.counter("tsg_plans", "Plans that the engine made.", each(accounts, |health| health.plans))
}

fn write_view(accounts: &[AccountScene], page: &mut Page<'_>) -> fmt::Result {
    let help = "When the account was listed last.";
    let taken_at = |health: &AccountHealth| health.view.taken_at.as_millis() as f64 / 1e3;
    page.gauge("tsg_account_listed_timestamp_seconds", help, each(accounts, taken_at))?;
    let help = "Whether the last look at the account is believed; 0: nothing is created or deleted.";
    let is_trusted = |health: &AccountHealth| u32::from(health.view.trust == ViewTrust::Trusted);
    page.gauge("tsg_account_view_trusted", help, each(accounts, is_trusted))?;
    let help = "Machines in the last complete list, whoever made them.";
    page.gauge("tsg_account_machines", help, each(accounts, |health| health.instances_seen))?;
    let help = "Machines with the server's tags that it did not make; they are never touched.";
    page.gauge("tsg_account_strangers", help, each(accounts, |health| health.strangers.len()))?;
    let help = "Groups whose records cannot be read.";
    page.gauge("tsg_account_unreadable_groups", help, each(accounts, |health| health.unreadable_groups.len()))?;
    let help = "Whether the account's change feed is open; else changes are seen when it is listed.";
    let told = accounts
        .iter()
        .filter_map(|account| Some(([("account", account.label.as_str())], u32::from(account.is_told?))));
    page.gauge("tsg_account_changefeed_open", help, told)
}

fn write_probers(accounts: &[AccountScene], page: &mut Page<'_>) -> fmt::Result {
    let probers = || accounts.iter().flat_map(|account| account.probers.iter().map(move |prober| (account, prober)));
    let standing = probers().map(|(account, prober)| {
        let standing = word(&prober.standing);
        ([("account", account.label.clone()), ("prober", prober.name.clone()), ("standing", standing)], 1_u32)
    });
    let help = "Who asks the account's instances, and whether it can: able, unable or silent.";
    page.gauge("tsg_prober_standing", help, standing)?;
    let labels =
        |account: &AccountScene, prober: &Seen| [("account", account.label.clone()), ("prober", prober.name.clone())];
    let targets = probers().map(|(account, prober)| (labels(account, prober), prober.targets));
    page.gauge("tsg_prober_checks", "Checks that a prober makes for the account.", targets)?;
    let ignored = probers().map(|(account, prober)| (labels(account, prober), prober.ignored));
    page.counter("tsg_prober_facts_ignored", "Facts of a prober that were not taken.", ignored)
}
