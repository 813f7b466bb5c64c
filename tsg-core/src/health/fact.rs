//! What one probe found.
//!
//! Owns the closed set of findings. Must never say what follows from one; the policy does.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// When the probe began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What it found.
    pub outcome: Outcome,
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All is well.
    Passed,
    /// It answers, and says that it has too much to do.
    Degraded,
    /// It is not well.
    Failed(Failure),
    /// The prober could not tell, through no fault of the target.
    Unjudged(Obstruction),
}

/// Why a target is not well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Nobody listens on the port.
    Refused,
    /// The connection was cut.
    Reset,
    /// There is no way to the address.
    Unreachable,
    /// The time was over.
    TimedOut(Stage),
    /// It answered with a status that is not expected.
    Status(u16),
    /// What it answered is not HTTP.
    Malformed,
    /// Its status and headers did not end.
    HeadTooLarge,
    /// No trustworthy TLS connection came about.
    Tls(TlsFailure),
    /// The cloud does not show it running.
    NotRunning,
    /// It says itself that it is not well.
    SaysBad,
    /// It says itself that it is not to be sent anything, and nothing worse.
    SaysNotReady,
    /// The command ended with this code.
    Exit(i32),
}

impl Failure {
    /// Whether it is a reason not to send an instance anything, and none to repair it, whatever the
    /// check is for.
    ///
    /// ```
    /// use tsg_core::health::fact::Failure;
    /// assert!(Failure::SaysNotReady.is_of_readiness_alone() && !Failure::SaysBad.is_of_readiness_alone());
    /// ```
    pub const fn is_of_readiness_alone(self) -> bool {
        matches!(self, Self::SaysNotReady)
    }

    /// Whether something answered at its address, so that at least its compute node is alive. A
    /// connection that is taken and then silent shows no more than what took it.
    ///
    /// ```
    /// use tsg_core::health::fact::{Failure, Stage};
    /// assert!(Failure::Refused.is_answer() && Failure::Status(503).is_answer());
    /// assert!(!Failure::TimedOut(Stage::Head).is_answer() && !Failure::Unreachable.is_answer());
    /// ```
    pub const fn is_answer(self) -> bool {
        match self {
            Self::Refused
            | Self::Reset
            | Self::Status(_)
            | Self::Malformed
            | Self::HeadTooLarge
            | Self::Tls(_)
            | Self::Exit(_) => true,
            // What an instance says of itself may be told by the cloud long after.
            Self::Unreachable | Self::TimedOut(_) | Self::NotRunning | Self::SaysBad | Self::SaysNotReady => false,
        }
    }
}

/// How far a probe had come when its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It was connecting.
    Connect,
    /// It was agreeing on TLS.
    Handshake,
    /// It was sending the request.
    Request,
    /// It was waiting for the status and headers, or for the rest of them.
    Head,
    /// It was waiting for the command to end.
    Command,
}

/// Why there is no trustworthy TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsFailure {
    /// The certificate is for another name.
    Name,
    /// Nobody that is trusted has signed the certificate.
    Untrusted,
    /// The certificate is not valid any more, or not yet.
    Expired,
    /// The two did not agree on anything.
    Protocol,
}

/// Why a prober could not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstruction {
    /// It may not connect to such an address.
    Forbidden,
    /// It has no way to such an address: its own network is not what it should be.
    NoRoute,
    /// The instance has no address in the network that the check names.
    NoAddress,
    /// The guest has written no heartbeat for longer than it may, as far as the cloud shows.
    NoHeartbeat,
    /// Commands cannot be run in the instance now.
    NoExecutor,
    /// It has no ports, files or memory left.
    Exhausted,
    /// It is stopping.
    Stopping,
    /// Nobody here can run such a check.
    Unsupported,
}

impl Outcome {
    /// Whether something answered at the address of the instance, well or not.
    ///
    /// ```
    /// use tsg_core::health::fact::{Failure, Outcome, Stage};
    /// assert!(Outcome::Passed.is_answer() && Outcome::Failed(Failure::Status(503)).is_answer());
    /// assert!(!Outcome::Failed(Failure::TimedOut(Stage::Connect)).is_answer());
    /// ```
    pub const fn is_answer(self) -> bool {
        match self {
            Self::Passed | Self::Degraded => true,
            Self::Failed(failure) => failure.is_answer(),
            Self::Unjudged(_) => false,
        }
    }
}

const _: () = assert!(core::mem::size_of::<Outcome>() <= 12, "a pulse remembers the newest");

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => out.write_str("passed"),
            Self::Degraded => out.write_str("answered that it has too much to do"),
            Self::Failed(failure) => failure.fmt(out),
            Self::Unjudged(obstruction) => obstruction.fmt(out),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => out.write_str("nobody listens on the port"),
            Self::Reset => out.write_str("the connection was cut"),
            Self::Unreachable => out.write_str("there is no way to its address"),
            Self::TimedOut(stage) => stage.fmt(out),
            Self::Status(status) => write!(out, "it answered with status {status}"),
            Self::Malformed => out.write_str("what it answered is not HTTP"),
            Self::HeadTooLarge => out.write_str("the headers of its answer did not end"),
            Self::Tls(failure) => failure.fmt(out),
            Self::NotRunning => out.write_str("the cloud does not show it running"),
            Self::SaysBad => out.write_str("it says itself that it is not well"),
            Self::SaysNotReady => out.write_str("it says itself that it is not ready"),
            Self::Exit(code) => write!(out, "the command ended with {code}"),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Connect => "it did not take the connection in time",
            Self::Handshake => "it did not agree on TLS in time",
            Self::Request => "it did not take the request in time",
            Self::Head => "it did not answer in time",
            Self::Command => "the command did not end in time",
        })
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Name => "its certificate is for another name",
            Self::Untrusted => "its certificate is signed by nobody that is trusted",
            Self::Expired => "its certificate is not valid now",
            Self::Protocol => "it did not agree on TLS",
        })
    }
}

impl fmt::Display for Obstruction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Forbidden => "the prober may not connect to its address",
            Self::NoRoute => "the prober has no way to its network",
            Self::NoAddress => "the instance has no address in the network of the check",
            Self::NoHeartbeat => "the cloud shows no heartbeat of it that is new enough",
            Self::NoExecutor => "no command can be run in it now",
            Self::Exhausted => "the prober has no ports or files left",
            Self::Stopping => "the prober is stopping",
            Self::Unsupported => "nobody here runs such checks",
        })
    }
}
