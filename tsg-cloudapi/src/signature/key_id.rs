//! The `keyId`: which key of whom signed, as a path.
//!
//! Real CloudAPI finds keys by md5 fingerprint or by exact name and by nothing else.

use std::fmt;

use super::{PublicKey, verify::Refusal};

/// Whether the request's negotiated API version knows sub-users (7.2 and later do).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubUserKeys {
    /// Six-part key ids are understood.
    #[default]
    Known,
    /// Six-part key ids are refused, as versions before 7.2 do.
    Unknown,
}

/// `/:account/keys/:key` or `/:account/users/:user/keys/:key`.
///
/// ```
/// use tsg_cloudapi::signature::KeyId;
/// let id = KeyId::parse("/demo/users/bob/keys/my laptop", Default::default())?;
/// assert_eq!(id.account(), "demo");
/// assert_eq!(id.sub_user(), Some("bob"));
/// assert_eq!(id.key(), "my laptop");
/// # Ok::<(), tsg_cloudapi::signature::verify::Refusal>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId {
    account: String,
    sub_user: Option<String>,
    key: String,
}

impl KeyId {
    /// The key id of an account's own key, by md5 fingerprint.
    #[must_use]
    pub fn for_account(account: &str, key: &PublicKey) -> Self {
        Self { account: account.to_owned(), sub_user: None, key: key.fingerprint_md5() }
    }

    /// The key id of a sub-user's key, by md5 fingerprint.
    #[must_use]
    pub fn for_sub_user(account: &str, sub_user: &str, key: &PublicKey) -> Self {
        Self { account: account.to_owned(), sub_user: Some(sub_user.to_owned()), key: key.fingerprint_md5() }
    }

    /// Reads a key id as a client sent it. The key part may be a name and hold blanks.
    ///
    /// # Errors
    /// [`Refusal::InvalidKeyId`] when it has not exactly the parts of one of the two forms.
    pub fn parse(text: &str, sub_users: SubUserKeys) -> Result<Self, Refusal> {
        let parts: Vec<&str> = text.split('/').collect();
        match (parts.as_slice(), sub_users) {
            (["", account, "keys", key], _) => {
                Ok(Self { account: (*account).to_owned(), sub_user: None, key: (*key).to_owned() })
            }
            (["", account, "users", user, "keys", key], SubUserKeys::Known) => {
                Ok(Self { account: (*account).to_owned(), sub_user: Some((*user).to_owned()), key: (*key).to_owned() })
            }
            ([_, _, _, _], _) | ([_, _, _, _, _, _], SubUserKeys::Known) => Err(Refusal::InvalidCredentials),
            _ => Err(Refusal::InvalidKeyId(text.to_owned())),
        }
    }

    /// The account's login or uuid, as written.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The sub-user's login, when the key is a sub-user's.
    #[must_use]
    pub fn sub_user(&self) -> Option<&str> {
        self.sub_user.as_deref()
    }

    /// The md5 fingerprint or the name of the key, as written.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// True when the id names this key: by lower-case md5 fingerprint, or by its exact `name`.
    #[must_use]
    pub fn names(&self, key: &PublicKey, name: &str) -> bool {
        self.key == name || self.key == key.fingerprint_md5()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sub_user {
            Some(user) => write!(f, "/{}/users/{user}/keys/{}", self.account, self.key),
            None => write!(f, "/{}/keys/{}", self.account, self.key),
        }
    }
}
