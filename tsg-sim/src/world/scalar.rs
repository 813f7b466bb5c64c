//! Values of tags and metadata: text, number or boolean, kept with the type they were written with.
//! It never holds a compound value; those exist only as input that is refused.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One tag or metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A whole number. `1.0` is stored as 1: upstream keeps a JavaScript number and prints 1.
    Integer(i64),
    /// A number with a fraction, or beyond 64 bits.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
}

/// A tag or metadata value as a client sent it, which may be of a kind that is refused.
#[derive(Debug, Clone, PartialEq)]
pub enum ScalarInput {
    /// A usable value.
    Scalar(Scalar),
    /// An object, an array or null.
    Compound,
}

/// Largest magnitude below which every whole f64 is an exact integer (2^53).
const EXACT_INTEGER_LIMIT: f64 = 9_007_199_254_740_992.0;

impl Scalar {
    /// The value of a JSON number: whole ones become integers.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "guarded: whole and below 2^53")]
    pub fn from_f64(value: f64) -> Self {
        let is_whole = value.fract() == 0.0 && value.abs() < EXACT_INTEGER_LIMIT;
        if is_whole { Self::Integer(value as i64) } else { Self::Float(value) }
    }

    /// The text of a string value.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::Float(_) | Self::Bool(_) => None,
        }
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// The text by which filters and affinity rules compare a value.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
        }
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Bool(value) => serializer.serialize_bool(*value),
        }
    }
}

impl<'de> Deserialize<'de> for ScalarInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Bool(bool),
            Integer(i64),
            Float(f64),
            Text(String),
            Other(serde::de::IgnoredAny),
        }
        Ok(match Wire::deserialize(deserializer)? {
            Wire::Bool(value) => Self::Scalar(Scalar::Bool(value)),
            Wire::Integer(number) => Self::Scalar(Scalar::Integer(number)),
            Wire::Float(number) => Self::Scalar(Scalar::from_f64(number)),
            Wire::Text(text) => Self::Scalar(Scalar::Text(text)),
            Wire::Other(_) => Self::Compound,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Scalar, ScalarInput};

    #[test]
    fn json_types_survive_and_whole_floats_become_integers() {
        for (input, output) in
            [("1.0", "1"), ("1", "1"), ("1.5", "1.5"), ("true", "true"), ("\"x\"", "\"x\""), ("\"1\"", "\"1\"")]
        {
            let ScalarInput::Scalar(value) = serde_json::from_str(input).unwrap() else { panic!("{input}") };
            assert_eq!(serde_json::to_string(&value).unwrap(), output);
        }
        for compound in ["{}", "[1]", "null"] {
            assert_eq!(serde_json::from_str::<ScalarInput>(compound).unwrap(), ScalarInput::Compound, "{compound}");
        }
    }

    #[test]
    fn filters_compare_values_as_text() {
        assert_eq!(Scalar::from_f64(3.0).to_string(), "3");
        assert_eq!(Scalar::Bool(true).to_string(), "true");
    }
}
