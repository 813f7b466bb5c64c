//! What is kept of accounts and of this deployment.
//!
//! Owns the written form. Must never hold a private key in any other form than sealed.

use serde::{Deserialize, Serialize};
use tsg_core::model::id::{AccountId, DeploymentId};
use tsg_core::model::time::Timestamp;
use tsg_core::ports::store::Kind;
use tsg_core::records::Stored;
use uuid::Uuid;

use super::vault::{Binding, Sealed};

/// The scope of records that belong to no account.
pub const DEPLOYMENT_SCOPE: AccountId = AccountId::from_directory(Uuid::nil());

/// An account that tsg works for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Its login in Triton's directory.
    pub login: String,
    /// When it was first enrolled.
    pub enrolled_at: Timestamp,
}

impl AccountRecord {
    /// There is one for each account.
    pub const ID: &'static str = "account";
}

impl Stored for AccountRecord {
    const KIND: Kind = Kind::Account;

    fn id(&self) -> String {
        Self::ID.to_owned()
    }
}

/// The server's own key for an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountKeyRecord {
    /// Goes up with each enrolment.
    pub version: u32,
    /// Its name in CloudAPI.
    pub key_name: String,
    /// The public half, as an OpenSSH line.
    pub public_key: String,
    /// The public half's md5 fingerprint: how CloudAPI finds it.
    pub fingerprint: String,
    /// The private half.
    pub private_key: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
}

impl AccountKeyRecord {
    /// There is one for each account; enrolling again replaces it.
    pub const ID: &'static str = "cloudapi";

    /// What the private half is bound to.
    pub fn binding(account: &str, version: u32) -> Binding<'_> {
        Binding { account, kind: Kind::AccountKey.as_str(), id: Self::ID, version }
    }
}

impl Stored for AccountKeyRecord {
    const KIND: Kind = Kind::AccountKey;

    fn id(&self) -> String {
        Self::ID.to_owned()
    }
}

/// Facts about this deployment, made once at its first start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentRecord {
    /// Which deployment this is; part of every instance's tags.
    pub id: DeploymentId,
    /// A known text, sealed: opening it at each start proves that the key file fits the store.
    pub canary: Sealed,
    /// When it was first started.
    pub created_at: Timestamp,
}

impl DeploymentRecord {
    /// There is one.
    pub const ID: &'static str = "deployment";

    /// What the canary says.
    pub const CANARY: &'static str = "this store and this key file belong together";

    /// What the canary is bound to.
    pub const CANARY_BINDING: Binding<'static> =
        Binding { account: "", kind: Kind::Deployment.as_str(), id: Self::ID, version: 1 };
}

impl Stored for DeploymentRecord {
    const KIND: Kind = Kind::Deployment;

    fn id(&self) -> String {
        Self::ID.to_owned()
    }
}
