//! `tsg account enroll`.

use clap::{Args, ValueEnum};

use crate::api::shapes::Enrolled;
use crate::api::{Answer, Api};
use crate::context::Context;
use crate::enrolment::Enrolment;
use crate::failure::Failure;
use crate::output::Show;

/// Let a tsg server act for your account
///
/// The server makes a key of its own; you upload its public half with your signature; the server
/// proves that it works. Run it again to replace the key.
///
/// Examples:
///   tsg account enroll
///   tsg account enroll --key-type rsa3072      for data centres that predate Ed25519
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Enroll {
    /// Kind of the server's key.
    #[arg(long, value_enum, default_value_t = KeyType::Ed25519)]
    key_type: KeyType,
}

/// Kinds of keys that servers make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeyType {
    /// Ed25519.
    Ed25519,
    /// RSA of 3072 bits.
    Rsa3072,
}

impl KeyType {
    fn wire(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Rsa3072 => "rsa3072",
        }
    }
}

impl Enroll {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let profile = context.profile()?;
        let cloud = context.cloud(&profile).await?;
        let signed = context.api().await?;
        let open = Api::new(context.tsg_url(), context.ca_file().as_deref(), None)
            .map_err(|error| error.preventing("cannot talk to the tsg server"))?;
        let enrolment = Enrolment { open: &open, signed: &signed, cloud: &cloud, output: context.output };
        let enrolled = enrolment.enrol(&profile.account, Some(self.key_type.wire())).await?;
        context.output.show(&enrolled)
    }
}

impl Show for Answer<Enrolled> {
    fn human(&self) -> String {
        let Enrolled { account, key_name, key_fingerprint, .. } = &self.value;
        format!(
            "Enrolled account {} ({}); the server's key is {key_name} ({key_fingerprint}).",
            account.login, account.id
        )
    }

    fn json(&self) -> String {
        self.body.clone()
    }
}
