//! Values of tags and metadata with their JSON type, which CloudAPI keeps.
//!
//! Integral numbers are written as integers: other clients compare `1.0` with `1` as text.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// Tags or metadata by key.
pub type Labels = BTreeMap<String, LabelValue>;

/// One tag's or metadatum's value.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelValue {
    /// Text: the usual case.
    Text(String),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
    /// Null, a list or an object: CloudAPI stores none, so its content does not matter.
    Foreign,
}

impl LabelValue {
    /// The text, when it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Bool(_) | Self::Foreign => None,
        }
    }
}

impl From<&str> for LabelValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Doubles hold every integer up to here exactly.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

impl Serialize for LabelValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => to.serialize_str(text),
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Number(value) if value.fract() == 0.0 && value.abs() < EXACT_INTEGERS => {
                // Checked above: integral and in range.
                to.serialize_i64(*value as i64)
            }
            Self::Number(value) => to.serialize_f64(*value),
            Self::Foreign => to.serialize_unit(),
        }
    }
}

impl<'de> Deserialize<'de> for LabelValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LabelValueVisitor)
    }
}

struct LabelValueVisitor;

impl<'de> Visitor<'de> for LabelValueVisitor {
    type Value = LabelValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, number or boolean")
    }

    fn visit_str<E>(self, text: &str) -> Result<LabelValue, E> {
        Ok(LabelValue::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<LabelValue, E> {
        Ok(LabelValue::Text(text))
    }

    fn visit_bool<E>(self, value: bool) -> Result<LabelValue, E> {
        Ok(LabelValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<LabelValue, E> {
        Ok(LabelValue::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<LabelValue, E> {
        Ok(LabelValue::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<LabelValue, E> {
        Ok(LabelValue::Number(value))
    }

    fn visit_unit<E>(self) -> Result<LabelValue, E> {
        Ok(LabelValue::Foreign)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<LabelValue, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(LabelValue::Foreign)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<LabelValue, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(LabelValue::Foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::{LabelValue, Labels};

    #[test]
    fn every_json_type_reads_and_integral_numbers_stay_integral() {
        let labels: Labels =
            serde_json::from_str(r#"{"a":"x","b":1.0,"c":1.5,"d":true,"e":null,"f":[1,{}],"g":{"h":[]}}"#).unwrap();
        assert_eq!(labels["a"], "x".into());
        assert_eq!(labels["f"], LabelValue::Foreign);
        let text = serde_json::to_string(&labels).unwrap();
        assert_eq!(text, r#"{"a":"x","b":1,"c":1.5,"d":true,"e":null,"f":null,"g":null}"#);
    }
}
