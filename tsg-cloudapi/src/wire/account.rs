//! The account and its keys.

use serde::Deserialize;
use uuid::Uuid;

use super::or_default;

/// The account behind the credentials.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// Its uuid.
    pub id: Uuid,
    /// Its login.
    pub login: String,
    /// Its mail address.
    #[serde(default, deserialize_with = "or_default")]
    pub email: String,
    /// Whether CNS is on.
    #[serde(default, deserialize_with = "or_default")]
    pub triton_cns_enabled: bool,
}

/// One SSH key of an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccountKey {
    /// Its name, unique in the account.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Its md5 fingerprint.
    #[serde(default, deserialize_with = "or_default")]
    pub fingerprint: String,
    /// Its OpenSSH text.
    pub key: String,
}
