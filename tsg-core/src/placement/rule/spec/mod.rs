//! What a template or a group says about placement: rules, spreads and preferences.
//!
//! Owns the fields with their defaults, and what may not stand together. Must never decide where
//! an instance goes.

mod form;
mod invalid;
mod part;

pub use invalid::{InvalidPlacement, SpecPlace};
pub use part::SpecPart;

use alloc::vec::Vec;
use core::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::operator::Strength;
use super::{Rule, Scope};

/// The most rules that one block may have, all scopes together.
pub const RULES_MAX: usize = 24;

/// The most preferences that one block may have.
pub const PREFERENCES_MAX: usize = 8;

/// The greatest weight there is.
pub const WEIGHT_MAX: u16 = 1_000;

/// What a soft rule weighs, and whatever has no weight given.
pub const WEIGHT_DEFAULT: u16 = 100;

/// How often an instance is replaced at most because of where it stands, unless the block says so.
pub const ATTEMPTS_DEFAULT: u8 = 3;

/// The most that a block may ask for.
pub const ATTEMPTS_MAX: u8 = 10;

/// The `placement` block. All that is left out has its default, and an empty block is the default.
///
/// Read from JSON, YAML and the like; scopes may have any of their spellings and are written in
/// one. A field that is not known is refused, and so is a rule that cannot be read, with its path.
///
/// ```
/// use tsg_core::placement::rule::{Enforce, PlacementSpec, Scope};
///
/// let spec: PlacementSpec = serde_json::from_str(r#"{
///     "compute_node": ["service!=web", "role==~cache"],
///     "rack": ["cn:power==green"],
///     "spread": [{"over": "rack", "max_skew": 2}],
///     "prefer": [{"rule": "cn:ssd==true", "weight": 300}]
/// }"#)?;
/// assert_eq!(spec.rules_of(Scope::Node).count(), 2);
/// assert_eq!((spec.prefer[0].rule.to_string(), spec.spread[0].weight), ("cn:ssd==~true".to_string(), 100));
/// assert_eq!(spec.enforce, Enforce::Report);
/// assert!(spec.check().is_ok() && !spec.is_default());
///
/// let refused = serde_json::from_str::<PlacementSpec>(r#"{"rack": ["service=web"]}"#).unwrap_err().to_string();
/// assert!(refused.starts_with("`placement.rack[0]`: the rule cannot be read: at position 8 '=' was found"), "{refused}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "form::Written", into = "form::Written")]
pub struct PlacementSpec {
    /// The rules; those about compute nodes first, then racks, then data centres. Written below
    /// `cn`, `rack` and `dc`, without their scopes. Default: none.
    pub rules: Vec<Rule>,
    /// How evenly the instances of the group are spread; each scope once at most. Default: none,
    /// which leaves it to the cloud.
    pub spread: Vec<Spread>,
    /// More wishes, each with a weight. Default: none.
    pub prefer: Vec<Preference>,
    /// What becomes of soft rules where the cloud takes none beside hard ones. Default: try.
    pub soft: Soft,
    /// What becomes of an instance that stands where its rules do not want it. Default: report.
    pub enforce: Enforce,
    /// With `enforce: replace`, how often in a row at most, 1 to 10; then it is left where it is,
    /// and said. Default: 3.
    pub attempts: u8,
}

impl Default for PlacementSpec {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            spread: Vec::new(),
            prefer: Vec::new(),
            soft: Soft::Try,
            enforce: Enforce::Report,
            attempts: ATTEMPTS_DEFAULT,
        }
    }
}

/// What becomes of soft rules, preferences and spreads where the cloud drops them, as CloudAPI does
/// as soon as there is one hard rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Soft {
    /// They are put to the cloud where it listens to them; elsewhere they are lost, and it is said.
    #[default]
    Try,
    /// Beside hard rules they are made hard themselves, the weightiest first, as long as a compute
    /// node is left. That node may be full, which nobody but the cloud knows.
    Steer,
}

/// How evenly the instances of a group are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spread {
    /// Over what. There is no default.
    pub over: Scope,
    /// How many instances more than the emptiest place a place may get while the emptiest one
    /// could still take them. Default: 1. `null`: no such limit, only the weight counts.
    pub max_skew: Option<NonZeroU32>,
    /// What each instance that a place has already counts against it, beside the wishes; 0 to
    /// 1000. Default: 100, as much as a soft rule.
    pub weight: u16,
}

