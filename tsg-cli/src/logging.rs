//! Logging to standard error.
//!
//! Owns the subscriber of the process. It must never log to standard output, which belongs to answers.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::environment::Environment;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLines {
    /// For people.
    Human,
    /// One JSON object on each line.
    Json,
}

/// Begins to log. A second call in one process changes nothing.
pub(crate) fn start(level: LevelFilter, lines: LogLines, environment: &Environment) {
    // RUST_LOG is finer than a level: for whoever looks for a fault in tsg itself.
    let directives = environment.get("RUST_LOG").unwrap_or_default();
    let filter = EnvFilter::builder().with_default_directive(level.into()).parse_lossy(directives);
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match lines {
        LogLines::Human => subscriber.with_target(false).try_init(),
        LogLines::Json => subscriber.json().try_init(),
    };
    // Somebody else logs already, which serves as well.
    drop(started);
}
