//! Exit codes: what a script may rely on.
//!
//! Owns the table that `tsg --help` shows. A code must never change its meaning.

use std::process::ExitCode;

/// How a run of `tsg` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// It failed for a reason that has no code of its own.
    Failed = 1,
    /// The command line, the configuration or the profile is wrong. clap uses the same code.
    Usage = 2,
    /// There is no such thing. node-triton uses the same code.
    NotFound = 3,
    /// The request was understood and refused: a conflict, a limit, an invalid value.
    Refused = 4,
    /// The change is accepted, but the group did not converge in the time given.
    NotConverged = 5,
    /// The signature, the key or the account was not accepted.
    NotAuthenticated = 6,
    /// The other side does not answer, or says to come back later.
    Unreachable = 7,
    /// The rollout's canaries are good and wait to be promoted.
    AwaitsPromotion = 8,
    /// The rollout failed: the group went back to its stable revision, or stopped where it was.
    RolloutFailed = 9,
    /// A newer revision took the place of the one that was waited for.
    Superseded = 10,
}

/// Every code with its meaning, in order: the table of `tsg --help`.
const TABLE: [(Exit, &str); 11] = [
    (Exit::Done, "done"),
    (Exit::Failed, "failed for a reason without a code of its own"),
    (Exit::Usage, "the command line, configuration or profile is wrong"),
    (Exit::NotFound, "no such group, template, account or fault"),
    (Exit::Refused, "understood and refused: a conflict, a limit, an invalid value"),
    (Exit::NotConverged, "accepted, but the group did not converge in the time given"),
    (Exit::NotAuthenticated, "the signature, the key or the account was not accepted"),
    (Exit::Unreachable, "the server or CloudAPI does not answer, or is busy"),
    (Exit::AwaitsPromotion, "tsg wait: the rollout's canaries are good and wait to be promoted"),
    (Exit::RolloutFailed, "tsg wait: the rollout failed, and went back or stopped where it was"),
    (Exit::Superseded, "tsg wait: a newer revision took the place of the one waited for"),
];

/// The table as help text.
pub(crate) fn help() -> String {
    let rows = TABLE.iter().map(|(exit, meaning)| format!("  {:<2} {meaning}\n", *exit as u8));
    format!("Exit codes:\n{}", rows.collect::<String>())
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn codes_count_up_without_gaps() {
        for (place, (exit, _)) in TABLE.iter().enumerate() {
            assert_eq!(*exit as usize, place);
        }
    }
}
