//! SSH keys of accounts: reading the OpenSSH text, its MD5 fingerprint, and the keys routes.
//! It never verifies a signature and never sees a private key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::Serialize;

use super::World;
use super::ids::AccountId;
use super::refusal::Refusal;

/// A public key in an account. Serialises as CloudAPI prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SshKey {
    /// Name, unique within the account.
    pub name: String,
    /// MD5 fingerprint: 16 lower-case hex pairs with colons.
    pub fingerprint: String,
    /// The OpenSSH text without trailing white space.
    pub key: String,
}

impl SshKey {
    /// Reads an OpenSSH public key. The name defaults to the comment, else to the fingerprint.
    /// `None` when the text is no such key.
    #[must_use]
    pub fn parse(openssh: &str, name: Option<&str>) -> Option<Self> {
        let text = openssh.trim();
        let mut words = text.splitn(3, ' ');
        let (algorithm, blob, comment) = (words.next()?, words.next()?, words.next());
        let blob = STANDARD.decode(blob).ok()?;
        if !blob_names(&blob, algorithm) {
            return None;
        }
        let fingerprint = md5_fingerprint(&blob);
        let name = name.or_else(|| comment.map(str::trim)).filter(|name| !name.is_empty());
        Some(Self { name: name.unwrap_or(&fingerprint).to_owned(), fingerprint, key: text.to_owned() })
    }

    fn is_called(&self, name_or_fingerprint: &str) -> bool {
        self.name == name_or_fingerprint || self.fingerprint == name_or_fingerprint
    }
}

/// The wire form of a public key starts with its algorithm's name, length first.
fn blob_names(blob: &[u8], algorithm: &str) -> bool {
    let length = u32::try_from(algorithm.len()).unwrap_or(u32::MAX).to_be_bytes();
    blob.starts_with(&length) && blob.get(4..4 + algorithm.len()) == Some(algorithm.as_bytes())
}

fn md5_fingerprint(blob: &[u8]) -> String {
    let pairs: Vec<String> = Md5::digest(blob).iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

impl World {
    /// `GET /:account/keys`.
    pub fn keys(&self, id: AccountId) -> Result<&[SshKey], Refusal> {
        Ok(&self.account_or_refuse(id)?.keys)
    }

    /// `GET /:account/keys/:key`, by name or MD5 fingerprint.
    pub fn key(&self, id: AccountId, name_or_fingerprint: &str) -> Result<&SshKey, Refusal> {
        let keys = self.keys(id)?;
        let found = keys.iter().find(|key| key.is_called(name_or_fingerprint));
        found.ok_or_else(|| Refusal::not_found(format!("{name_or_fingerprint} does not exist")))
    }

    /// `POST /:account/keys`.
    pub fn add_key(&mut self, id: AccountId, key: Option<&str>, name: Option<&str>) -> Result<SshKey, Refusal> {
        let text = key.ok_or_else(|| Refusal::missing_parameter("key is a required argument"))?;
        let key = SshKey::parse(text, name).ok_or_else(|| Refusal::invalid_argument("key is invalid"))?;
        let now = self.now;
        let account = self.accounts.get_mut(&id).ok_or_else(|| Refusal::not_found("account does not exist"))?;
        if account.keys.iter().any(|old| old.name == key.name || old.fingerprint == key.fingerprint) {
            return Err(Refusal::invalid_argument("key already exists or is invalid"));
        }
        account.keys.push(key.clone());
        account.updated = now;
        Ok(key)
    }

    /// `DELETE /:account/keys/:key`, by name or MD5 fingerprint.
    pub fn remove_key(&mut self, id: AccountId, name_or_fingerprint: &str) -> Result<(), Refusal> {
        self.key(id, name_or_fingerprint)?;
        if let Some(account) = self.accounts.get_mut(&id) {
            account.keys.retain(|key| !key.is_called(name_or_fingerprint));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::SshKey;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAeuqz5CL05v06r1Qkyiwmhf5QKeOBk5Iz/maTM/R5Ai";

    #[test]
    fn a_key_is_read_with_its_md5_fingerprint_and_a_name() {
        let fingerprint = "a5:49:7e:12:cc:25:f0:48:33:06:32:7a:de:b1:ba:d6";
        let plain = SshKey::parse(&format!("{KEY}\n"), None).unwrap();
        assert_eq!((plain.fingerprint.as_str(), plain.name.as_str()), (fingerprint, fingerprint));
        assert_eq!(plain.key, KEY);
        assert_eq!(SshKey::parse(&format!("{KEY} my laptop"), None).unwrap().name, "my laptop");
        assert_eq!(SshKey::parse(&format!("{KEY} my laptop"), Some("ci")).unwrap().name, "ci");
    }

    #[test]
    fn text_that_is_no_key_is_none() {
        for wrong in ["", "ssh-rsa", "ssh-rsa !!!", &KEY.replace("ssh-ed25519", "ssh-rsa")] {
            assert_eq!(SshKey::parse(wrong, None), None, "{wrong:?}");
        }
    }
}
