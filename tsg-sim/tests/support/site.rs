//! A running data centre with its residents.
//!
//! Owns the settings of the client tests. It must never be shared between tests: each has a world of its own.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tsg_sim::demo::{Residents, furnished};
use tsg_sim::http::{ServerConfig, SignatureVerifier, SimServer, Speed};
use tsg_sim::world::{SimTime, Timing, World, WorldSpec};

use super::keys;
use super::verifier::CloudApiVerifier;

/// A running data centre.
pub struct Site {
    /// The server; its world is the truth the tests compare with.
    pub server: SimServer,
}

impl Site {
    /// Starts a data centre whose virtual time passes so much faster than real time.
    pub async fn at_speed(factor: f64, spec: WorldSpec) -> Self {
        Self::with_verifier(factor, spec, Arc::new(CloudApiVerifier)).await
    }

    /// The same with another verifier.
    pub async fn with_verifier(factor: f64, spec: WorldSpec, verifier: Arc<dyn SignatureVerifier>) -> Self {
        let config = ServerConfig::on_loopback(verifier).at_speed(Speed::new(factor).unwrap());
        Self { server: SimServer::start(world(spec), config).await.unwrap() }
    }
}

/// A world that begins now, so that clients that compare its times with their own clock are not confused.
pub fn world(spec: WorldSpec) -> World {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let start = SimTime::from_ms(u64::try_from(since_epoch.as_millis()).unwrap());
    let keys = keys::ring();
    let residents = Residents {
        keys: [&keys.rsa, &keys.ecdsa, &keys.ed25519].map(|key| key.public.clone()).to_vec(),
        sub_user_keys: vec![keys.bob.public.clone()],
        other_keys: vec![keys.other.public.clone()],
    };
    furnished(WorldSpec { start, ..spec }, residents).unwrap()
}

/// A data centre whose work is quick, and whose throttle clients of a fast world never notice.
pub fn quick() -> WorldSpec {
    WorldSpec { timing: Timing::brisk(), ..WorldSpec::default() }
}

/// Virtual milliseconds per real one that make a provisioning take a few real milliseconds.
pub const FAST: f64 = 100.0;
