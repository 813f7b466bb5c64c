//! CloudAPI as the command line uses it: with the user's own key, for the user's own reads and for enrolment.
//!
//! Owns the client's options and the translation of its errors. It must never create or delete an instance.

use std::path::Path;

use tsg_cloudapi::client::{Client, ClientError, ClientOptions};
use tsg_cloudapi::signature::Signer;
use tsg_core::ports::cloud::ErrorKind;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::profile::Profile;

/// A client that signs as the profile's user.
pub(crate) fn client(profile: &Profile, signer: Signer, ca_file: Option<&Path>) -> Result<Client, Failure> {
    let mut options = ClientOptions::new(&profile.url, &profile.account, signer);
    if let Some(path) = ca_file {
        options = options.with_ca_file(path);
    }
    Client::new(options).map_err(|error| {
        Failure::usage("cannot talk to CloudAPI").because(&error).next("check TRITON_URL (or --url) and the CA file")
    })
}

/// The failure of `what`, which CloudAPI prevented.
pub(crate) fn failure(what: impl Into<String>, error: &ClientError) -> Failure {
    let (exit, next) = match error.kind() {
        ErrorKind::Denied => (
            Exit::NotAuthenticated,
            "check TRITON_ACCOUNT and TRITON_KEY_ID; `triton account get` shows whether they work",
        ),
        ErrorKind::NotFound => (Exit::NotFound, "check the name or id"),
        ErrorKind::Unavailable | ErrorKind::Throttled => {
            (Exit::Unreachable, "check TRITON_URL, or try again in a minute")
        }
        ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::Unsupported => {
            (Exit::Refused, "change the request as the text says")
        }
        ErrorKind::Corrupt => (Exit::Failed, "check that TRITON_URL points at a CloudAPI"),
    };
    let failure = Failure::new(exit, what).because(error);
    if error.is_clock_skew() {
        return failure.next("set this machine's clock: signatures are good for 300 s");
    }
    failure.next(next)
}
