//! Verdicts in words.
//!
//! Owns every sentence about them. Must never decide anything.

use core::fmt;

use super::{Breach, Unknown, Verdict};

impl fmt::Display for Verdict {
    /// ```
    /// use tsg_core::placement::verify::{Breach, Verdict};
    ///
    /// assert_eq!(Verdict::Kept.to_string(), "kept");
    /// assert_eq!(Verdict::Broken(Breach::Alone { elsewhere: 2 }).to_string(), "broken: all 2 that match are elsewhere");
    /// ```
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => out.write_str("kept"),
            Self::Broken(Breach::Beside { instance }) => {
                write!(out, "broken: instance {instance} is in the same place")
            }
            Self::Broken(Breach::On { node }) => write!(out, "broken: compute node {node} is in the same place"),
            Self::Broken(Breach::Alone { elsewhere: 0 }) => out.write_str("broken: nothing matches"),
            Self::Broken(Breach::Alone { elsewhere }) => {
                write!(out, "broken: all {elsewhere} that match are elsewhere")
            }
            Self::Broken(Breach::Uneven { members, fewest }) => {
                write!(out, "broken: {members} members in its place, and {fewest} in the emptiest")
            }
            Self::Unknown(Unknown::NotPlaced) => out.write_str("unknown: it is not shown where the instance stands"),
            Self::Unknown(Unknown::Hidden(why)) => write!(out, "unknown: {why}"),
        }
    }
}
