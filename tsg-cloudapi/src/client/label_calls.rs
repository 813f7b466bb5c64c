//! A machine's tags and metadata.
//!
//! Writes answer the new set at once, but reads and list filters show the old one until a job has
//! ended: wait before relying on them. Two writers at once may lose one another's change.

use http::Method;
use uuid::Uuid;

use super::{call::Call, error::ClientError, transport::Client};
use crate::wire::Labels;

impl Client {
    /// All tags of a machine.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn tags(&self, id: Uuid) -> Result<Labels, ClientError> {
        self.fetch(self.label_call(Method::GET, id, &["tags"])).await
    }

    /// Adds or overwrites tags; the answer is the merged set.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn add_tags(&self, id: Uuid, tags: &Labels) -> Result<Labels, ClientError> {
        self.fetch(self.label_call(Method::POST, id, &["tags"]).with_json(tags)?).await
    }

    /// Replaces all tags; the answer is the new set.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn replace_tags(&self, id: Uuid, tags: &Labels) -> Result<Labels, ClientError> {
        self.fetch(self.label_call(Method::PUT, id, &["tags"]).with_json(tags)?).await
    }

    /// Removes one tag.
    ///
    /// # Errors
    /// [`ClientError`] of kind `NotFound` when there is none of this key.
    pub async fn delete_tag(&self, id: Uuid, key: &str) -> Result<(), ClientError> {
        let key = non_empty(key)?;
        self.send(self.label_call(Method::DELETE, id, &["tags", key])).await.map(drop)
    }

    /// All metadata of a machine.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn metadata(&self, id: Uuid) -> Result<Labels, ClientError> {
        self.fetch(self.label_call(Method::GET, id, &["metadata"])).await
    }

    /// Adds or overwrites metadata; the answer is the merged set.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn add_metadata(&self, id: Uuid, metadata: &Labels) -> Result<Labels, ClientError> {
        self.fetch(self.label_call(Method::POST, id, &["metadata"]).with_json(metadata)?).await
    }

    /// Removes one metadatum.
    ///
    /// # Errors
    /// [`ClientError`] of kind `NotFound` when there is none of this key.
    pub async fn delete_metadata(&self, id: Uuid, key: &str) -> Result<(), ClientError> {
        let key = non_empty(key)?;
        self.send(self.label_call(Method::DELETE, id, &["metadata", key])).await.map(drop)
    }

    fn label_call(&self, method: Method, id: Uuid, tail: &[&str]) -> Call {
        let id = id.to_string();
        let mut segments = vec![self.account_login(), "machines", &id];
        segments.extend(tail);
        Call::new(method, &segments)
    }
}

/// Without a key the path would mean all of them.
fn non_empty(key: &str) -> Result<&str, ClientError> {
    if key.is_empty() { Err(ClientError::unsendable("the key is empty")) } else { Ok(key) }
}
