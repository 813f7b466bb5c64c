//! From file, environment and flags to a checked configuration.
//!
//! Owns the order of the layers and the defaults that depend on the environment. Must never
//! start with a setting it did not understand.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tsg_core::placement::topology::Topology;

use super::error::{ConfigError, ConfigWarning};
use super::key::{self, DEV_MODE_VARIABLE};
use super::raw::{RawSettings, read_duration, read_switch};
use super::timing::set;
use super::{DevMode, HealthSettings, LogFormat, LogLevel, SKEW_MAX, ServerConfig, StoreLocation, datacenter_of};

/// Where settings come from; the later one wins.
#[derive(Debug, Clone, Default)]
pub struct ConfigSources {
    /// The TOML file, when there is one.
    pub file: Option<PathBuf>,
    /// The environment. Only `TSG_*`, `HOME` and `XDG_DATA_HOME` are looked at; variables that a
    /// client has used up itself should be left out, lest they are warned about.
    pub environment: BTreeMap<String, String>,
    /// Flags as keys of the file, such as `("http.port", "3001")`.
    pub flags: Vec<(String, String)>,
    /// The simulated data centre that runs in this very process, when one does.
    pub builtin: Option<BuiltinDatacenter>,
}

/// A simulated data centre in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltinDatacenter {
    /// Its CloudAPI.
    pub url: String,
    /// Its demonstration account.
    pub login: String,
}

/// A configuration and what should be said about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: ServerConfig,
    /// What works, but not as somebody may expect.
    pub warnings: Vec<ConfigWarning>,
}

pub(super) fn load(sources: &ConfigSources) -> Result<Loaded, ConfigError> {
    let mut raw = RawSettings::default();
    if let Some(path) = &sources.file {
        let unreadable =
            |error: std::io::Error| ConfigError::Unreadable { path: path.clone(), reason: error.to_string() };
        raw.add_file(path, &std::fs::read_to_string(path).map_err(unreadable)?)?;
    }
    raw.add_environment(&sources.environment);
    raw.add_flags(&sources.flags)?;
    raw.warn_about_retired();

    let mut config = base(sources, &raw)?;
    read_http_and_log(&mut config, &raw)?;
    read_store_and_limits(&mut config, &raw)?;
    read_auth(&mut config, &raw)?;
    let builtin = sources.builtin.as_ref().filter(|builtin| builtin.url == config.triton.url);
    config.engine.simulated_datacenter = builtin.is_some();
    config.engine.read(&raw)?;
    read_health(&mut config.health, &raw)?;
    config.metrics.listen = read_metrics(&raw)?;
    if let Some(path) = raw.path("triton.topology_file")? {
        config.engine.config.topology = read_topology(&path)?;
    }
    config.dev = dev_mode(sources, builtin)?;
    config.check()?;

    let mut warnings = raw.warnings;
    warnings.extend(config.dev.iter().map(|dev| ConfigWarning::DevMode { login: dev.login.clone() }));
    let exposed = config.metrics.listen.filter(|address| !address.ip().is_loopback());
    warnings.extend(exposed.map(|address| ConfigWarning::MetricsExposed { address }));
    if config.auth.allow_all {
        warnings.push(ConfigWarning::EverybodyAllowed);
    }
    Ok(Loaded { config, warnings })
}

fn base(sources: &ConfigSources, raw: &RawSettings) -> Result<ServerConfig, ConfigError> {
    let builtin = sources.builtin.as_ref().map(|builtin| builtin.url.clone());
    let expected = "an http or https URL without path, such as https://us-east-1.api.example.com";
    let url = raw.parsed("triton.url", expected, read_url)?.or(builtin);
    let url = url.ok_or_else(|| ConfigError::Missing {
        key: "triton.url",
        variable: key::variable("triton.url"),
        purpose: "the CloudAPI of the data centre, such as https://us-east-1.api.example.com",
    })?;
    let data_dir = raw.path("data.dir")?.unwrap_or_else(|| default_data_dir(&sources.environment));
    Ok(ServerConfig::for_cloud(&url, &data_dir))
}

fn read_topology(path: &Path) -> Result<Topology, ConfigError> {
    let unusable = |reason: String| ConfigError::Topology { path: path.into(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))
}

/// CloudAPI sits at the root; anything after the host would be joined into every signed path.
fn read_url(text: &str) -> Option<String> {
    let uri: http::Uri = text.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let is_root = matches!(uri.path(), "" | "/") && uri.query().is_none();
    let has_plain_host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    (is_web && is_root && has_plain_host).then(|| text.trim_end_matches('/').to_owned())
}

