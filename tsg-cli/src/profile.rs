//! Who the user is and which data centre they mean: profiles and environment as node-triton reads them.
//!
//! Owns the order of precedence: `-p`, then `TRITON_PROFILE`, then the current profile of `~/.triton/config.json`, then
//! the environment; single flags override single fields of whichever it is. It must never switch TLS verification off.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::environment::Environment;

/// The name under which the environment itself is a profile.
const ENVIRONMENT_PROFILE: &str = "env";

/// A user of a data centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    /// What the profile is called; `env` for the environment.
    pub(crate) name: String,
    /// CloudAPI.
    pub(crate) url: String,
    /// Login of the account.
    pub(crate) account: String,
    /// Login of the sub-user, when one signs.
    pub(crate) user: Option<String>,
    /// Fingerprint of the signing key.
    pub(crate) key_id: String,
}

/// What flags say; they override what the profile says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    /// Which profile.
    pub(crate) profile: Option<String>,
    /// CloudAPI.
    pub(crate) url: Option<String>,
    /// Login of the account.
    pub(crate) account: Option<String>,
    /// Login of the sub-user.
    pub(crate) user: Option<String>,
    /// Fingerprint of the signing key.
    pub(crate) key_id: Option<String>,
}

/// Why there is no usable profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProfileError {
    /// Something is needed and nobody said it.
    #[error("profile {profile:?} does not say {what}")]
    Missing { profile: String, what: &'static str, hint: &'static str },
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    /// The file is not what node-triton writes.
    #[error("{path} is not a valid profile or configuration file: {reason}")]
    Malformed { path: PathBuf, reason: String },
    /// A profile that node-triton cannot have written.
    #[error("{0:?} is not a profile name")]
    BadName(String),
    /// TLS verification was asked to be off.
    #[error("{0} asks to accept any TLS certificate, which tsg never does")]
    Insecure(&'static str),
    /// No home folder, so no profile files.
    #[error("HOME is not set, so profile {0:?} cannot be found")]
    NoHome(String),
}

impl ProfileError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Missing { hint, .. } => hint,
            Self::Unreadable { .. } => {
                "see `triton profile list` for the profiles there are, or create it with `triton profile create`"
            }
            Self::Malformed { .. } => "mend the file, or create the profile again with `triton profile create`",
            Self::BadName(_) => "a profile name has letters, digits, '_', '.' and '-'",
            Self::Insecure(_) => {
                "trust the data centre's own certificate instead: --ca-file FILE or TSG_CA_FILE=FILE (PEM)"
            }
            Self::NoHome(_) => "set HOME, or use TRITON_PROFILE=env with TRITON_URL, TRITON_ACCOUNT and TRITON_KEY_ID",
        }
    }
}

/// Every field optional: what a file, the environment or flags say before they are put together.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Draft {
    url: Option<String>,
    account: Option<String>,
    user: Option<String>,
    key_id: Option<String>,
    #[serde(default)]
    insecure: bool,
}

/// The part of `config.json` that matters here.
#[derive(Debug, Default, Deserialize)]
struct TritonConfig {
    profile: Option<String>,
}

impl Profile {
    /// The profile that flags, environment and files lead to.
    pub(crate) fn choose(overrides: &Overrides, environment: &Environment) -> Result<Self, ProfileError> {
        let name = chosen_name(overrides, environment)?;
        let draft =
            if name == ENVIRONMENT_PROFILE { from_environment(environment)? } else { from_file(&name, environment)? };
        if draft.insecure {
            return Err(ProfileError::Insecure("the profile (\"insecure\": true)"));
        }
        complete(name, draft, overrides)
    }
}

fn chosen_name(overrides: &Overrides, environment: &Environment) -> Result<String, ProfileError> {
    if let Some(name) = overrides.profile.as_deref().or_else(|| environment.get("TRITON_PROFILE")) {
        return Ok(name.to_owned());
    }
    let Some(home) = environment.home() else { return Ok(ENVIRONMENT_PROFILE.to_owned()) };
    let path = home.join(".triton/config.json");
    if !path.exists() {
        return Ok(ENVIRONMENT_PROFILE.to_owned());
    }
    let config: TritonConfig = read_json(&path)?;
    Ok(config.profile.unwrap_or_else(|| ENVIRONMENT_PROFILE.to_owned()))
}

fn from_environment(environment: &Environment) -> Result<Draft, ProfileError> {
    for name in ["TRITON_TLS_INSECURE", "SDC_TLS_INSECURE", "SDC_TESTING"] {
        if environment.get(name).is_some_and(|value| !matches!(value, "0" | "false")) {
            return Err(ProfileError::Insecure(name));
        }
    }
    let first = |names: &[&str]| environment.first(names).map(str::to_owned);
    Ok(Draft {
        url: first(&["TRITON_URL", "SDC_URL"]),
        account: first(&["TRITON_ACCOUNT", "SDC_ACCOUNT"]),
        user: first(&["TRITON_USER", "SDC_USER"]),
        key_id: first(&["TRITON_KEY_ID", "SDC_KEY_ID"]),
        insecure: false,
    })
}

fn from_file(name: &str, environment: &Environment) -> Result<Draft, ProfileError> {
    // A name with a slash would leave the folder.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
        return Err(ProfileError::BadName(name.to_owned()));
    }
    let home = environment.home().ok_or_else(|| ProfileError::NoHome(name.to_owned()))?;
    read_json(&home.join(".triton/profiles.d").join(format!("{name}.json")))
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, ProfileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ProfileError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
    serde_json::from_str(&text)
        .map_err(|error| ProfileError::Malformed { path: path.to_owned(), reason: error.to_string() })
}

