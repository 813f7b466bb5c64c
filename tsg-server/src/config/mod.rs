//! The server's configuration: what can be set, where from, and what is refused.
//!
//! Owns every setting and its default. Must never start anything; `Server::start` takes a
//! finished [`ServerConfig`] and asks it to check itself once more.

pub mod error;
pub mod key;
pub mod load;
pub mod raw;
pub mod timing;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::{ConfigError, ConfigWarning};
pub use load::{BuiltinDatacenter, ConfigSources, Loaded};
pub use raw::read_switch;
pub use timing::EngineSettings;

use crate::probe::{Control, Network};

/// Everything the server needs to know before it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerConfig {
    /// What is logged and how.
    pub log: LogSettings,
    /// Where requests come in.
    pub http: HttpSettings,
    /// The data centre.
    pub triton: TritonSettings,
    /// Where records are kept.
    pub store: StoreLocation,
    /// The file with the key-encryption key.
    pub key_file: PathBuf,
    /// Who may do what.
    pub auth: AuthSettings,
    /// What one request or account may take.
    pub limits: LimitSettings,
    /// Whom the prober may ask.
    pub health: HealthSettings,
    /// Whom metrics are told.
    pub metrics: MetricsSettings,
    /// How the engine paces and waits.
    pub engine: EngineSettings,
    /// Set in development mode: unsigned requests act as this login.
    pub dev: Option<DevMode>,
}

/// Logging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// The least severe level that is written.
    pub level: LogLevel,
    /// How lines look.
    pub format: LogFormat,
}

/// Severity, by the names of TSG v1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What helps to follow a decision.
    Debug,
    /// What an operator wants to see.
    Info,
    /// What needs attention soon.
    Warn,
    /// What needs attention now.
    Error,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object on each line.
    Json,
}

/// The listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpSettings {
    /// The address to bind.
    pub bind: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
}

/// The data centre that is managed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TritonSettings {
    /// CloudAPI's base URL.
    pub url: String,
    /// The data centre's name; part of the names of the server's keys.
    pub datacenter: String,
    /// A PEM file with a certificate authority to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether to listen to the change feed of each account where CloudAPI has one.
    pub changefeed: bool,
}

/// Where records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// In an SQLite file.
    File(PathBuf),
    /// In memory: everything is lost at the end of the process. Written `:memory:`.
    Memory,
}

/// Authentication and admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthSettings {
    /// Refuse signatures on `/v1` that do not cover `(request-target)`; old clients sign
    /// nothing but the date.
    pub require_request_target: bool,
    /// How far a request's date may be off, at most 300 s.
    pub skew: Duration,
    /// Logins that may enrol.
    pub allow: BTreeSet<String>,
    /// Whether every account of the data centre may enrol.
    pub allow_all: bool,
    /// A file with further logins, one on each line, read again whenever it changes.
    pub allow_file: PathBuf,
}

/// What one request or account may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Largest capacity of a group. TSG v1 had 100.
    pub capacity_max: u32,
    /// Largest request body in bytes; CloudAPI's own limit is 100,000.
    pub body_max: usize,
    /// Requests of one account that are worked on at once; more get 429.
    pub requests_at_once: usize,
    /// Longest time for one request, from its head to the last byte of its answer.
    pub request_time: Duration,
}

/// Whom the prober may ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HealthSettings {
    /// Private addresses too, which is what fabrics are made of. Off by default: the owner of a
    /// fabric chooses its addresses, and may choose those of the operator's own networks.
    pub private_addresses: bool,
    /// Never asked, whatever else is allowed.
    pub refused_networks: Vec<Network>,
    /// Targets that should always answer: while none does, the prober believes nothing that it
    /// finds.
    pub controls: Vec<Control>,
}

/// Whom metrics are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MetricsSettings {
    /// The address and port on which they are told to whoever asks, of all accounts. Default: none.
    pub listen: Option<SocketAddr>,
}

/// Development mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevMode {
    /// The simulated account that unsigned requests act as.
    pub login: String,
}

/// CloudAPI's own limit on the age of a date; a larger one would gain nothing but replay.
pub const SKEW_MAX: Duration = Duration::from_secs(300);

/// TSG v1's port.
const PORT_DEFAULT: u16 = 3000;

