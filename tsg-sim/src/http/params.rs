//! Request parameters: query and body merged into one typed-at-the-edge map.
//!
//! Owns decoding and merging. A JSON value must never travel further than the endpoint that turns it into a typed
//! request.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::world::ScalarInput;

/// Merged parameters of a request; the body wins over the query, as CloudAPI's parameter mapping does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(BTreeMap<String, Value>);

impl Params {
    /// Parameters of a form-urlencoded text: the query, or a form body. Every value is a string; a repeated key is an
    /// array.
    #[must_use]
    pub fn from_form(text: &str) -> Self {
        let mut merged = BTreeMap::new();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            insert_repeated(&mut merged, key.into_owned(), Value::String(value.into_owned()));
        }
        Self(merged)
    }

    /// Parameters of a JSON body; anything but an object carries none.
    #[must_use]
    pub fn from_json(body: Value) -> Self {
        match body {
            Value::Object(members) => Self(members.into_iter().collect()),
            _ => Self::default(),
        }
    }

    /// These parameters with those of the body laid over them.
    #[must_use]
    pub fn overlaid_with(mut self, body: Self) -> Self {
        self.0.extend(body.0);
        self
    }

    /// The raw value of a parameter.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A parameter as text; numbers and booleans are written out. Empty texts count as absent.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        as_text(self.value(name)?).filter(|text| !text.is_empty())
    }

    /// A parameter as a flag: JSON booleans and the texts `true` and `false`.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// All parameters whose name starts with the prefix, without it, as tag or metadata values.
    #[must_use]
    pub fn scalars(&self, prefix: &str) -> BTreeMap<String, ScalarInput> {
        let named = self.0.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?, value)));
        named.map(|(key, value)| (key.to_owned(), scalar(value))).collect()
    }

    /// All parameters that are texts, numbers or booleans, as texts.
    #[must_use]
    pub fn texts(&self) -> BTreeMap<String, String> {
        self.0.iter().filter_map(|(key, value)| Some((key.clone(), as_text(value)?))).collect()
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn scalar(value: &Value) -> ScalarInput {
    ScalarInput::deserialize(value).unwrap_or(ScalarInput::Compound)
}

fn insert_repeated(merged: &mut BTreeMap<String, Value>, key: String, value: Value) {
    match merged.get_mut(&key) {
        None => {
            merged.insert(key, value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => {
            let values = vec![first.take(), value];
            *first = Value::Array(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Params;
    use serde_json::json;

    #[test]
    fn the_body_wins_over_the_query() {
        let query = Params::from_form("action=stop&name=a");
        let merged = query.overlaid_with(Params::from_json(json!({"name": "b", "tag.n": 3})));
        assert_eq!(merged.text("action").as_deref(), Some("stop"));
        assert_eq!(merged.text("name").as_deref(), Some("b"));
        assert_eq!(merged.value("tag.n"), Some(&json!(3)));
        assert_eq!(merged.scalars("tag.").keys().collect::<Vec<_>>(), ["n"]);
    }

    #[test]
    fn repeated_query_keys_become_arrays_and_arrays_bodies_carry_nothing() {
        let query = Params::from_form("affinity=a&affinity=b&affinity=c");
        assert_eq!(query.value("affinity"), Some(&json!(["a", "b", "c"])));
        assert_eq!(Params::from_json(json!([1, 2])), Params::default());
    }
}
