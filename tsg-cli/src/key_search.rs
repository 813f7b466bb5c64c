//! Finding the user's signing key by its fingerprint: given material, files of `~/.ssh`, ssh-agent.
//!
//! Owns the order of the search. It must never copy a key anywhere, nor ask for a passphrase: locked keys belong into an
//! ssh-agent.

use std::path::{Path, PathBuf};

use tsg_cloudapi::signature::{
    AgentClient, AgentError, BackendError, KeyError, KeyId, LocalSigner, PrivateKey, PublicKey, Signer,
};

use crate::environment::Environment;
use crate::profile::Profile;

/// Why no key could be found that signs as the profile says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeySearchError {
    /// Nothing has this fingerprint.
    #[error("no private key with the fingerprint {0} was found")]
    NotFound(String),
    /// The key is there, under a passphrase, and no agent holds it.
    #[error("the key file {0} needs a passphrase")]
    Locked(PathBuf),
    /// The key is there and cannot be used.
    #[error("the key {path} cannot be used")]
    Unusable { path: PathBuf, source: KeyError },
    /// `TRITON_KEY_MATERIAL` is another key than `TRITON_KEY_ID`.
    #[error("the key given as key material has the fingerprint {found}, not {wanted}")]
    OtherKey { found: String, wanted: String },
    /// Its numbers cannot sign.
    #[error("the key cannot sign")]
    Backend(#[from] BackendError),
    /// The agent fails.
    #[error(transparent)]
    Agent(#[from] AgentError),
}

impl KeySearchError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NotFound(_) => {
                "check TRITON_KEY_ID against `ssh-keygen -l -E md5 -f ~/.ssh/id_rsa.pub`; the key must be in ~/.ssh, in an ssh-agent, \
                 or in TRITON_KEY_MATERIAL"
                    .to_owned()
            }
            Self::Locked(path) => format!("load it into an ssh-agent: ssh-add {}", path.display()),
            Self::OtherKey { .. } => "unset TRITON_KEY_MATERIAL, or set TRITON_KEY_ID to that fingerprint".to_owned(),
            Self::Unusable { .. } | Self::Backend(_) => "use another key, or convert it with: ssh-keygen -p -f FILE".to_owned(),
            Self::Agent(_) => "start an ssh-agent, or unset SSH_AUTH_SOCK".to_owned(),
        }
    }
}

/// The signer of a profile.
pub(crate) async fn signer_for(profile: &Profile, environment: &Environment) -> Result<Signer, KeySearchError> {
    if let Some(given) = environment.first(&["TRITON_KEY_MATERIAL", "SDC_KEY_MATERIAL"]) {
        return from_material(profile, given);
    }
    let in_files = environment.home().map_or(Found::Nowhere, |home| search_folder(&home.join(".ssh"), &profile.key_id));
    match in_files {
        Found::Usable(key) => local(profile, &key),
        Found::Locked(path) => match from_agent(profile, environment).await? {
            Some(signer) => Ok(signer),
            None => Err(KeySearchError::Locked(path)),
        },
        Found::Nowhere => match from_agent(profile, environment).await? {
            Some(signer) => Ok(signer),
            None => Err(KeySearchError::NotFound(profile.key_id.clone())),
        },
    }
}

/// Key material is a file's path or the key's own text, as triton-go has it.
fn from_material(profile: &Profile, given: &str) -> Result<Signer, KeySearchError> {
    let path = PathBuf::from(given);
    let text = std::fs::read(&path).unwrap_or_else(|_| given.as_bytes().to_vec());
    let named = if path.exists() { path } else { PathBuf::from("TRITON_KEY_MATERIAL") };
    let key = PrivateKey::from_text(&text, None).map_err(|source| KeySearchError::Unusable { path: named, source })?;
    if !has_fingerprint(key.public_key(), &profile.key_id) {
        let found = key.public_key().fingerprint_md5();
        return Err(KeySearchError::OtherKey { found, wanted: profile.key_id.clone() });
    }
    local(profile, &key)
}

fn local(profile: &Profile, key: &PrivateKey) -> Result<Signer, KeySearchError> {
    Ok(LocalSigner::new(key_id(profile, key.public_key()), key)?.into())
}

async fn from_agent(profile: &Profile, environment: &Environment) -> Result<Option<Signer>, KeySearchError> {
    let Some(socket) = environment.get("SSH_AUTH_SOCK") else { return Ok(None) };
    let agent = AgentClient::new(socket);
    let held = agent.identities().await?.into_iter().find(|held| has_fingerprint(&held.key, &profile.key_id));
    Ok(held.map(|held| Signer::Agent { key_id: key_id(profile, &held.key), key: held.key, agent }))
}

fn key_id(profile: &Profile, key: &PublicKey) -> KeyId {
    match &profile.user {
        Some(user) => KeyId::for_sub_user(&profile.account, user, key),
        None => KeyId::for_account(&profile.account, key),
    }
}

