//! `tsg completions`: scripts that complete `tsg` in a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Print the completion script for a shell
///
/// Examples:
///   tsg completions bash > ~/.local/share/bash-completion/completions/tsg
///   tsg completions zsh  > ~/.zfunc/_tsg
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "tsg", &mut script);
        let script = String::from_utf8(script)
            .map_err(|error| Failure::new(Exit::Failed, "the completion script is not text").because(&error))?;
        context.output.text(script.trim_end())
    }
}
