//! What is asked of a placement.
//!
//! Owns the request and why one is not taken at all. Must never know where anything stands.

use alloc::vec::Vec;

use thiserror::Error;

use crate::model::id::AccountId;
use crate::placement::inventory::{Amounts, Label};
use crate::placement::rule::{Preference, Rule, Scope, Spread, WEIGHT_MAX};

/// The most hard rules of one request.
pub const HARD_RULES_MAX: usize = 28;
/// The most soft rules and preferences of one request.
pub const WISHES_MAX: usize = 32;

/// Instances that are all alike and want a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whose they will be. Rules see instances of this account only.
    pub owner: AccountId,
    /// What each of them asks for.
    pub demand: Amounts,
    /// Where they may go, and where they would rather go.
    pub rules: Vec<Rule>,
    /// More wishes, with weights.
    pub preferences: Vec<Preference>,
    /// How even they are to be spread; each scope once at most.
    pub spread: Vec<Spread>,
    /// What each of them will carry, so that rules can be about themselves. A label of
    /// [`crate::placement::rule::Criterion::Instance`] stands for the name that each will have.
    pub labels: Vec<Label>,
    /// The label that makes instances members of the same group; each will carry it as well.
    pub group: Option<Label>,
    /// Which node is taken of those that are as good as one another.
    pub packing: Packing,
}

/// Which node is taken of those that are as good as one another. What is still alike then goes to
/// the one with the lowest id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Packing {
    /// The one with the most memory left.
    #[default]
    Loose,
    /// The one with the least memory left.
    Tight,
}

/// Why a request is not taken at all. Rules and spreads go by their place in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Rejection {
    /// A rule is about racks or data centres, and of no node it is known where it stands.
    #[error("rule {rule} is about a {scope}, and no compute node has a known one: say where they stand")]
    RuleWithoutTopology {
        /// Which rule.
        rule: RuleNumber,
        /// What is unknown.
        scope: Scope,
    },
    /// The same for a spread.
    #[error("members are to be spread over each {scope}, and no compute node has a known one: say where they stand")]
    SpreadWithoutTopology {
        /// What is unknown.
        scope: Scope,
    },
    /// Two spreads over the same.
    #[error("members are to be spread over each {scope} twice: leave one out")]
    SpreadTwice {
        /// Over what.
        scope: Scope,
    },
    /// More rules than can be kept apart.
    #[error("there are {hard} hard rules and {soft} soft ones: at most {HARD_RULES_MAX} and {WISHES_MAX} are taken")]
    TooManyRules {
        /// Hard ones.
        hard: usize,
        /// Soft ones, preferences among them.
        soft: usize,
    },
    /// A weight above [`WEIGHT_MAX`].
    #[error("a weight is {weight}: at most {WEIGHT_MAX}")]
    TooHeavy {
        /// The weight.
        weight: u16,
    },
}

/// A rule of a request, by its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleNumber {
    /// In [`Request::rules`].
    Rule(u16),
    /// In [`Request::preferences`].
    Preference(u16),
}

impl core::fmt::Display for RuleNumber {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Rule(number) => write!(out, "{}", u32::from(*number) + 1),
            Self::Preference(number) => write!(out, "{} of the preferences", u32::from(*number) + 1),
        }
    }
}

impl Request {
    /// The rule at a number.
    ///
    /// ```
    /// use tsg_core::model::id::AccountId;
    /// use tsg_core::placement::inventory::Amounts;
    /// use tsg_core::placement::place::{Request, RuleNumber};
    /// use uuid::Uuid;
    ///
    /// let request = Request::new(AccountId::from_directory(Uuid::from_u128(1)), Amounts::default());
    /// assert_eq!(request.rule(RuleNumber::Rule(0)), None);
    /// ```
    pub fn rule(&self, number: RuleNumber) -> Option<&Rule> {
        match number {
            RuleNumber::Rule(number) => self.rules.get(usize::from(number)),
            RuleNumber::Preference(number) => {
                self.preferences.get(usize::from(number)).map(|preference| &preference.rule)
            }
        }
    }

    /// A request without a rule or a wish.
    pub const fn new(owner: AccountId, demand: Amounts) -> Self {
        Self {
            owner,
            demand,
            rules: Vec::new(),
            preferences: Vec::new(),
            spread: Vec::new(),
            labels: Vec::new(),
            group: None,
            packing: Packing::Loose,
        }
    }

    /// What each instance will carry, that of the group included.
    pub(super) fn own_labels(&self) -> impl Iterator<Item = &Label> {
        self.labels.iter().chain(&self.group)
    }
}
