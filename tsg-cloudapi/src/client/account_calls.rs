//! The account: who it is, its keys, and what its data centre offers.

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;

use super::{call::Call, error::ClientError, transport::Client};
use crate::{
    signature::PublicKey,
    wire::{Account, AccountKey},
};

#[derive(Serialize)]
struct NewKeyBody<'a> {
    name: &'a str,
    key: String,
}

impl Client {
    /// The account itself: also the cheapest proof that the credentials work.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn account(&self) -> Result<Account, ClientError> {
        self.fetch(Call::get(&[self.account_login()])).await
    }

    /// The account's SSH keys.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn keys(&self) -> Result<Vec<AccountKey>, ClientError> {
        self.fetch(Call::get(&[self.account_login(), "keys"])).await
    }

    /// The SSH keys of a sub-user of the account.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn sub_user_keys(&self, sub_user: &str) -> Result<Vec<AccountKey>, ClientError> {
        self.fetch(Call::get(&[self.account_login(), "users", sub_user, "keys"])).await
    }

    /// Adds a public key to the account under a name.
    ///
    /// # Errors
    /// [`ClientError`] of kind `Invalid` when the name or the key is there already.
    pub async fn add_key(&self, name: &str, key: &PublicKey) -> Result<AccountKey, ClientError> {
        let body = NewKeyBody { name, key: key.to_openssh() };
        let call = Call::new(Method::POST, &[self.account_login(), "keys"]).with_json(&body)?;
        self.fetch(call).await
    }

    /// Removes a key by its name or md5 fingerprint.
    ///
    /// # Errors
    /// [`ClientError`] of kind `NotFound` when there is none.
    pub async fn delete_key(&self, name_or_md5: &str) -> Result<(), ClientError> {
        if name_or_md5.is_empty() {
            return Err(ClientError::unsendable("the key's name is empty"));
        }
        let call = Call::new(Method::DELETE, &[self.account_login(), "keys", name_or_md5]);
        self.send(call).await.map(drop)
    }

    /// The data centres of this cloud: name to CloudAPI URL.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn datacenters(&self) -> Result<BTreeMap<String, String>, ClientError> {
        self.fetch(Call::get(&[self.account_login(), "datacenters"])).await
    }

    /// The services of this data centre: name to URL. No `cmon` here means no CMon.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn services(&self) -> Result<BTreeMap<String, String>, ClientError> {
        self.fetch(Call::get(&[self.account_login(), "services"])).await
    }
}
