//! Accounts, their sub-users and their SSH keys: the records, what clients see of them, and the
//! requests that read and change them. It never checks a signature.

use std::collections::BTreeMap;

use serde::Serialize;

use super::World;
use super::cns::dns_label;
use super::ids::{AccountId, NetworkId};
use super::keys::SshKey;
use super::refusal::Refusal;
use super::time::SimTime;

/// A sub-user. Sub-users of the simulation hold no roles, so everything is refused to them.
#[derive(Debug, Clone)]
pub struct SubUser {
    /// Login within the account.
    pub login: String,
    /// Keys of the sub-user.
    pub keys: Vec<SshKey>,
}

/// What an account may have at most. `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Quota {
    /// Machines not destroyed and not failed.
    pub machines: Option<u64>,
    /// Sum of their memory, in MiB.
    pub memory_mib: Option<u64>,
    /// Sum of their disk, in MiB.
    pub disk_mib: Option<u64>,
}

/// A customer account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Identity.
    pub id: AccountId,
    /// Login.
    pub login: String,
    /// Whether requests are served at all.
    pub enabled: bool,
    /// Whether machines may be created.
    pub approved: bool,
    /// Whether the name service is on.
    pub cns_enabled: bool,
    /// Free-text fields by their wire name (`email`, `firstName`, ...).
    pub texts: BTreeMap<&'static str, String>,
    /// SSH keys.
    pub keys: Vec<SshKey>,
    /// Sub-users.
    pub sub_users: Vec<SubUser>,
    /// Limits.
    pub quota: Quota,
    /// The network new machines get when the client names none.
    pub default_network: Option<NetworkId>,
    /// Creation time.
    pub created: SimTime,
    /// Time of the last write.
    pub updated: SimTime,
}

/// What is needed to open an account. Everything else starts at its default.
#[derive(Debug, Clone, Default)]
pub struct NewAccount {
    /// Login.
    pub login: String,
    /// A fixed identity; drawn from the seed when absent.
    pub id: Option<AccountId>,
    /// Whether the name service is on.
    pub cns_enabled: bool,
    /// Limits.
    pub quota: Quota,
}

/// Texts of an account that a client may set, by wire name.
pub const ACCOUNT_TEXTS: [&str; 10] =
    ["email", "companyName", "firstName", "lastName", "address", "city", "state", "postalCode", "country", "phone"];

/// An account as CloudAPI prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountView {
    /// Identity.
    pub id: AccountId,
    /// Login.
    pub login: String,
    /// Free-text fields that are set.
    #[serde(flatten)]
    pub texts: BTreeMap<&'static str, String>,
    /// Whether the name service is on.
    pub triton_cns_enabled: bool,
    /// Time of the last write.
    pub updated: String,
    /// Creation time.
    pub created: String,
}

/// One limit of an account, as `GET /:account/limits` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitView {
    /// The limit.
    pub value: u64,
    /// What is counted.
    pub by: &'static str,
    /// What it is checked against.
    pub check: &'static str,
    /// How much is used.
    pub used: u64,
}

/// The account's configuration, as `GET /:account/config` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigView {
    /// The network new machines get when the client names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_network: Option<NetworkId>,
}

impl World {
    /// Opens an account and gives it its fabric network.
    pub fn add_account(&mut self, new: NewAccount) -> AccountId {
        let id = new.id.unwrap_or_else(|| AccountId::fresh(&mut self.rng.ids));
        let email = format!("{}@example.com", new.login);
        let account = Account {
            id,
            login: new.login,
            enabled: true,
            approved: true,
            cns_enabled: new.cns_enabled,
            texts: BTreeMap::from([("email", email)]),
            keys: Vec::new(),
            sub_users: Vec::new(),
            quota: new.quota,
            default_network: None,
            created: self.now,
            updated: self.now,
        };
        if let Some(label) = dns_label(&account.login) {
            self.directory.add_login(label, id);
        }
        self.accounts.insert(id, account);
        self.add_fabric_of(id);
        id
    }

    /// The account with this login (exact) or uuid.
    #[must_use]
    pub fn find_account(&self, login_or_uuid: &str) -> Option<&Account> {
        match AccountId::parse(login_or_uuid) {
            Some(id) => self.accounts.get(&id),
            None => self.accounts.values().find(|account| account.login == login_or_uuid),
        }
    }