fn default_data_dir(environment: &BTreeMap<String, String>) -> PathBuf {
    let set = |name: &str| environment.get(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let user = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
    user.map_or_else(|| PathBuf::from("/var/lib/tsg"), |folder| folder.join("tsg"))
}

fn read_http_and_log(config: &mut ServerConfig, raw: &RawSettings) -> Result<(), ConfigError> {
    set(&mut config.http.bind, raw.address("http.bind")?);
    set(&mut config.http.port, raw.number("http.port", "a port from 0 to 65535")?);
    let datacenter = match raw.text("triton.dc")? {
        Some(name) => Some(name),
        None => raw.text("http.dc")?,
    };
    set(&mut config.triton.datacenter, datacenter.filter(|name| !name.is_empty()));
    if config.triton.datacenter.is_empty() {
        config.triton.datacenter = datacenter_of(&config.triton.url);
    }
    config.triton.ca_file = raw.path("triton.ca_file")?;
    set(&mut config.triton.changefeed, raw.switch("triton.changefeed")?);
    set(&mut config.log.level, raw.parsed("log.level", "one of trace, debug, info, warn, error", read_level)?);
    set(&mut config.log.format, raw.parsed("agent.log-format", "one of auto, human, json, zerolog", read_format)?);
    Ok(())
}

fn read_level(text: &str) -> Option<LogLevel> {
    match text.to_ascii_lowercase().as_str() {
        "trace" => Some(LogLevel::Trace),
        "debug" => Some(LogLevel::Debug),
        "info" => Some(LogLevel::Info),
        "warn" | "warning" => Some(LogLevel::Warn),
        "error" | "fatal" | "panic" => Some(LogLevel::Error),
        _ => None,
    }
}

fn read_format(text: &str) -> Option<LogFormat> {
    match text.to_ascii_lowercase().as_str() {
        "auto" | "human" => Some(LogFormat::Human),
        // Zerolog's lines are JSON objects too.
        "json" | "zerolog" => Some(LogFormat::Json),
        _ => None,
    }
}

fn read_store_and_limits(config: &mut ServerConfig, raw: &RawSettings) -> Result<(), ConfigError> {
    let location = raw.path("store.path")?.map(|path| match path.to_str() {
        Some(":memory:") => StoreLocation::Memory,
        _ => StoreLocation::File(path),
    });
    set(&mut config.store, location);
    set(&mut config.key_file, raw.path("keys.path")?);
    let capacity = |text: &str| text.parse::<u32>().ok().filter(|count| (1..=1_000_000).contains(count));
    set(
        &mut config.limits.capacity_max,
        raw.parsed("limits.capacity_max", "a whole number from 1 to 1000000", capacity)?,
    );
    let bytes = |text: &str| text.parse::<usize>().ok().filter(|count| (1_000..=10_000_000).contains(count));
    set(&mut config.limits.body_max, raw.parsed("limits.body_max", "a number of bytes from 1000 to 10000000", bytes)?);
    let at_once = |text: &str| text.parse::<usize>().ok().filter(|count| (1..=10_000).contains(count));
    set(
        &mut config.limits.requests_at_once,
        raw.parsed("limits.requests_at_once", "a whole number from 1 to 10000", at_once)?,
    );
    let time = |text: &str| read_duration(text).filter(|time| !time.is_zero());
    set(
        &mut config.limits.request_time,
        raw.parsed("limits.request_time", "a duration such as \"60s\", not zero", time)?,
    );
    Ok(())
}

fn read_auth(config: &mut ServerConfig, raw: &RawSettings) -> Result<(), ConfigError> {
    let auth = &mut config.auth;
    set(&mut auth.require_request_target, raw.switch("auth.require_request_target")?);
    let skew = |text: &str| read_duration(text).filter(|skew| !skew.is_zero() && *skew <= SKEW_MAX);
    set(&mut auth.skew, raw.parsed("auth.skew", "a duration of at most 300s, CloudAPI's own limit", skew)?);
    set(&mut auth.allow, raw.list("auth.allow")?.map(|logins| logins.into_iter().collect()));
    set(&mut auth.allow_all, raw.switch("auth.allow_all")?);
    set(&mut auth.allow_file, raw.path("auth.allow_file")?);
    Ok(())
}

fn read_health(health: &mut HealthSettings, raw: &RawSettings) -> Result<(), ConfigError> {
    set(&mut health.private_addresses, raw.switch("health.private_addresses")?);
    let networks = "networks such as \"10.0.0.0/8\"";
    set(&mut health.refused_networks, raw.parsed_list("health.refused_networks", networks, |text| text.parse().ok())?);
    let controls =
        "targets with a literal address and a port, such as \"http://192.0.2.1:80/\" or \"tcp:192.0.2.1:53\"";
    set(&mut health.controls, raw.parsed_list("health.controls", controls, |text| text.parse().ok())?);
    Ok(())
}

/// An empty text is none, so that a variable can take back what the file says.
fn read_metrics(raw: &RawSettings) -> Result<Option<SocketAddr>, ConfigError> {
    let listen = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    let expected = "an address and a port such as \"127.0.0.1:9464\", or empty for none";
    Ok(raw.parsed("metrics.listen", expected, listen)?.flatten())
}

fn dev_mode(sources: &ConfigSources, builtin: Option<&BuiltinDatacenter>) -> Result<Option<DevMode>, ConfigError> {
    let wanted = match sources.environment.get(DEV_MODE_VARIABLE).map(String::as_str) {
        None => false,
        Some(text) => read_switch(text)
            .ok_or(ConfigError::DevModeRefused { reason: "it is set to something other than 1 or 0" })?,
    };
    match builtin {
        _ if !wanted => Ok(None),
        Some(builtin) => Ok(Some(DevMode { login: builtin.login.clone() })),
        None => Err(ConfigError::DevModeRefused { reason: "it works only with the built-in simulated data centre" }),
    }
}
