//! Images, packages and networks. None of these lists is paged.

use uuid::Uuid;

use super::{call::Call, error::ClientError, transport::Client};
use crate::wire::{Image, Network, Package};

impl Client {
    /// All active images the account may use. Several versions share a name: the newest by
    /// `published_at` is the one people mean.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn images(&self) -> Result<Vec<Image>, ClientError> {
        self.fetch(Call::get(&[self.account_login(), "images"])).await
    }

    /// One image by uuid.
    ///
    /// # Errors
    /// [`ClientError`] of kind `NotFound` when there is none.
    pub async fn image(&self, id: Uuid) -> Result<Image, ClientError> {
        self.fetch(Call::get(&[self.account_login(), "images", &id.to_string()])).await
    }

    /// All active packages.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn packages(&self) -> Result<Vec<Package>, ClientError> {
        self.fetch(Call::get(&[self.account_login(), "packages"])).await
    }

    /// One package by uuid; disabled ones are found too.
    ///
    /// # Errors
    /// [`ClientError`] of kind `NotFound` when there is none.
    pub async fn package(&self, id: Uuid) -> Result<Package, ClientError> {
        self.fetch(Call::get(&[self.account_login(), "packages", &id.to_string()])).await
    }

    /// All networks and pools the account may use.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn networks(&self) -> Result<Vec<Network>, ClientError> {
        self.fetch(Call::get(&[self.account_login(), "networks"])).await
    }

    /// One network by uuid.
    ///
    /// # Errors
    /// [`ClientError`] of kind `NotFound` when there is none.
    pub async fn network(&self, id: Uuid) -> Result<Network, ClientError> {
        self.fetch(Call::get(&[self.account_login(), "networks", &id.to_string()])).await
    }
}
