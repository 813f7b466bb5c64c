//! TLS: whom a probe trusts, and what it says of those it does not.

use std::path::PathBuf;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tsg_core::health::check::CheckSpec;
use tsg_core::health::fact::{Failure, Obstruction, Outcome, Stage, TlsFailure};

use crate::responders::{OK, Responder, answering, hang};
use crate::rig::{Rig, assignment, check, loopback, probed_once, with_timeout};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/probe/tls").join(name)
}

fn https(port: u16, name: Option<&str>, ca: &str) -> CheckSpec {
    let ca = std::fs::read_to_string(fixture(ca)).unwrap();
    let tls = serde_json::json!({ "name": name, "ca": ca });
    check(&serde_json::json!({ "type": "https", "port": port, "tls": tls }).to_string())
}

/// A server whose certificate is for `probed.example` and 127.0.0.1.
async fn secured(certificate: &str) -> Responder {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(fixture(certificate)).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let config = Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap());
    Responder::new(move |stream| {
        let acceptor = TlsAcceptor::from(Arc::clone(&config));
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut request = [0; 4096];
            while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                if stream.write_all(OK).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

const fn failed(failure: TlsFailure) -> Outcome {
    Outcome::Failed(Failure::Tls(failure))
}

#[tokio::test]
async fn a_certificate_has_to_be_for_the_address_or_the_name_that_is_given() {
    let server = secured("server.pem").await;
    let probed = async |name| probed_once(server.address, https(server.port(), name, "ca.pem")).await;
    assert_eq!(probed(None).await, Outcome::Passed);
    assert_eq!(probed(Some("probed.example")).await, Outcome::Passed);
    assert_eq!(probed(Some("other.example")).await, failed(TlsFailure::Name));
}

#[tokio::test]
async fn a_certificate_has_to_be_signed_by_somebody_who_is_trusted_and_not_be_too_old() {
    let (server, expired) = (secured("server.pem").await, secured("expired.pem").await);
    let outcome = probed_once(server.address, https(server.port(), None, "other-ca.pem")).await;
    assert_eq!(outcome, failed(TlsFailure::Untrusted));
    let outcome = probed_once(expired.address, https(expired.port(), None, "ca.pem")).await;
    assert_eq!(outcome, failed(TlsFailure::Expired));
}

#[tokio::test]
async fn without_authorities_of_its_own_a_check_trusts_the_well_known_ones_only() {
    let server = secured("server.pem").await;
    let spec = check(&format!(r#"{{"type": "https", "port": {}}}"#, server.port()));
    let outcome = probed_once(server.address, spec).await;
    // A system without any authority cannot tell.
    let cannot_tell = Outcome::Unjudged(Obstruction::Unsupported);
    assert!([failed(TlsFailure::Untrusted), cannot_tell].contains(&outcome), "{outcome:?}");
}

#[tokio::test]
async fn one_that_does_not_speak_tls_is_told_from_one_that_does_not_speak() {
    let plain = Responder::new(|mut stream| async move {
        _ = stream.read(&mut [0; 4096]).await;
        _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        _ = stream.read(&mut [0; 1]).await;
    })
    .await;
    let outcome = probed_once(plain.address, https(plain.port(), None, "ca.pem")).await;
    assert_eq!(outcome, failed(TlsFailure::Protocol));
    let silent = Responder::new(hang).await;
    let outcome = probed_once(silent.address, with_timeout(https(silent.port(), None, "ca.pem"), 300)).await;
    assert_eq!(outcome, Outcome::Failed(Failure::TimedOut(Stage::Handshake)));
}

#[tokio::test]
async fn a_connection_with_tls_is_kept_like_any_other() {
    let (server, plain) = (secured("server.pem").await, answering(OK).await);
    let mut rig = Rig::new(loopback());
    rig.prober.replace(vec![assignment(1, server.address, https(server.port(), None, "ca.pem"))]).await;
    assert_eq!(rig.outcomes(1, 8).await, [Outcome::Passed; 8]);
    assert_eq!((server.accepted(), plain.accepted()), (1, 0));
    rig.prober.shutdown().await;
}
