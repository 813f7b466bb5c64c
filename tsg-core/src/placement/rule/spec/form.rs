//! The written form of a `placement` block.
//!
//! Owns its field names and their spellings. Must never keep what is not in [`PlacementSpec`].

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    ATTEMPTS_DEFAULT, Enforce, InvalidPlacement, PREFERENCES_MAX, PlacementSpec, Preference, RULES_MAX, Soft,
    SpecPlace, Spread, WEIGHT_DEFAULT, WEIGHT_MAX,
};
use crate::placement::rule::{Rule, Scope};

/// The block as it is written.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Written {
    #[serde(alias = "compute_node", alias = "node", skip_serializing_if = "Texts::is_empty")]
    cn: Texts,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    rack: Texts,
    #[serde(alias = "data_center", skip_serializing_if = "Texts::is_empty")]
    dc: Texts,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spread: Vec<WrittenSpread>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prefer: Vec<WrittenPreference>,
    #[serde(skip_serializing_if = "is_default")]
    soft: Soft,
    #[serde(skip_serializing_if = "is_default")]
    enforce: Enforce,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
}

fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

/// Rules that are not yet read.
#[derive(Default, Serialize)]
#[serde(transparent)]
struct Texts(Vec<String>);

impl Texts {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(TextsVisitor).map(Self)
    }
}

struct TextsVisitor;

impl<'de> de::Visitor<'de> for TextsVisitor {
    type Value = Vec<String>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of rules such as [\"service!=web\"]")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(texts)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSpread {
    over: Scope,
    #[serde(default = "even")]
    max_skew: Option<u32>,
    #[serde(default = "usual")]
    weight: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPreference {
    rule: String,
    #[serde(default)]
    scope: Scope,
    #[serde(default = "usual")]
    weight: u32,
}

fn even() -> Option<u32> {
    Spread::over(Scope::Node).max_skew.map(NonZeroU32::get)
}

fn usual() -> u32 {
    WEIGHT_DEFAULT.into()
}

impl TryFrom<Written> for PlacementSpec {
    type Error = InvalidPlacement;

    fn try_from(written: Written) -> Result<Self, InvalidPlacement> {
        written.check_counts()?;
        let mut rules = Vec::new();
        for (scope, texts) in [(Scope::Node, written.cn), (Scope::Rack, written.rack), (Scope::DataCentre, written.dc)]
        {
            for (index, text) in texts.0.iter().enumerate() {
                rules.push(read(scope, text, SpecPlace::Rule { scope, index })?);
            }
        }
        let prefer = written.prefer.iter().enumerate().map(|(index, written)| written.read(index));
        let spread = written.spread.iter().enumerate().map(|(index, written)| written.read(index));
        let (prefer, spread) = (prefer.collect::<Result<_, _>>()?, spread.collect::<Result<_, _>>()?);
        let attempts = written.attempts.unwrap_or_else(|| ATTEMPTS_DEFAULT.into());
        let attempts = u8::try_from(attempts).map_err(|_| InvalidPlacement::Attempts { attempts })?;
        let spec = Self { rules, spread, prefer, soft: written.soft, enforce: written.enforce, attempts };
        spec.check_fields().map(|()| spec)
    }
}

impl Written {
    /// Before anything is read, since reading a rule is work.
    const fn check_counts(&self) -> Result<(), InvalidPlacement> {
        let (rules, preferences) = (self.cn.0.len() + self.rack.0.len() + self.dc.0.len(), self.prefer.len());
        if rules > RULES_MAX {
            return Err(InvalidPlacement::TooManyRules { count: rules });
        }
        if preferences > PREFERENCES_MAX {
            return Err(InvalidPlacement::TooManyPreferences { count: preferences });
        }
        Ok(())
    }
}

fn read(scope: Scope, text: &str, at: SpecPlace) -> Result<Rule, InvalidPlacement> {
    let reading = Rule::read_in(scope, text);
    reading.map(|reading| reading.rule).map_err(|refused| InvalidPlacement::Rule { at, refused: Box::new(refused) })
}

fn light(weight: u32, at: SpecPlace) -> Result<u16, InvalidPlacement> {
    let light = u16::try_from(weight).ok().filter(|weight| *weight <= WEIGHT_MAX);
    light.ok_or(InvalidPlacement::TooHeavy { at, weight })
}

impl WrittenPreference {
    fn read(&self, index: usize) -> Result<Preference, InvalidPlacement> {
        let at = SpecPlace::Preference { index };
        Ok(Preference::new(read(self.scope, &self.rule, at)?, light(self.weight, at)?))
    }
}

impl WrittenSpread {
    fn read(&self, index: usize) -> Result<Spread, InvalidPlacement> {
        let at = SpecPlace::Spread { index };
        let skew = |skew: u32| NonZeroU32::new(skew).ok_or(InvalidPlacement::NoSkew { at });
        Ok(Spread { over: self.over, max_skew: self.max_skew.map(skew).transpose()?, weight: light(self.weight, at)? })
    }
}

impl From<PlacementSpec> for Written {
    fn from(spec: PlacementSpec) -> Self {
        let texts = |scope| Texts(spec.rules_of(scope).map(|rule| rule.without_scope().to_string()).collect());
        let spread = |spread: &Spread| WrittenSpread {
            over: spread.over,
            max_skew: spread.max_skew.map(NonZeroU32::get),
            weight: spread.weight.into(),
        };
        let preference = |preference: &Preference| WrittenPreference {
            rule: preference.rule.without_scope().to_string(),
            scope: preference.rule.scope,
            weight: preference.weight.into(),
        };
        Self {
            cn: texts(Scope::Node),
            rack: texts(Scope::Rack),
            dc: texts(Scope::DataCentre),
            spread: spec.spread.iter().map(spread).collect(),
            prefer: spec.prefer.iter().map(preference).collect(),
            soft: spec.soft,
            enforce: spec.enforce,
            attempts: (spec.attempts != ATTEMPTS_DEFAULT).then_some(spec.attempts.into()),
        }
    }
}
