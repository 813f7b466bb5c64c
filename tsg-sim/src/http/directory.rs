//! The world's accounts seen as a key directory.
//!
//! Owns the lookup of a key id's parts. It must never match a key loosely: a fingerprint or a name is exact or unknown.

use super::live::LiveWorld;
use super::verifier::{KeyDirectory, KeyQuery};
use crate::world::SshKey;

/// Keys of the accounts of a living world.
pub(crate) struct WorldKeys<'a> {
    live: &'a LiveWorld,
}

impl<'a> WorldKeys<'a> {
    pub(crate) fn new(live: &'a LiveWorld) -> Self {
        Self { live }
    }
}

impl KeyDirectory for WorldKeys<'_> {
    fn openssh_key(&self, query: KeyQuery<'_>) -> Option<String> {
        self.live.look(|world| {
            let account = world.find_account(query.account)?;
            let keys = match query.sub_user {
                None => &account.keys,
                Some(login) => &account.sub_users.iter().find(|user| user.login == login)?.keys,
            };
            keys.iter().find(|key| is_called(key, query.key)).map(|key| key.key.clone())
        })
    }
}

fn is_called(key: &SshKey, name_or_fingerprint: &str) -> bool {
    key.fingerprint == name_or_fingerprint || key.name == name_or_fingerprint
}