/// A wish, and how much it counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Preference {
    /// What is wished for. Always soft: `==` and `!=` are read as `==~` and `!=~`. In its written
    /// form the scope is a field beside it, `scope`; default: cn.
    pub rule: Rule,
    /// How much it counts beside the others, 1 to 1000. Default: 100, as much as a soft rule.
    pub weight: u16,
}

/// What becomes of an instance that stands where its rules do not want it. Clouds choose the place
/// themselves, and not every rule can be put to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforce {
    /// It stays, and it is said.
    #[default]
    Report,
    /// It is replaced, a few times at most.
    Replace,
}

impl PlacementSpec {
    /// The rules of one scope, in the order in which they were written.
    pub fn rules_of(&self, scope: Scope) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.scope == scope)
    }

    /// Whether it says nothing at all, so that it may be left out.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Checks what no single rule can break by itself. One that was read has been checked.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), InvalidPlacement> {
        self.check_counts()?;
        for scope in Scope::ALL {
            for (index, rule) in self.rules_of(scope).enumerate() {
                check_rule(rule, SpecPlace::Rule { scope, index })?;
            }
        }
        for (index, preference) in self.prefer.iter().enumerate() {
            check_rule(&preference.rule, SpecPlace::Preference { index })?;
        }
        self.check_fields()
    }

    /// The same for rules that were read, each of which is known to be one.
    fn check_fields(&self) -> Result<(), InvalidPlacement> {
        self.check_counts()?;
        if !(1..=ATTEMPTS_MAX).contains(&self.attempts) {
            return Err(InvalidPlacement::Attempts { attempts: self.attempts.into() });
        }
        for (index, preference) in self.prefer.iter().enumerate() {
            preference.check(SpecPlace::Preference { index })?;
        }
        for (index, spread) in self.spread.iter().enumerate() {
            let is_known = self.spread.iter().take(index).any(|other| other.over == spread.over);
            spread.check(SpecPlace::Spread { index }, is_known.then_some(spread.over))?;
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), InvalidPlacement> {
        match (self.rules.len(), self.prefer.len()) {
            (count, _) if count > RULES_MAX => Err(InvalidPlacement::TooManyRules { count }),
            (_, count) if count > PREFERENCES_MAX => Err(InvalidPlacement::TooManyPreferences { count }),
            _ => Ok(()),
        }
    }
}

impl Preference {
    /// A wish, however the rule was written.
    ///
    /// ```
    /// use tsg_core::placement::rule::Preference;
    ///
    /// assert_eq!(Preference::new("role!=web".parse()?, 10).rule.to_string(), "role!=~web");
    /// # Ok::<(), tsg_core::placement::rule::InvalidRule>(())
    /// ```
    pub fn new(rule: Rule, weight: u16) -> Self {
        Self { rule: Rule { operator: rule.operator.softened(), ..rule }, weight }
    }

    fn check(&self, at: SpecPlace) -> Result<(), InvalidPlacement> {
        match self.weight {
            _ if self.rule.operator.strength == Strength::Hard => Err(InvalidPlacement::HardPreference { at }),
            0 => Err(InvalidPlacement::NoWeight { at }),
            weight => light_enough(weight, at),
        }
    }
}

impl Spread {
    /// Even to one instance, with the weight of a soft rule.
    ///
    /// ```
    /// use tsg_core::placement::rule::{Scope, Spread};
    ///
    /// let spread = Spread::over(Scope::Rack);
    /// assert_eq!((spread.max_skew.map(|skew| skew.get()), spread.weight), (Some(1), 100));
    /// ```
    pub const fn over(over: Scope) -> Self {
        Self { over, max_skew: Some(NonZeroU32::MIN), weight: WEIGHT_DEFAULT }
    }

    fn check(&self, at: SpecPlace, known: Option<Scope>) -> Result<(), InvalidPlacement> {
        match (known, self.max_skew, self.weight) {
            (Some(over), ..) => Err(InvalidPlacement::SpreadTwice { at, over }),
            (None, None, 0) => Err(InvalidPlacement::IdleSpread { at }),
            (None, _, weight) => light_enough(weight, at),
        }
    }
}

fn check_rule(rule: &Rule, at: SpecPlace) -> Result<(), InvalidPlacement> {
    if rule.is_writable() { Ok(()) } else { Err(InvalidPlacement::NotWritable { at }) }
}

fn light_enough(weight: u16, at: SpecPlace) -> Result<(), InvalidPlacement> {
    if weight <= WEIGHT_MAX { Ok(()) } else { Err(InvalidPlacement::TooHeavy { at, weight: weight.into() }) }
}
