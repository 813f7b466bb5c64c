//! `cargo xtask tidy`: the shape of the project, checked by a program and not by memory. Owns
//! the list of rules; each has a file of its own.

mod architecture;
mod dependencies;
mod examples;
mod exceptions;
mod headers;
mod sizes;
mod sources;
mod words;

use std::path::Path;

use crate::command::{Failure, say};

/// One broken rule: where, what, and what to do.
pub type Finding = String;

/// Checks every rule and prints what is broken.
pub fn run(root: &Path) -> Result<(), Failure> {
    let sources = sources::read(root)?;
    let exceptions = exceptions::read(root)?;
    let mut findings = dependencies::check(&dependencies::read(root)?);
    findings.extend(headers::check(&sources));
    findings.extend(words::check(&sources));
    findings.extend(sizes::check(&sources, &exceptions));
    findings.extend(examples::check(&sources));
    findings.extend(architecture::check(root, &sources)?);
    for finding in &findings {
        say(&format!("tidy: {finding}"));
    }
    match findings.len() {
        0 => {
            say(&format!("tidy: {} files, every rule holds", sources.len()));
            Ok(())
        }
        count => Err(Failure::Untidy { count }),
    }
}
