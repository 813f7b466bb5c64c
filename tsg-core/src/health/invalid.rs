//! Why a `health` block cannot be kept.
//!
//! Owns the sentences, each with what is wrong and what to write instead. Must never repeat more
//! than a little of what was given.

use alloc::string::String;

use thiserror::Error;

use super::status::InvalidStatus;
use crate::model::span::Span;

/// The first rule that a `health` block breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidHealth {
    /// No such type.
    #[error(
        "{given:?} is no type of check; write http, https, tcp, containerpilot, cloud, guest or command, \
         or in short one such as \"http:8080/ping\" or \"tcp:5432\""
    )]
    Type {
        /// What was given, shortened.
        given: String,
    },
    /// Not a port.
    #[error("{given:?} is no port; write a number from 1 to 65535")]
    Port {
        /// What was given, shortened.
        given: String,
    },
    /// A check that connects, without a port.
    #[error("a check of type {kind} needs `port`, the port that the instance listens on")]
    NoPort {
        /// Which type.
        kind: &'static str,
    },
    /// A field that a check of this type does not have.
    #[error("a check of type {kind} has no `{field}`; leave it out, or use another type")]
    NotOfType {
        /// Which type.
        kind: &'static str,
        /// Which field.
        field: &'static str,
    },
    /// Another host than the instance.
    #[error("a check names no host, since it always asks the instance itself; write one such as \"http:8080/ping\"")]
    Host,
    /// A path that cannot be sent.
    #[error(
        "the path {given:?} cannot be asked for; write one that begins with / and has no spaces, control characters \
         or letters outside of ASCII (percent-encode them), of at most 2048 characters"
    )]
    Path {
        /// What was given, shortened.
        given: String,
    },
    /// A header that cannot be sent.
    #[error("the header {name:?} cannot be sent: {reason}")]
    Header {
        /// Its name, shortened.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// Not a status.
    #[error(transparent)]
    Status(#[from] InvalidStatus),
    /// Nothing would be well.
    #[error("`expect` is empty, so nothing would ever be well; leave it out for 2xx")]
    NothingExpected,
    /// A name that is none.
    #[error("{given:?} is no name of a check; write up to 63 lower-case letters, digits and hyphens")]
    Name {
        /// What was given, shortened.
        given: String,
    },
    /// Two checks of one name.
    #[error("two checks are called {name:?}; give one of them another `name`")]
    Twice {
        /// Which name.
        name: String,
    },
    /// A length of time out of its bounds.
    #[error("`{field}` is {given}; write {least} to {most}")]
    Span {
        /// Which field.
        field: &'static str,
        /// What it is.
        given: Span,
        /// The least it may be.
        least: Span,
        /// The most it may be.
        most: Span,
    },
    /// A number out of its bounds.
    #[error("`{field}` is {given}; write {least} to {most}")]
    Number {
        /// Which field.
        field: &'static str,
        /// What it is.
        given: u32,
        /// The least it may be.
        least: u32,
        /// The most it may be.
        most: u32,
    },
    /// A probe that would not be over when the next one begins.
    #[error(
        "`timeout` is {timeout}, longer than `{field}`, {interval}, so that probes would overtake one another; \
         write a shorter timeout or a longer interval"
    )]
    SlowerThanInterval {
        /// The timeout.
        timeout: Span,
        /// Which interval.
        field: &'static str,
        /// How long it is.
        interval: Span,
    },
    /// Certificates that nobody can read.
    #[error(
        "`tls.ca` holds no certificate; write certificates in PEM, each between BEGIN CERTIFICATE and END CERTIFICATE, of at most 64 KiB"
    )]
    Ca,
    /// A name that no certificate can be for.
    #[error("{given:?} is no name that a certificate can be for; write a DNS name such as \"api.example.com\"")]
    TlsName {
        /// What was given, shortened.
        given: String,
    },
    /// A command without a program, or an endless one.
    #[error("`command` needs a program and its arguments, 1 to 64 texts of together at most 4096 characters")]
    Command,
    /// What the name service does not take for a service.
    #[error(
        "{given:?} is no service; write a name of up to 63 letters, digits and hyphens and, if it has one, its port: \
         \"web\" or \"web:8080\""
    )]
    Service {
        /// What was given, shortened.
        given: String,
    },
    /// Too many services.
    #[error("`discovery.services` names {given} services, and {most} are the most")]
    TooManyServices {
        /// How many there are.
        given: usize,
        /// How many there may be.
        most: usize,
    },
    /// Both the group and its template name the services.
    #[error(
        "the template has the tag triton.cns.services, and `discovery.services` of the group names services too; leave \
         one of them out: give the group a template without the tag, or leave `services` out of its health"
    )]
    ServicesTwice,
    /// What nobody can do yet.
    #[error("{what} cannot be had yet; {instead}")]
    NotYet {
        /// What.
        what: &'static str,
        /// What to write.
        instead: &'static str,
    },
    /// A check that takes so long to pass that its instances would be given up before.
    #[error(
        "the check {name:?} may take {longest} until an instance has passed it, longer than \
         `update.healthy_deadline`, {deadline}, after which it is given up; write a shorter interval or start_window, \
         or a longer deadline"
    )]
    SlowerThanDeadline {
        /// Which check.
        name: String,
        /// How long it may take.
        longest: Span,
        /// `update.healthy_deadline`.
        deadline: Span,
    },
    /// Too many checks.
    #[error("a group may have {most} checks, and there are {given}; merge some of them in the instance")]
    TooMany {
        /// How many there are.
        given: usize,
        /// How many there may be.
        most: usize,
    },
}

/// The beginning of what was given, for a message.
pub(super) fn shortened(given: &str) -> String {
    given.chars().take(64).collect()
}
