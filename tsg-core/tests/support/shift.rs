//! Moves everything in a value to another time.
//!
//! Works on the written form, so that a moment that is added to a type is moved as well: all
//! moments are named `…_at`, `since`, `until`, `times` or `next_wakeup`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The value with all moments moved; those that stand for "never" stay.
pub fn moved<T: Serialize + DeserializeOwned>(value: &T, millis: i64) -> T {
    serde_json::from_value(moved_form(value, millis)).expect("it can be read")
}

/// The written form with all moments moved, for values that cannot be read back.
pub fn moved_form<T: Serialize>(value: &T, millis: i64) -> Value {
    let mut written = serde_json::to_value(value).expect("it can be written");
    shift(&mut written, millis, false);
    written
}

fn shift(value: &mut Value, millis: i64, is_moment: bool) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let is_moment = name.ends_with("_at")
                    || name.ends_with("since")
                    || matches!(name.as_str(), "at" | "until" | "next_wakeup")
                    // A history; elsewhere it is a count.
                    || (name == "times" && field.is_array());
                shift(field, millis, is_moment);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shift(item, millis, is_moment)),
        Value::Number(number) if is_moment => {
            if let Some(at) = number.as_i64().filter(|at| *at != 0) {
                *value = (at + millis).into();
            }
        }
        _ => {}
    }
}
