//! Why a `placement` block cannot be kept.
//!
//! Owns the sentences, each with the path to the fault and what to write instead. Must never
//! repeat what a rule says about itself.

use alloc::boxed::Box;
use core::fmt;

use thiserror::Error;

use super::{ATTEMPTS_MAX, PREFERENCES_MAX, RULES_MAX, WEIGHT_MAX};
use crate::placement::rule::{InvalidRule, Scope};

/// The first fault of a `placement` block.
///
/// ```
/// use tsg_core::placement::rule::{InvalidPlacement, PlacementSpec, Scope, SpecPlace, Spread};
///
/// let spec = PlacementSpec { spread: vec![Spread { weight: 2_000, ..Spread::over(Scope::Rack) }], ..Default::default() };
/// let refused = spec.check().unwrap_err();
/// assert_eq!(refused, InvalidPlacement::TooHeavy { at: SpecPlace::Spread { index: 0 }, weight: 2_000 });
/// assert_eq!(refused.to_string(), "`placement.spread[0].weight` is 2000; write 1000 at most");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidPlacement {
    /// A rule cannot be read.
    #[error("`{at}`: {refused}")]
    Rule {
        /// Which one.
        at: SpecPlace,
        /// Where in it, and why.
        refused: Box<InvalidRule>,
    },
    /// A rule that was made in code cannot be written.
    #[error("`{at}` cannot be written so that it reads back as the same rule; use names and values that can be")]
    NotWritable {
        /// Which one.
        at: SpecPlace,
    },
    /// More than [`RULES_MAX`].
    #[error("`placement` has {count} rules; write {RULES_MAX} at most, with a glob or an expression for several names")]
    TooManyRules {
        /// How many there are.
        count: usize,
    },
    /// More than [`PREFERENCES_MAX`].
    #[error("`placement.prefer` has {count} preferences; write {PREFERENCES_MAX} at most")]
    TooManyPreferences {
        /// How many there are.
        count: usize,
    },
    /// A weight of more than [`WEIGHT_MAX`].
    #[error("`{at}.weight` is {weight}; write {WEIGHT_MAX} at most")]
    TooHeavy {
        /// Of what.
        at: SpecPlace,
        /// What it is.
        weight: u32,
    },
    /// A preference that counts nothing.
    #[error("`{at}.weight` is 0, so it would never count; write 1 to {WEIGHT_MAX}, or leave the preference out")]
    NoWeight {
        /// Which one.
        at: SpecPlace,
    },
    /// A preference that was made hard in code.
    #[error("`{at}.rule` is hard; write ==~ or !=~, or move it to the rules of its scope")]
    HardPreference {
        /// Which one.
        at: SpecPlace,
    },
    /// No room for any difference.
    #[error(
        "`{at}.max_skew` is 0, which no number of instances but a multiple of the places could keep; write 1 or more"
    )]
    NoSkew {
        /// Which spread.
        at: SpecPlace,
    },
    /// A spread that does nothing.
    #[error("`{at}` has neither `max_skew` nor a weight, so it would do nothing; give it one of them, or leave it out")]
    IdleSpread {
        /// Which one.
        at: SpecPlace,
    },
    /// None, or more than [`ATTEMPTS_MAX`].
    #[error("`placement.attempts` is {attempts}; write 1 to {ATTEMPTS_MAX}, or `enforce: report` for none")]
    Attempts {
        /// What it is.
        attempts: u32,
    },
    /// Two spreads over the same.
    #[error("`{at}` is a second one over {over}; leave one of them out")]
    SpreadTwice {
        /// The second one.
        at: SpecPlace,
        /// Over what.
        over: Scope,
    },
}

impl InvalidPlacement {
    /// The rule that cannot be read, to draw the place in it.
    pub fn rule(&self) -> Option<&InvalidRule> {
        match self {
            Self::Rule { refused, .. } => Some(refused),
            _ => None,
        }
    }
}

/// A place within a `placement` block. Written as a path: `placement.cn[2]`.
///
/// ```
/// use tsg_core::placement::rule::{Scope, SpecPlace};
///
/// assert_eq!(SpecPlace::Rule { scope: Scope::Node, index: 2 }.to_string(), "placement.cn[2]");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpecPlace {
    /// A rule.
    Rule {
        /// Among those of which scope.
        scope: Scope,
        /// Its place there, from 0.
        index: usize,
    },
    /// A spread.
    Spread {
        /// Its place, from 0.
        index: usize,
    },
    /// A preference.
    Preference {
        /// Its place, from 0.
        index: usize,
    },
}

impl fmt::Display for SpecPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule { scope, index } => write!(out, "placement.{scope}[{index}]"),
            Self::Spread { index } => write!(out, "placement.spread[{index}]"),
            Self::Preference { index } => write!(out, "placement.prefer[{index}]"),
        }
    }
}
