//! Enrolment: the server's key for an account, uploaded by the account's owner.
//!
//! Owns the three steps between server and CloudAPI. The user's key signs here and nowhere else; what it signs for
//! CloudAPI never passes through the server.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tsg_cloudapi::client::Client;
use tsg_cloudapi::signature::PublicKey;

use crate::api::client::NO_BODY;
use crate::api::shapes::{Enrolled, Enrollment, NewEnrollment};
use crate::api::{Answer, Api, ApiError};
use crate::cloud;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// How long CloudAPI may take until it accepts a new key. Real data centres replicate keys within seconds.
const VISIBLE_WITHIN: Duration = Duration::from_secs(60);

/// How often the server is asked whether it does.
const POLL: Duration = Duration::from_millis(500);

/// The two ends of an enrolment.
pub(crate) struct Enrolment<'a> {
    /// The server, without a signer: it cannot know the user yet.
    pub(crate) open: &'a Api,
    /// The server, as the user.
    pub(crate) signed: &'a Api,
    /// CloudAPI, as the user.
    pub(crate) cloud: &'a Client,
    /// Where remarks go.
    pub(crate) output: Output,
}

impl Enrolment<'_> {
    /// Enrols the account; done again, it replaces the server's key.
    pub(crate) async fn enrol(&self, login: &str, key_type: Option<&str>) -> Result<Answer<Enrolled>, Failure> {
        let what = || format!("cannot enrol the account {login:?}");
        let begin = NewEnrollment { login, key_type };
        let begun: Answer<Enrollment> =
            self.open.post("/v2/account/enrollments", Some(&begin)).await.map_err(|error| error.preventing(what()))?;
        let begun = begun.value;
        let key = PublicKey::from_openssh(&begun.public_key).map_err(|error| {
            Failure::new(Exit::Failed, what()).because(&error).next("check that TSG_URL points at a tsg server")
        })?;
        self.cloud.add_key(&begun.key_name, &key).await.map_err(|error| {
            cloud::failure(what(), &error).next("you must be allowed to add keys to the account; try `triton key list`")
        })?;
        let enrolled = match self.complete(&begun).await {
            Ok(enrolled) => enrolled,
            Err(error @ ApiError::Refused { status: 400..=499, .. }) => {
                self.withdraw(&begun.key_name, &key).await;
                return Err(error.preventing(what()));
            }
            // The server may use the key already: taking it away would lock it out of the account.
            Err(error) => {
                let next = format!("run `tsg account enroll` again; it replaces the key {}", begun.key_name);
                return Err(error.preventing(what()).next(next));
            }
        };
        self.remove_superseded(&enrolled.value).await;
        Ok(enrolled)
    }

    /// A key whose enrolment did not complete must not stay: nobody vouches for who holds it.
    async fn withdraw(&self, key_name: &str, key: &PublicKey) {
        if let Err(error) = self.cloud.delete_key(&key.fingerprint_md5()).await {
            self.output.remark(&format!(
                "tsg: warning: the uploaded key {key_name} could not be removed again ({error}); remove it with: triton \
                 key delete {key_name}"
            ));
        }
    }

    async fn complete(&self, begun: &Enrollment) -> Result<Answer<Enrolled>, ApiError> {
        let deadline = Instant::now() + VISIBLE_WITHIN;
        loop {
            let path = format!("/v2/account/enrollments/{}/complete", begun.id);
            match self.signed.post(&path, NO_BODY).await {
                Err(error) if error.code() == Some("KeyNotVisible") && Instant::now() < deadline => sleep(POLL).await,
                answer => return answer,
            }
        }
    }

    /// An old key that stays is untidy, not wrong: the server has forgotten its private half.
    async fn remove_superseded(&self, enrolled: &Enrolled) {
        for key in &enrolled.superseded {
            if let Err(error) = self.cloud.delete_key(&key.key_fingerprint).await {
                self.output.remark(&format!(
                    "tsg: warning: the old key {} could not be removed ({error}); remove it with: triton key delete {}",
                    key.key_name, key.key_fingerprint
                ));
            }
        }
    }
}
