//! The production signature verifier, in the form the simulated data centre takes one.
//!
//! Owns the translation between two crates that must not know each other. It must never decide anything itself.

use http::StatusCode;
use tsg_cloudapi::signature::verify::{self, Refusal, RequestToVerify};
use tsg_cloudapi::signature::{KeyId, PublicKey, SubUserKeys};
use tsg_sim::http::{Identity, KeyDirectory, KeyQuery, SignatureRefusal, SignatureVerifier, SignedRequest};

/// Verifies as tsg's own server does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProductionVerifier;

impl SignatureVerifier for ProductionVerifier {
    fn verify(&self, request: &SignedRequest<'_>, keys: &dyn KeyDirectory) -> Result<Identity, SignatureRefusal> {
        identify(request, keys).map_err(|refusal| SignatureRefusal {
            // Every refusal has a status that exists.
            status: StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNAUTHORIZED),
            code: refusal.code(),
            message: refusal.to_string(),
        })
    }
}

fn identify(request: &SignedRequest<'_>, keys: &dyn KeyDirectory) -> Result<Identity, Refusal> {
    let given = RequestToVerify { method: request.method.as_str(), target: request.target, headers: request.headers };
    let parsed = verify::parse(&given, request.now)?;
    let sub_users = match request.sub_users {
        tsg_sim::http::SubUserKeys::Known => SubUserKeys::Known,
        tsg_sim::http::SubUserKeys::Unknown => SubUserKeys::Unknown,
    };
    let key_id = KeyId::parse(parsed.key_id(), sub_users)?;
    let query = KeyQuery { account: key_id.account(), sub_user: key_id.sub_user(), key: key_id.key() };
    let text = keys.openssh_key(query).ok_or(Refusal::InvalidCredentials)?;
    let key = PublicKey::from_openssh(&text).map_err(|_| Refusal::InvalidCredentials)?;
    verify::check(&parsed, &key)?;
    Ok(Identity {
        account: key_id.account().to_owned(),
        sub_user: key_id.sub_user().map(str::to_owned),
        key_id: parsed.key_id().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue, Method};
    use tsg_cloudapi::signature::{HttpDate, LocalSigner, NewKeyKind, PrivateKey, SigningRequest};

    struct OneKey(PublicKey);

    impl KeyDirectory for OneKey {
        fn openssh_key(&self, query: KeyQuery<'_>) -> Option<String> {
            (query.account == "ann" && query.key == self.0.fingerprint_md5()).then(|| self.0.to_openssh())
        }
    }

    fn signed_by(key: &PrivateKey, login: &str, now: jiff::Timestamp) -> HeaderMap {
        let signer = LocalSigner::new(KeyId::for_account(login, key.public_key()), key).unwrap();
        let date = HttpDate::from_timestamp(now);
        let request = SigningRequest { method: "GET", target: "/ann", date: &date, host: None };
        let mut headers = HeaderMap::new();
        headers.insert("date", HeaderValue::from_str(date.as_str()).unwrap());
        headers.insert("authorization", HeaderValue::from_str(signer.sign(&request).unwrap().as_str()).unwrap());
        headers
    }

    #[test]
    fn the_owner_is_identified_and_everybody_else_refused_alike() {
        let key = PrivateKey::generate(NewKeyKind::Ed25519, "ann").unwrap();
        let other = PrivateKey::generate(NewKeyKind::Ed25519, "eve").unwrap();
        let directory = OneKey(key.public_key().clone());
        let now = jiff::Timestamp::from_second(1_767_225_600).unwrap();
        let check = |headers: &HeaderMap| {
            let sub_users = tsg_sim::http::SubUserKeys::Known;
            let request = SignedRequest { method: &Method::GET, target: "/ann", headers, now, sub_users };
            ProductionVerifier.verify(&request, &directory)
        };
        assert_eq!(check(&signed_by(&key, "ann", now)).unwrap().account, "ann");

        let unknown_key = check(&signed_by(&other, "ann", now)).unwrap_err();
        let unknown_account = check(&signed_by(&key, "eve", now)).unwrap_err();
        assert_eq!((unknown_key.status, unknown_key.code), (StatusCode::UNAUTHORIZED, "InvalidCredentials"));
        assert_eq!(unknown_key, unknown_account);
    }
}