    /// The account with this id.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// All accounts.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// Gives an account back its right to be served, or takes it away.
    pub fn set_account_standing(&mut self, id: AccountId, standing: Standing) {
        if let Some(account) = self.accounts.get_mut(&id) {
            account.enabled = standing != Standing::Disabled;
            account.approved = standing == Standing::Approved;
        }
        self.note_listings_of(id);
    }

    /// Adds a sub-user with keys and no roles.
    pub fn add_sub_user(&mut self, id: AccountId, sub_user: SubUser) {
        if let Some(account) = self.accounts.get_mut(&id) {
            account.sub_users.push(sub_user);
        }
    }

    /// Replaces an account's limits.
    pub fn set_quota(&mut self, id: AccountId, quota: Quota) {
        if let Some(account) = self.accounts.get_mut(&id) {
            account.quota = quota;
        }
    }

    /// `GET /:account`.
    pub fn account_view(&self, id: AccountId) -> Result<AccountView, Refusal> {
        let account = self.account_or_refuse(id)?;
        Ok(AccountView {
            id,
            login: account.login.clone(),
            texts: account.texts.clone(),
            triton_cns_enabled: account.cns_enabled,
            updated: account.updated.iso_millis(),
            created: account.created.iso_millis(),
        })
    }

    /// `POST /:account`: known texts are set, `triton_cns_enabled` is switched, the rest is ignored.
    pub fn update_account(&mut self, id: AccountId, params: &BTreeMap<String, String>) -> Result<AccountView, Refusal> {
        let cns_enabled = match params.get("triton_cns_enabled").map(String::as_str) {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => {
                return Err(Refusal::invalid_argument("triton_cns_enabled must be either \"true\" or \"false\""));
            }
        };
        let now = self.now;
        let account = self.accounts.get_mut(&id).ok_or_else(|| Refusal::not_found("account does not exist"))?;
        account.cns_enabled = cns_enabled.unwrap_or(account.cns_enabled);
        for key in ACCOUNT_TEXTS {
            if let Some(text) = params.get(key) {
                account.texts.insert(key, text.clone());
            }
        }
        account.updated = now;
        self.note_listings_of(id);
        self.account_view(id)
    }

    /// `GET /:account/limits`.
    pub fn limits(&self, id: AccountId) -> Result<Vec<LimitView>, Refusal> {
        let quota = self.account_or_refuse(id)?.quota;
        let usage = self.usage(id);
        let limits = [
            ("machines", quota.machines, usage.machines),
            ("ram", quota.memory_mib, usage.memory_mib),
            ("quota", quota.disk_mib, usage.disk_mib),
        ];
        let view =
            |(by, value, used)| Some(LimitView { value: Option::<u64>::clone(&value)?, by, check: "owner", used });
        Ok(limits.into_iter().filter_map(view).collect())
    }

    /// `GET /:account/config`.
    pub fn config(&self, id: AccountId) -> Result<ConfigView, Refusal> {
        Ok(ConfigView { default_network: self.account_or_refuse(id)?.default_network })
    }

    /// `PUT /:account/config`.
    pub fn set_default_network(&mut self, id: AccountId, network: Option<&str>) -> Result<ConfigView, Refusal> {
        let refuse = |code, detail: &str| {
            Refusal::validation("Invalid config", "default_network", code, format!("default_network {detail}"))
        };
        let network = network.ok_or_else(|| refuse("MissingParameter", "is missing and it is required"))?;
        let network = NetworkId::parse(network).ok_or_else(|| refuse("Invalid", "must be a UUID"))?;
        if !self.can_use_network(id, network) {
            return Err(refuse("Invalid", "unknown network"));
        }
        if let Some(account) = self.accounts.get_mut(&id) {
            account.default_network = Some(network);
        }
        self.config(id)
    }

    pub(super) fn account_or_refuse(&self, id: AccountId) -> Result<&Account, Refusal> {
        self.accounts.get(&id).ok_or_else(|| Refusal::not_found("account does not exist"))
    }
}

/// Whether an account is served and may create machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Served; may create machines.
    Approved,
    /// Served; may not create machines.
    Unapproved,
    /// Every request is refused with 403.
    Disabled,
}
