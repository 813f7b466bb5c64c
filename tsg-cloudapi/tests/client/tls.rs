//! Whom the client trusts: the system's authorities and the file it was given, for the host it
//! asked for, and nobody else.

use std::{path::PathBuf, sync::Arc};

use crate::common::stub::answer;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use tsg_cloudapi::{
    client::{Client, ClientOptions},
    signature::{KeyId, LocalSigner},
};
use tsg_core::ports::cloud::{ErrorKind, Reach};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/common/tls").join(name)
}

/// A server for `localhost` with a certificate of the throw-away authority. It answers one request
/// and returns how many bytes of it arrived.
async fn serve_once() -> (u16, JoinHandle<usize>) {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(fixture("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else {
            return 0;
        };
        let mut request = [0; 4096];
        let Ok(length @ 1..) = stream.read(&mut request).await else {
            return 0;
        };
        stream.write_all(&answer(200, &[], "[]")).await.unwrap();
        stream.shutdown().await.unwrap();
        length
    });
    (port, task)
}

fn options(host: &str, port: u16) -> ClientOptions {
    let key = crate::common::vectors().private("ed25519");
    let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap();
    ClientOptions::new(&format!("https://{host}:{port}"), "demo", signer.into())
}

#[tokio::test]
async fn an_authority_from_a_file_is_trusted_besides_the_systems() {
    let (port, server) = serve_once().await;
    let client = Client::new(options("localhost", port).with_ca_file(fixture("ca.pem"))).unwrap();
    assert_eq!(client.keys().await.unwrap(), []);
    assert!(server.await.unwrap() > 0);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused_before_anything_is_sent() {
    let (port, server) = serve_once().await;
    let client = Client::new(options("127.0.0.1", port).with_ca_file(fixture("ca.pem"))).unwrap();
    let error = client.keys().await.unwrap_err();
    assert_eq!((error.kind(), error.reach()), (ErrorKind::Unavailable, Reach::NotSent), "{error}");
    assert_eq!(server.await.unwrap(), 0);
}

#[tokio::test]
async fn an_unknown_authority_is_refused_before_anything_is_sent() {
    let (port, server) = serve_once().await;
    let other = tempfile::NamedTempFile::new().unwrap();
    // An authority that signed nothing here: a certificate, but not the server's issuer.
    std::fs::copy(fixture("server.pem"), other.path()).unwrap();
    let client = Client::new(options("localhost", port).with_ca_file(other.path()));
    let error = client.unwrap().keys().await.unwrap_err();
    assert_eq!((error.kind(), error.reach()), (ErrorKind::Unavailable, Reach::NotSent), "{error}");
    assert_eq!(server.await.unwrap(), 0);
}
