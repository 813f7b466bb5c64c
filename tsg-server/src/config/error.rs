//! What can be wrong with a configuration, and what is merely worth a warning.
//!
//! Owns the texts. Must never print a value of a retired key: one of them is a password.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::raw::Origin;

/// Why the server cannot be configured. Each text ends with what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is not TOML.
    #[error("the configuration file {} is not valid TOML: {reason}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// What the parser said, with line and column.
        reason: String,
    },
    /// The file that says where compute nodes stand cannot be used.
    #[error(
        "the file of triton.topology_file, {}, cannot be used: {reason}; write a JSON object such as \
         {{\"coverage\": \"whole\", \"nodes\": {{\"UUID\": {{\"name\": \"cn1\", \"rack\": \"A\"}}}}}}",
        path.display()
    )]
    Topology {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A key nobody knows.
    #[error("{origin}: there is no setting {key:?}; did you mean {nearest:?}?")]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
        /// The name.
        key: String,
        /// The nearest known one.
        nearest: &'static str,
    },
    /// A value that does not fit.
    #[error("{origin}: {key} must be {expected}, not {given}")]
    WrongValue {
        /// Where it stands.
        origin: Origin,
        /// Which key.
        key: &'static str,
        /// What was expected.
        expected: &'static str,
        /// What was given, as written.
        given: String,
    },
    /// A setting without which nothing can start.
    #[error("{key} is not set; give it in the file, as {variable} or as a flag ({purpose})")]
    Missing {
        /// Which key.
        key: &'static str,
        /// Its environment variable.
        variable: String,
        /// What it is for.
        purpose: &'static str,
    },
    /// A wait of the protocol shorter than what CloudAPI itself guarantees.
    #[error(
        "engine.{key} is {given:?}, less than the {least:?} that the create and delete protocol needs; shorter \
         waits are for a simulated data centre only (engine.simulated_datacenter, loopback addresses)"
    )]
    UnsafeTiming {
        /// Which wait.
        key: &'static str,
        /// What was asked for.
        given: Duration,
        /// The least that is safe.
        least: Duration,
    },
    /// A send guard longer than what the protocol was derived for.
    #[error("engine.send_guard is {given:?}; a request that has not left after {most:?} must be dropped")]
    LongSendGuard {
        /// What was asked for.
        given: Duration,
        /// The most that is safe.
        most: Duration,
    },
    /// Fewer look-ups than the protocol needs before it believes that a create left nothing.
    #[error("engine.quiet_lookups is {given}; at least {least} are needed outside of a simulated data centre")]
    FewLookups {
        /// What was asked for.
        given: u8,
        /// The least that is safe.
        least: u8,
    },
    /// `engine.simulated_datacenter` with something that is not on this machine.
    #[error(
        "engine.simulated_datacenter is only accepted while both http.bind and triton.url are loopback addresses, \
         and {what} is not; remove the setting to work with a real data centre"
    )]
    NotLoopback {
        /// Which of the two.
        what: &'static str,
    },
    /// `TSG_DEV_MODE` where it must not be.
    #[error("TSG_DEV_MODE is refused: {reason}; unset it, and sign requests instead")]
    DevModeRefused {
        /// Why.
        reason: &'static str,
    },
}

/// Something that works, but not as somebody may expect.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigWarning {
    /// A key of TSG v1 that does nothing any more.
    #[error("{origin}: {key} is accepted and does nothing: {instead}")]
    Retired {
        /// Where it stands.
        origin: Origin,
        /// Which key.
        key: &'static str,
        /// What does its work now.
        instead: &'static str,
    },
    /// An environment variable that looks like a setting and is none.
    #[error("the environment variable {name} is not a setting of tsg and is ignored; did you mean {nearest}?")]
    UnknownVariable {
        /// Its name.
        name: String,
        /// The nearest known one.
        nearest: String,
    },
    /// Unsigned requests are taken.
    #[error("development mode: unsigned requests act as the simulated account {login:?}")]
    DevMode {
        /// Who they act as.
        login: String,
    },
    /// Others than this machine may read metrics.
    #[error(
        "metrics.listen is {address}: whoever reaches it reads the logins and group names of all accounts; let a \
         firewall see to it that only your Prometheus does"
    )]
    MetricsExposed {
        /// Where they are told.
        address: SocketAddr,
    },
    /// Anybody with an account in the data centre may enrol.
    #[error("auth.allow_all is on: every account of the data centre may enrol")]
    EverybodyAllowed,
}
