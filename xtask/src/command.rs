//! Running other programs and saying so. Owns how a step is announced and how it fails; must
//! never hide a program's output.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Why a developer command ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Not a command.
    #[error("{0}")]
    Usage(&'static str),
    /// A program could not be started.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// Which.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program said no.
    #[error("`{program}` failed ({status}); its output is above")]
    Status {
        /// Which, with its arguments.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// A file could not be read or understood.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// Mutants live, or could not be tried.
    #[error("mutants: {reason}")]
    Mutants {
        /// What is wrong.
        reason: String,
    },
    /// Rules are broken.
    #[error("tidy: {count} rule(s) broken; each line above says where and what to do")]
    Untidy {
        /// How many.
        count: usize,
    },
}

/// Prints one line, whether or not somebody still listens.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Announces and runs one program in `directory`; its output goes where ours goes.
pub fn run(directory: &Path, program: &str, arguments: &[&str]) -> Result<(), Failure> {
    run_with(directory, program, arguments, &[])
}

/// The same with these variables set, of which those win that are set already.
pub fn run_with(
    directory: &Path,
    program: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<(), Failure> {
    let unset = variables.iter().copied().filter(|(name, _)| std::env::var_os(name).is_none());
    let shown = format!("{program} {}", arguments.join(" "));
    say(&format!("\n==> {shown}"));
    let begun = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .envs(unset)
        .current_dir(directory)
        .status()
        .map_err(|source| Failure::Start { program: program.to_owned(), source })?;
    say(&format!("    {} s", begun.elapsed().as_secs()));
    if status.success() { Ok(()) } else { Err(Failure::Status { program: shown, status }) }
}

/// Runs a program and returns what it printed.
pub fn capture(directory: &Path, program: &str, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|source| Failure::Start { program: program.to_owned(), source })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let program = format!("{program} {}", arguments.join(" "));
    Err(Failure::Status { program, status: output.status })
}

/// Whether a program of that name can be found.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
