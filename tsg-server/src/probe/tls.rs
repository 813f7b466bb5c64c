//! TLS of probes: whom they trust, and what went wrong.
//!
//! Owns one configuration for each set of authorities. Must never accept a certificate that was
//! not verified, nor take up a former session: its certificate would not be looked at again.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use tsg_core::health::check::TlsCheck;
use tsg_core::health::fact::{Failure, Obstruction, Outcome, TlsFailure};

/// Whom one check trusts, for which name.
#[derive(Clone)]
pub struct Trust {
    /// With the authorities of the check.
    pub connector: TlsConnector,
    /// Whom the certificate has to be for.
    pub name: ServerName<'static>,
}

/// The configurations that are in use.
#[derive(Default)]
pub struct TrustStore {
    configs: Mutex<BTreeMap<Option<String>, Arc<ClientConfig>>>,
}

/// Configurations that are kept while nobody uses them.
const UNUSED_MAX: usize = 64;

impl TrustStore {
    /// Whom `check` trusts at this address.
    pub fn trust(&self, check: &TlsCheck, address: IpAddr) -> Result<Trust, Outcome> {
        let unsupported = Outcome::Unjudged(Obstruction::Unsupported);
        let name = match &check.name {
            Some(name) => ServerName::try_from(name.clone()).map_err(|_| unsupported)?,
            None => ServerName::IpAddress(address.into()),
        };
        let config = self.config(check.ca.as_ref()).ok_or(unsupported)?;
        Ok(Trust { connector: TlsConnector::from(config), name })
    }

    fn config(&self, ca: Option<&String>) -> Option<Arc<ClientConfig>> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        let key = ca.cloned();
        if let Some(config) = configs.get(&key) {
            return Some(Arc::clone(config));
        }
        if configs.len() >= UNUSED_MAX {
            configs.retain(|_, config| Arc::strong_count(config) > 1);
        }
        let config = Arc::new(config_for(ca.map(String::as_str))?);
        configs.insert(key, Arc::clone(&config));
        Some(config)
    }
}

fn config_for(ca: Option<&str>) -> Option<ClientConfig> {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let verified = match ca {
        Some(ca) => builder.with_root_certificates(authorities(ca)?),
        None => builder.with_platform_verifier().ok()?,
    };
    let mut config = verified.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Some(config)
}

fn authorities(pem: &str) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

/// What a failed handshake says of the target, if it was TLS that failed.
pub fn failure_of(error: &io::Error) -> Option<Failure> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(Failure::Tls(match error {
        Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsFailure::Name,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsFailure::Expired,
            _ => TlsFailure::Untrusted,
        },
        _ => TlsFailure::Protocol,
    }))
}
