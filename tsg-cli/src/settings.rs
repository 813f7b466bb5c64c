//! The server's configuration, as the commands that need it find it: file, environment, flags.
//!
//! Owns the flags and which variables are the client's own. What a setting means is the server's knowledge.

use std::path::PathBuf;

use clap::Args;
use tracing_subscriber::filter::LevelFilter;
use tsg_server::config::{
    BuiltinDatacenter, ConfigError, ConfigSources, LogFormat, LogLevel, LogSettings, ServerConfig,
};

use crate::context::Context;
use crate::failure::Failure;
use crate::logging::{self, LogLines};

/// Variables that begin with `TSG_` and are not the server's.
const CLIENT_VARIABLES: [&str; 4] = ["TSG_URL", "TSG_CA_FILE", "TSG_SIM_ADMIN", "TSG_CONFIG"];

/// Where the server's configuration comes from; environment overrides file, flags override both.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Server configuration")]
pub(crate) struct Settings {
    /// Configuration file (TOML); otherwise TSG_CONFIG.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the database, the key file and the allow-list.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Any setting by its name in the file, such as auth.require_request_target=true; again for each further one.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// What a command adds to the configuration by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Additions {
    /// The command's own flags, by the names of the file.
    pub(crate) flags: Vec<(String, String)>,
    /// The simulated data centre in this process.
    pub(crate) builtin: Option<BuiltinDatacenter>,
    /// Variables that count as set.
    pub(crate) variables: Vec<(String, String)>,
}

impl Settings {
    /// The whole configuration.
    pub(crate) fn load(&self, context: &Context, additions: Additions) -> Result<ServerConfig, Failure> {
        let loaded = ServerConfig::load(&self.sources(context, additions)?).map_err(|error| refused(&error))?;
        for warning in &loaded.warnings {
            context.output.remark(&format!("tsg: warning: {warning}"));
        }
        Ok(loaded.config)
    }

    fn sources(&self, context: &Context, additions: Additions) -> Result<ConfigSources, Failure> {
        let mut flags = Vec::new();
        for text in &self.set {
            let Some((key, value)) = text.split_once('=') else {
                return Err(Failure::usage(format!("--set {text:?} is not SECTION.KEY=VALUE"))
                    .next("write it as --set auth.require_request_target=true"));
            };
            flags.push((key.to_owned(), value.to_owned()));
        }
        let as_text = |path: PathBuf| path.to_string_lossy().into_owned();
        flags.extend(self.data_dir.clone().map(|path| ("data.dir".to_owned(), as_text(path))));
        flags.extend(context.ca_file().map(|path| ("triton.ca_file".to_owned(), as_text(path))));
        flags.extend(additions.flags);
        let mut environment = context.environment.without(&CLIENT_VARIABLES);
        environment.extend(additions.variables);
        Ok(ConfigSources {
            file: self.config.clone().or_else(|| context.environment.get("TSG_CONFIG").map(PathBuf::from)),
            environment,
            flags,
            builtin: additions.builtin,
        })
    }
}

fn refused(error: &ConfigError) -> Failure {
    Failure::usage("the server's configuration is not usable")
        .because(error)
        .next("correct the setting; `tsg server --help` says where settings come from")
}

/// Begins to log as the configuration says.
pub(crate) fn start_logging(log: LogSettings, context: &Context) {
    let level = match log.level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    let lines = match log.format {
        LogFormat::Human => LogLines::Human,
        LogFormat::Json => LogLines::Json,
    };
    logging::start(level, lines, &context.environment);
}
