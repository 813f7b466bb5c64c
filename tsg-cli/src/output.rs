//! Standard output and standard error: the only place that writes to either.
//!
//! Owns the two formats, for people and for programs. It must never fail because the reader has gone: `tsg … | head`
//! ends quietly.

use std::io::{self, ErrorKind, IsTerminal, Write};

use crate::exit::Exit;
use crate::failure::Failure;

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A person.
    Human,
    /// A program: one JSON document for each answer.
    Json,
}

/// Where a command's answers go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
}

/// What a command answers, in both formats, without the last line break.
pub(crate) trait Show {
    /// The text for a person.
    fn human(&self) -> String;
    /// The document for a program.
    fn json(&self) -> String;
}

impl Output {
    /// Output in this format.
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    /// Who reads.
    pub(crate) fn format(self) -> Format {
        self.format
    }

    /// Shows an answer.
    pub(crate) fn show(self, answer: &dyn Show) -> Result<(), Failure> {
        match self.format {
            Format::Human => self.text(&answer.human()),
            Format::Json => self.text(&answer.json()),
        }
    }

    /// Writes text and a line break to standard output.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = if text.is_empty() { Ok(()) } else { writeln!(stdout, "{text}") };
        match written.and_then(|()| stdout.flush()) {
            // The reader has seen enough; there is nobody left to tell.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(Failure::new(Exit::Failed, "cannot write to standard output").because(&error)),
            Ok(()) => Ok(()),
        }
    }

    /// A remark for a person, on standard error; programs are not told.
    pub(crate) fn remark(self, text: &str) {
        if self.format == Format::Human {
            to_stderr(text);
        }
    }

    /// Reports why a command ended badly.
    pub(crate) fn failure(self, failure: &Failure) {
        match self.format {
            Format::Human => to_stderr(&failure.to_string()),
            Format::Json => to_stderr(&failure.to_json()),
        }
    }

    /// Whether a person watches standard error, so that a moving bar makes sense.
    pub(crate) fn has_watcher(self) -> bool {
        self.format == Format::Human && io::stderr().is_terminal()
    }
}

fn to_stderr(text: &str) {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
