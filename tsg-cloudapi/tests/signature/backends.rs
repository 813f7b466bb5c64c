//! The constant-time backend against the portable one: same bytes where signatures are
//! deterministic, mutual verification where they are not.

use std::process::Command;

use tsg_cloudapi::signature::{
    Algorithm, AwsLcBackend, BackendError, NewKeyKind, PortableBackend, PrivateKey, SigningBackend,
};

const MESSAGE: &[u8] = b"(request-target): get /demo\ndate: Thu, 01 Jan 2026 00:00:00 GMT";
const ALL: [Algorithm; 6] = [
    Algorithm::RsaSha1,
    Algorithm::RsaSha256,
    Algorithm::RsaSha512,
    Algorithm::EcdsaSha256,
    Algorithm::EcdsaSha512,
    Algorithm::Ed25519Sha512,
];

fn generate(kind: &str, bits: &str) -> PrivateKey {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("id");
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-b", bits, "-N", "", "-f", path.to_str().unwrap()])
        .status()
        .unwrap();
    assert!(status.success());
    PrivateKey::from_text(&std::fs::read(path).unwrap(), None).unwrap()
}

fn keys() -> Vec<PrivateKey> {
    let vectors = crate::common::vectors();
    let mut keys: Vec<PrivateKey> = vectors.keys.keys().map(|name| vectors.private(name)).collect();
    keys.push(generate("ecdsa", "384"));
    keys.push(generate("ecdsa", "521"));
    keys.push(generate("rsa", "1024"));
    keys.push(PrivateKey::generate(NewKeyKind::Rsa3072, "").unwrap());
    keys
}

#[test]
fn both_backends_sign_alike_and_verify_each_other() {
    let mut compared = 0;
    for key in keys() {
        for algorithm in ALL.into_iter().filter(|a| a.family() == key.public_key().family()) {
            let ours = PortableBackend.signer(&key).unwrap().sign(algorithm, MESSAGE).unwrap();
            let theirs = AwsLcBackend.signer(&key).unwrap().sign(algorithm, MESSAGE).unwrap();
            if key.public_key().curve().is_none() {
                assert_eq!(ours, theirs, "{algorithm} with {:?}", key.public_key());
                compared += 1;
            }
            for backend in [&PortableBackend as &dyn SigningBackend, &AwsLcBackend] {
                let verifier = backend.verifier(key.public_key()).unwrap();
                for signature in [&ours, &theirs] {
                    assert!(verifier.verify(algorithm, MESSAGE, signature), "{algorithm}");
                    let mut damaged = signature.clone();
                    *damaged.last_mut().unwrap() ^= 1;
                    assert!(!verifier.verify(algorithm, MESSAGE, &damaged), "{algorithm}");
                    assert!(!verifier.verify(algorithm, b"other", signature), "{algorithm}");
                    assert!(!verifier.verify(algorithm, MESSAGE, &signature[1..]), "{algorithm}");
                }
            }
        }
    }
    assert_eq!(compared, 3 * 3 + 1);
}

#[test]
fn both_backends_refuse_algorithms_of_another_family() {
    for key in keys() {
        for algorithm in ALL.into_iter().filter(|a| a.family() != key.public_key().family()) {
            for backend in [&PortableBackend as &dyn SigningBackend, &AwsLcBackend] {
                let refusal = backend.signer(&key).unwrap().sign(algorithm, MESSAGE).unwrap_err();
                assert_eq!(refusal, BackendError::WrongAlgorithm(algorithm), "{}", backend.name());
                let verifier = backend.verifier(key.public_key()).unwrap();
                assert!(!verifier.verify(algorithm, MESSAGE, &[0; 64]));
            }
        }
    }
}