fn complete(name: String, draft: Draft, overrides: &Overrides) -> Result<Profile, ProfileError> {
    let missing = |what, hint| ProfileError::Missing { profile: name.clone(), what, hint };
    let chosen =
        |flag: &Option<String>, drafted: Option<String>| flag.clone().or(drafted).filter(|text| !text.is_empty());
    let url = chosen(&overrides.url, draft.url).ok_or_else(|| {
        missing("where CloudAPI is", "set TRITON_URL (for example https://us-central-1.api.mnx.io), or give --url")
    })?;
    let account = chosen(&overrides.account, draft.account)
        .ok_or_else(|| missing("which account", "set TRITON_ACCOUNT to the account's login, or give --account"))?;
    let key_id = chosen(&overrides.key_id, draft.key_id).ok_or_else(|| {
        missing(
            "which key signs",
            "set TRITON_KEY_ID to its fingerprint (ssh-keygen -l -E md5 -f ~/.ssh/id_rsa.pub), or give --key-id",
        )
    })?;
    Ok(Profile { url, account, user: chosen(&overrides.user, draft.user), key_id, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASICS: [(&str, &str); 3] =
        [("TRITON_URL", "https://a.example"), ("TRITON_ACCOUNT", "ann"), ("TRITON_KEY_ID", "aa:bb")];

    fn home_with_profiles() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".triton/profiles.d");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(
            folder.join("east.json"),
            r#"{"name":"east","url":"https://east.example","account":"eva","keyId":"cc:dd","user":"bob","roles":["ops"]}"#,
        )
        .unwrap();
        std::fs::write(
            folder.join("lax.json"),
            r#"{"name":"lax","url":"https://x","account":"eva","keyId":"k","insecure":true}"#,
        )
        .unwrap();
        home
    }

    fn choose(overrides: &Overrides, pairs: &[(&str, &str)]) -> Result<Profile, ProfileError> {
        Profile::choose(overrides, &Environment::of(pairs))
    }

    #[test]
    fn the_environment_is_the_profile_when_nothing_else_is_said() {
        let profile = choose(&Overrides::default(), &BASICS).unwrap();
        assert_eq!((profile.name.as_str(), profile.account.as_str(), profile.user), ("env", "ann", None));
    }

    #[test]
    fn older_names_serve_where_the_newer_are_unset() {
        let profile = choose(
            &Overrides::default(),
            &[
                ("SDC_URL", "https://old.example"),
                ("SDC_ACCOUNT", "old"),
                ("TRITON_ACCOUNT", "new"),
                ("SDC_KEY_ID", "k"),
            ],
        )
        .unwrap();
        assert_eq!((profile.url.as_str(), profile.account.as_str()), ("https://old.example", "new"));
    }

    #[test]
    fn profiles_come_from_flag_then_variable_then_current() {
        let home = home_with_profiles();
        let home_text = home.path().to_str().unwrap();
        let mut pairs = BASICS.to_vec();
        pairs.push(("HOME", home_text));
        assert_eq!(choose(&Overrides::default(), &pairs).unwrap().name, "env");

        std::fs::write(home.path().join(".triton/config.json"), r#"{"profile":"east","cacheDir":"x"}"#).unwrap();
        let current = choose(&Overrides::default(), &pairs).unwrap();
        assert_eq!((current.account.as_str(), current.user.as_deref()), ("eva", Some("bob")));

        pairs.push(("TRITON_PROFILE", "env"));
        assert_eq!(choose(&Overrides::default(), &pairs).unwrap().account, "ann");
        let flags = Overrides { profile: Some("east".into()), account: Some("zoe".into()), ..Overrides::default() };
        let overridden = choose(&flags, &pairs).unwrap();
        assert_eq!((overridden.url.as_str(), overridden.account.as_str()), ("https://east.example", "zoe"));
    }

    #[test]
    fn verification_cannot_be_switched_off() {
        for name in ["TRITON_TLS_INSECURE", "SDC_TLS_INSECURE", "SDC_TESTING"] {
            let mut pairs = BASICS.to_vec();
            pairs.push((name, "1"));
            assert_eq!(choose(&Overrides::default(), &pairs), Err(ProfileError::Insecure(name)));
        }
        let home = home_with_profiles();
        let flags = Overrides { profile: Some("lax".into()), ..Overrides::default() };
        let refused = choose(&flags, &[("HOME", home.path().to_str().unwrap())]).unwrap_err();
        assert!(refused.hint().contains("--ca-file"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (left_out, flag) in
            [("TRITON_URL", "--url"), ("TRITON_ACCOUNT", "--account"), ("TRITON_KEY_ID", "--key-id")]
        {
            let pairs: Vec<_> = BASICS.into_iter().filter(|(name, _)| *name != left_out).collect();
            let error = choose(&Overrides::default(), &pairs).unwrap_err();
            assert!(error.hint().contains(left_out) && error.hint().contains(flag), "{error}");
        }
        let outside = Overrides { profile: Some("../x".into()), ..Overrides::default() };
        assert_eq!(choose(&outside, &[("HOME", "/nowhere")]), Err(ProfileError::BadName("../x".into())));
    }
}