impl ServerConfig {
    /// All defaults, for one data centre and with every file in one folder.
    ///
    /// ```
    /// use tsg_server::config::ServerConfig;
    ///
    /// let mut config = ServerConfig::for_cloud("https://us-east-1.api.example.com", "/var/lib/tsg".as_ref());
    /// config.auth.allow.insert("demo".to_owned());
    /// assert_eq!(config.triton.datacenter, "us-east-1");
    /// config.check()?;
    /// # Ok::<(), tsg_server::config::ConfigError>(())
    /// ```
    pub fn for_cloud(url: &str, data_dir: &Path) -> Self {
        Self {
            log: LogSettings { level: LogLevel::Info, format: LogFormat::Human },
            http: HttpSettings { bind: IpAddr::V4(Ipv4Addr::LOCALHOST), port: PORT_DEFAULT },
            triton: TritonSettings {
                url: url.to_owned(),
                datacenter: datacenter_of(url),
                ca_file: None,
                changefeed: true,
            },
            store: StoreLocation::File(data_dir.join("tsg.db")),
            key_file: data_dir.join("tsg.kek"),
            auth: AuthSettings {
                require_request_target: false,
                skew: SKEW_MAX,
                allow: BTreeSet::new(),
                allow_all: false,
                allow_file: data_dir.join("allowed-accounts"),
            },
            limits: LimitSettings::default(),
            health: HealthSettings::default(),
            metrics: MetricsSettings::default(),
            engine: EngineSettings::default(),
            dev: None,
        }
    }

    /// Reads file, environment and flags, and checks the whole.
    ///
    /// # Errors
    /// The first thing that is wrong, with where it stands and what to do.
    pub fn load(sources: &ConfigSources) -> Result<Loaded, ConfigError> {
        load::load(sources)
    }

    /// Checks what must hold between settings, however they were made.
    ///
    /// # Errors
    /// Timings that are not safe for a real data centre, development mode or a simulated data
    /// centre on anything but loopback addresses.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.engine.simulated_datacenter {
            self.require_loopback()?;
        } else {
            self.engine.require_safe_timing()?;
        }
        match &self.dev {
            Some(_) if !self.http.bind.is_loopback() => {
                Err(ConfigError::DevModeRefused { reason: "http.bind is not a loopback address" })
            }
            Some(_) if !is_loopback_url(&self.triton.url) => {
                Err(ConfigError::DevModeRefused { reason: "the data centre is not the simulated one in this process" })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn require_loopback(&self) -> Result<(), ConfigError> {
        if !self.http.bind.is_loopback() {
            return Err(ConfigError::NotLoopback { what: "http.bind" });
        }
        if !is_loopback_url(&self.triton.url) {
            return Err(ConfigError::NotLoopback { what: "triton.url" });
        }
        Ok(())
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            capacity_max: 1000,
            body_max: 100_000,
            // A person's program needs a few; more only queue up at CloudAPI's 10 requests/s.
            requests_at_once: 16,
            // CloudAPI's proxy gives up after 120 s; nothing here waits longer than one call to it.
            request_time: Duration::from_secs(60),
        }
    }
}

/// The data centre's name by the usual form of CloudAPI's URL: `https://NAME.api.example.com`.
fn datacenter_of(url: &str) -> String {
    let host = host_of(url);
    let label = host.split('.').next().unwrap_or_default();
    if label.is_empty() || host.parse::<IpAddr>().is_ok() { "local".to_owned() } else { label.to_owned() }
}

fn host_of(url: &str) -> String {
    let uri: Option<http::Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// Whether a URL names this machine by address or as `localhost`.
fn is_loopback_url(url: &str) -> bool {
    let host = host_of(url);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for url in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1/x", "https://127.9.9.9"] {
            assert!(is_loopback_url(url), "{url}");
        }
        for url in [
            "http://127.0.0.1.example.com",
            "https://us-east-1.api.example.com",
            "http://10.0.0.1",
            "",
            "127.0.0.1@evil",
        ] {
            assert!(!is_loopback_url(url), "{url}");
        }
    }

    #[test]
    fn the_data_centre_is_named_by_its_url() {
        assert_eq!(datacenter_of("https://us-east-1.api.joyent.com"), "us-east-1");
        assert_eq!(datacenter_of("http://127.0.0.1:1"), "local");
        assert_eq!(datacenter_of("http://[::1]:1"), "local");
    }
}
