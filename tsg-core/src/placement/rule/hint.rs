//! What is worth saying about a rule that can be read.
//!
//! Owns the hints and their sentences. Must never refuse anything.

use alloc::string::String;
use core::fmt;

/// A rule means something, and perhaps not what was meant.
///
/// ```
/// use tsg_core::placement::rule::{Hint, Rule};
///
/// let reading = Rule::read("service!==web")?;
/// assert_eq!(reading.rule, "service!=web".parse()?);
/// assert_eq!(reading.hints, [Hint::Spelling { position: 7, written: "!==", better: "!=" }]);
/// assert_eq!(reading.hints[0].to_string(), "`!==` is read as `!=`; write `!=`");
/// # Ok::<(), tsg_core::placement::rule::InvalidRule>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// There is a better spelling.
    Spelling {
        /// Where, in bytes from the beginning of the rule.
        position: usize,
        /// What is written.
        written: &'static str,
        /// What it is read as.
        better: &'static str,
    },
    /// A tag's name that looks like a criterion.
    NearCriterion {
        /// Where, in bytes from the beginning of the rule.
        position: usize,
        /// The tag.
        tag: String,
        /// The criterion.
        criterion: &'static str,
    },
    /// `cn:service`, which is a tag of compute nodes and looks like a scope before a criterion.
    NearScope {
        /// Where, in bytes from the beginning of the rule.
        position: usize,
        /// The tag.
        tag: String,
    },
    /// `.*` in a glob, where the dot is a dot.
    DotInGlob {
        /// Where, in bytes from the beginning of the rule.
        position: usize,
    },
}

impl Hint {
    /// Where, in bytes from the beginning of the rule.
    pub const fn position(&self) -> usize {
        match self {
            Self::Spelling { position, .. }
            | Self::NearCriterion { position, .. }
            | Self::NearScope { position, .. }
            | Self::DotInGlob { position } => *position,
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spelling { written, better, .. } => {
                write!(out, "`{written}` is read as `{better}`; write `{better}`")
            }
            Self::NearCriterion { tag, criterion, .. } => write!(
                out,
                "`{tag}` is read as the name of a tag; write `{criterion}` if that is meant, \
                 or `instance:{tag}` to say that it is not"
            ),
            Self::NearScope { tag, .. } => write!(
                out,
                "`cn:{tag}` is read as the tag `{tag}` of compute nodes; write `cn: {tag}` for the scope `cn` \
                 and the criterion `{tag}`"
            ),
            Self::DotInGlob { .. } => out.write_str(
                "this is a glob, in which a dot is a dot; write it between slashes to have it as a regular expression",
            ),
        }
    }
}
