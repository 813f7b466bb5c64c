//! The production verifier behind the simulator's seam, wired as the programs wire it.
//!
//! Owns the translation between the two vocabularies. It must never decide anything.

use http::StatusCode;
use tsg_cloudapi::signature::verify::{self, RequestToVerify};
use tsg_cloudapi::signature::{KeyId, PublicKey, SubUserKeys as KeyIdForms};
use tsg_sim::http::{
    Identity, KeyDirectory, KeyQuery, SignatureRefusal, SignatureVerifier, SignedRequest, SubUserKeys,
};

/// Verifies with tsg-cloudapi.
#[derive(Debug, Clone, Copy)]
pub struct CloudApiVerifier;

impl SignatureVerifier for CloudApiVerifier {
    fn verify(&self, request: &SignedRequest<'_>, keys: &dyn KeyDirectory) -> Result<Identity, SignatureRefusal> {
        let to_verify =
            RequestToVerify { method: request.method.as_str(), target: request.target, headers: request.headers };
        let parsed = verify::parse(&to_verify, request.now).map_err(refusal)?;
        let forms = match request.sub_users {
            SubUserKeys::Known => KeyIdForms::Known,
            SubUserKeys::Unknown => KeyIdForms::Unknown,
        };
        let key_id = KeyId::parse(parsed.key_id(), forms).map_err(refusal)?;
        let query = KeyQuery { account: key_id.account(), sub_user: key_id.sub_user(), key: key_id.key() };
        let unknown = || refusal(verify::Refusal::InvalidCredentials);
        let openssh = keys.openssh_key(query).ok_or_else(unknown)?;
        let key = PublicKey::from_openssh(&openssh).map_err(|_| unknown())?;
        verify::check(&parsed, &key).map_err(refusal)?;
        Ok(Identity {
            account: key_id.account().to_owned(),
            sub_user: key_id.sub_user().map(str::to_owned),
            key_id: parsed.key_id().to_owned(),
        })
    }
}

fn refusal(refusal: verify::Refusal) -> SignatureRefusal {
    SignatureRefusal {
        status: StatusCode::from_u16(refusal.status()).unwrap(),
        code: refusal.code(),
        message: refusal.to_string(),
    }
}