/// Fingerprints are written as bare md5, `MD5:…` or `SHA256:…`.
fn has_fingerprint(key: &PublicKey, wanted: &str) -> bool {
    let bare = wanted.strip_prefix("MD5:").unwrap_or(wanted);
    bare.eq_ignore_ascii_case(&key.fingerprint_md5()) || wanted.trim_end_matches('=') == key.fingerprint_sha256()
}

/// What a folder of keys has to offer.
#[derive(Debug)]
enum Found {
    /// A key that can sign.
    Usable(Box<PrivateKey>),
    /// The right key, under a passphrase.
    Locked(PathBuf),
    /// Nothing.
    Nowhere,
}

/// Looks at the public halves first, so that foreign private keys are read only when there is no other way.
fn search_folder(folder: &Path, wanted: &str) -> Found {
    let Ok(entries) = std::fs::read_dir(folder) else { return Found::Nowhere };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let by_public_half =
        paths.iter().filter(|path| is_public_half_of(path, wanted)).map(|path| path.with_extension(""));
    let without_public_half =
        paths.iter().filter(|path| path.extension().is_none() && !path.with_extension("pub").exists());
    for candidate in by_public_half.chain(without_public_half.cloned()) {
        match read_private_key(&candidate) {
            Ok(key) if has_fingerprint(key.public_key(), wanted) => return Found::Usable(Box::new(key)),
            Err(KeyError::PassphraseNeeded) if is_public_half_of(&candidate.with_extension("pub"), wanted) => {
                return Found::Locked(candidate);
            }
            Ok(_) | Err(_) => {}
        }
    }
    Found::Nowhere
}

fn is_public_half_of(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension == "pub")
        && std::fs::read_to_string(path)
            .ok()
            .and_then(|text| PublicKey::from_openssh(&text).ok())
            .is_some_and(|key| has_fingerprint(&key, wanted))
}

fn read_private_key(path: &Path) -> Result<PrivateKey, KeyError> {
    let text = std::fs::read(path).map_err(|_| KeyError::NotAKey)?;
    PrivateKey::from_text(&text, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsg_cloudapi::signature::NewKeyKind;

    fn profile(key_id: &str) -> Profile {
        Profile { name: "env".into(), url: "http://x".into(), account: "ann".into(), user: None, key_id: key_id.into() }
    }

    /// A home with two keys; only the first has its public half beside it.
    fn home_with_keys() -> (tempfile::TempDir, Vec<PrivateKey>) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".ssh");
        std::fs::create_dir(&folder).unwrap();
        let keys: Vec<_> =
            ["id_one", "id_two"].map(|name| (name, PrivateKey::generate(NewKeyKind::Ed25519, name).unwrap())).into();
        for (name, key) in &keys {
            std::fs::write(folder.join(name), key.to_pkcs8_pem().unwrap().expose()).unwrap();
        }
        std::fs::write(folder.join("id_one.pub"), keys[0].1.public_key().to_openssh()).unwrap();
        std::fs::write(folder.join("known_hosts"), "not a key").unwrap();
        (home, keys.into_iter().map(|(_, key)| key).collect())
    }

    #[tokio::test]
    async fn keys_are_found_by_every_form_of_fingerprint() {
        let (home, keys) = home_with_keys();
        let environment = Environment::of(&[("HOME", home.path().to_str().unwrap())]);
        for key in &keys {
            let public = key.public_key();
            let md5 = public.fingerprint_md5();
            for wanted in [md5.clone(), format!("MD5:{md5}"), md5.to_uppercase(), public.fingerprint_sha256()] {
                let signer = signer_for(&profile(&wanted), &environment).await.unwrap();
                assert_eq!(signer.key_id().to_string(), format!("/ann/keys/{md5}"));
            }
        }
    }

    #[tokio::test]
    async fn an_unknown_fingerprint_says_where_was_looked() {
        let (home, _) = home_with_keys();
        let environment = Environment::of(&[("HOME", home.path().to_str().unwrap())]);
        let error = signer_for(&profile("00:11"), &environment).await.unwrap_err();
        assert!(matches!(error, KeySearchError::NotFound(_)) && error.hint().contains("~/.ssh"));
    }

    #[tokio::test]
    async fn given_material_must_be_the_named_key() {
        let key = PrivateKey::generate(NewKeyKind::Ed25519, "x").unwrap();
        let pem = key.to_pkcs8_pem().unwrap();
        let environment = Environment::of(&[("TRITON_KEY_MATERIAL", pem.expose())]);
        assert!(signer_for(&profile(&key.public_key().fingerprint_md5()), &environment).await.is_ok());
        let error = signer_for(&profile("00:11"), &environment).await.unwrap_err();
        assert!(matches!(error, KeySearchError::OtherKey { .. }));
    }
}
