//! What every command starts from: shared flags, environment, output, and the way to the server and to CloudAPI.
//!
//! Owns the choice of URL, profile and key. It must never send anything.

use std::path::PathBuf;

use tsg_cloudapi::client::Client;
use tsg_cloudapi::signature::Signer;

use crate::api::Api;
use crate::cli::Shared;
use crate::cloud;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::key_search;
use crate::output::{Format, Output};
use crate::profile::{Profile, ProfileError};

/// Where TSG v1 listens unless told otherwise.
const DEFAULT_TSG_URL: &str = "http://127.0.0.1:3000";

/// The surroundings of a command.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// Where answers go.
    pub(crate) output: Output,
    /// Variables and home folder.
    pub(crate) environment: Environment,
    shared: Shared,
}

impl Context {
    /// The surroundings that flags and environment make.
    pub(crate) fn new(shared: Shared, environment: Environment) -> Self {
        let format = if shared.json { Format::Json } else { Format::Human };
        Self { output: Output::new(format), environment, shared }
    }

    /// The user's profile.
    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        let chosen = if self.shared.insecure {
            Err(ProfileError::Insecure("--insecure"))
        } else {
            Profile::choose(&self.shared.overrides(), &self.environment)
        };
        chosen.map_err(|error| {
            let hint = error.hint();
            Failure::usage("no usable Triton profile").because(&error).next(hint)
        })
    }

    /// What signs as the profile says.
    pub(crate) async fn signer(&self, profile: &Profile) -> Result<Signer, Failure> {
        key_search::signer_for(profile, &self.environment).await.map_err(|error| {
            let hint = error.hint();
            Failure::new(Exit::NotAuthenticated, format!("cannot sign as {:?}", profile.account))
                .because(&error)
                .next(hint)
        })
    }

    /// The tsg server, as the user of the profile.
    pub(crate) async fn api(&self) -> Result<Api, Failure> {
        let signer = self.signer(&self.profile()?).await?;
        Api::new(self.tsg_url(), self.ca_file().as_deref(), Some(signer))
            .map_err(|error| error.preventing("cannot talk to the tsg server"))
    }

    /// CloudAPI, as the user of the profile.
    pub(crate) async fn cloud(&self, profile: &Profile) -> Result<Client, Failure> {
        let signer = self.signer(profile).await?;
        cloud::client(profile, signer, self.ca_file().as_deref())
    }

    /// Where the tsg server is.
    pub(crate) fn tsg_url(&self) -> &str {
        let flag = self.shared.tsg_url.as_deref();
        flag.or_else(|| self.environment.first(&["TSG_URL", "TRITON_TSG_URL", "SDC_TSG_URL"]))
            .unwrap_or(DEFAULT_TSG_URL)
    }

    /// Further certificate authorities to trust.
    pub(crate) fn ca_file(&self) -> Option<PathBuf> {
        self.shared.ca_file.clone().or_else(|| self.environment.get("TSG_CA_FILE").map(PathBuf::from))
    }

    /// CloudAPI's URL when a flag gives it.
    pub(crate) fn cloudapi_flag(&self) -> Option<&str> {
        self.shared.url.as_deref()
    }
}
