//! Failures as people meet them: what happened, why, and what to do next.
//!
//! Owns the shape of every error that leaves the program. It must never show a secret or a raw debug dump.

use std::error::Error;
use std::fmt;

use serde::Serialize;

use crate::exit::Exit;

/// Why a command did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    why: Option<String>,
    next: Option<String>,
    code: Option<String>,
}

/// A failure for programs: one JSON object on standard error.
#[derive(Serialize)]
struct JsonFailure<'a> {
    error: JsonBody<'a>,
}

#[derive(Serialize)]
struct JsonBody<'a> {
    exit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl Failure {
    /// Something did not happen.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), why: None, next: None, code: None }
    }

    /// A mistake in what the user gave us.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// Why, in words.
    pub(crate) fn why(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    /// Why, from an error and everything that caused it.
    pub(crate) fn because(self, error: &dyn Error) -> Self {
        self.why(chain(error))
    }

    /// What to do about it.
    pub(crate) fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }

    /// The stable code that the other side gave, for `--json`.
    pub(crate) fn code(self, code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    /// The exit code to end with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The failure as one line of JSON.
    pub(crate) fn to_json(&self) -> String {
        let failure = JsonFailure {
            error: JsonBody {
                exit: self.exit as u8,
                code: self.code.as_deref(),
                message: &self.what,
                why: self.why.as_deref(),
                hint: self.next.as_deref(),
            },
        };
        // Texts and a number always serialise.
        serde_json::to_string(&failure).unwrap_or_default()
    }
}

/// An error and its sources, joined by colons; a source that the text already contains is left out.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "tsg: {}", self.what)?;
        if let Some(why) = &self.why {
            write!(out, "\n  why:  {why}")?;
        }
        if let Some(next) = &self.next {
            write!(out, "\n  next: {next}")?;
        }
        Ok(())
    }
}

impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_as_what_why_next() {
        let failure =
            Failure::new(Exit::Refused, "cannot create \"web\"").why("the name is taken").next("choose another");
        assert_eq!(
            failure.to_string(),
            "tsg: cannot create \"web\"\n  why:  the name is taken\n  next: choose another"
        );
        assert_eq!(
            failure.code("NameTaken").to_json(),
            r#"{"error":{"exit":4,"code":"NameTaken","message":"cannot create \"web\"","why":"the name is taken","hint":"choose another"}}"#
        );
    }
}
