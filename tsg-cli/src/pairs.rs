//! `KEY=VALUE` arguments.
//!
//! Owns their grammar: the first `=` separates, so that values may contain more of them.

use std::collections::BTreeMap;

use crate::api::shapes::TagText;
use crate::failure::Failure;

/// Reads arguments of one flag; a key may be given once.
pub(crate) fn parse_all(flag: &str, texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut pairs = BTreeMap::new();
    for text in texts {
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::usage(format!("{flag} {text:?} is not KEY=VALUE"))
                .next(format!("write it as {flag} role=web")));
        };
        if pairs.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::usage(format!("{flag} gives the key {key:?} twice")).next("leave one of them out"));
        }
    }
    Ok(pairs)
}

/// A tag's value with the type that node-triton would give it.
pub(crate) fn typed(text: &str) -> TagText {
    match text {
        "true" => TagText::Bool(true),
        "false" => TagText::Bool(false),
        _ => match text.parse::<f64>() {
            Ok(number) if number.is_finite() && !text.is_empty() => TagText::Number(number),
            Ok(_) | Err(_) => TagText::Text(text.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_more_of_the_separator() {
        let pairs = parse_all("--tag", &["a=b=c".to_owned(), "empty=".to_owned()]).unwrap();
        assert_eq!((pairs["a"].as_str(), pairs["empty"].as_str()), ("b=c", ""));
        for bad in [&["a"][..], &["=x"], &["a=1", "a=2"]] {
            let texts: Vec<String> = bad.iter().map(|text| (*text).to_owned()).collect();
            assert!(parse_all("--tag", &texts).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn values_keep_their_type() {
        let table = [
            ("true", TagText::Bool(true)),
            ("3", TagText::Number(3.0)),
            ("-0.5", TagText::Number(-0.5)),
            ("NaN", TagText::Text("NaN".into())),
            ("", TagText::Text(String::new())),
            ("web", TagText::Text("web".into())),
        ];
        for (text, value) in table {
            assert_eq!(typed(text), value, "{text}");
        }
    }
}
