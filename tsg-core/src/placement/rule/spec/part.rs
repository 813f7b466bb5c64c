//! The parts of a block as they are written.
//!
//! Owns how one is told to people. Must never say what becomes of it.

use core::fmt;

use super::{PlacementSpec, SpecPlace};
use crate::placement::rule::Rule;

/// A part of a block as it is written there, in words where that is no text; where there is no such
/// part, its place.
///
/// ```
/// use tsg_core::placement::rule::{PlacementSpec, Scope, SpecPart, SpecPlace};
///
/// let spec: PlacementSpec = serde_json::from_str(r#"{"rack": ["role!=db"], "spread": [{"over": "cn"}]}"#)?;
/// let rule: SpecPart<'_> = spec.part(SpecPlace::Rule { scope: Scope::Rack, index: 0 });
/// assert_eq!(rule.to_string(), "rack: role!=db");
/// assert_eq!(spec.part(SpecPlace::Spread { index: 0 }).to_string(), "spread over each compute node");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SpecPart<'a> {
    at: SpecPlace,
    spec: &'a PlacementSpec,
}

impl PlacementSpec {
    /// The part at a place; see [`SpecPart`].
    ///
    /// ```
    /// use tsg_core::placement::rule::{PlacementSpec, SpecPlace};
    ///
    /// let nowhere = SpecPlace::Preference { index: 7 };
    /// assert_eq!(PlacementSpec::default().part(nowhere).to_string(), "placement.prefer[7]");
    /// ```
    pub const fn part(&self, at: SpecPlace) -> SpecPart<'_> {
        SpecPart { at, spec: self }
    }

    fn rule_at(&self, at: SpecPlace) -> Option<&Rule> {
        match at {
            SpecPlace::Rule { scope, index } => self.rules_of(scope).nth(index),
            SpecPlace::Preference { index } => self.prefer.get(index).map(|preference| &preference.rule),
            SpecPlace::Spread { .. } => None,
        }
    }
}

impl fmt::Display for SpecPart<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = match self.at {
            SpecPlace::Spread { index } => self.spec.spread.get(index),
            _ => None,
        };
        match (spread, self.spec.rule_at(self.at)) {
            (Some(spread), _) => write!(out, "spread over each {}", spread.over.in_words()),
            (None, Some(rule)) => rule.fmt(out),
            (None, None) => self.at.fmt(out),
        }
    }
}
