//! The two grammars of the header's parameters, and nothing about their meaning.
//!
//! Current: `name="value",name="value"`. Legacy (0.9): the same without a `signature` parameter,
//! then a blank and the bare signature.

use super::refusal::HeaderFault;

/// The parameters of a header; a repeated name keeps its last value, as upstream does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) key_id: Option<String>,
    pub(super) algorithm: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) headers: Option<String>,
    pub(super) opaque: Option<String>,
    pub(super) created: Option<String>,
    pub(super) expires: Option<String>,
}

impl Parameters {
    fn set(&mut self, name: &str, value: &str) {
        let slot = match name {
            "keyId" => &mut self.key_id,
            "algorithm" => &mut self.algorithm,
            "signature" => &mut self.signature,
            "headers" => &mut self.headers,
            "opaque" => &mut self.opaque,
            "created" => &mut self.created,
            "expires" => &mut self.expires,
            _ => return,
        };
        *slot = Some(value.to_owned());
    }
}

/// Parses the current grammar; every character must belong to it.
pub(super) fn parse_current(text: &str) -> Result<Parameters, HeaderFault> {
    let (parameters, rest) = parse_list(text)?;
    if rest.is_empty() { Ok(parameters) } else { Err(HeaderFault::BadParameterFormat) }
}

/// Parses the legacy grammar: what follows the first blank after a value is the signature.
pub(super) fn parse_legacy(text: &str) -> Result<Parameters, HeaderFault> {
    let (mut parameters, rest) = parse_list(text)?;
    let signature = rest.strip_prefix(' ').ok_or(HeaderFault::BadParameterFormat)?.trim();
    parameters.signature = (!signature.is_empty()).then(|| signature.to_owned());
    Ok(parameters)
}

/// Reads parameters separated by commas; returns what follows the last value.
fn parse_list(text: &str) -> Result<(Parameters, &str), HeaderFault> {
    let mut parameters = Parameters::default();
    let mut rest = text;
    // An empty list is grammatical; what is missing is reported by name later.
    while !rest.is_empty() {
        let (name, after_name) = rest.split_once('=').ok_or(HeaderFault::BadParameterFormat)?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(HeaderFault::BadParameterFormat);
        }
        let (value, after_value) = split_value(after_name)?;
        parameters.set(name, value);
        match after_value.strip_prefix(',') {
            Some(next) if !next.is_empty() => rest = next,
            _ => return Ok((parameters, after_value)),
        }
    }
    Ok((parameters, rest))
}

/// A quoted text without escapes, or a bare integer.
fn split_value(text: &str) -> Result<(&str, &str), HeaderFault> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"').ok_or(HeaderFault::BadParameterFormat);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Err(HeaderFault::BadParameterFormat);
    }
    Ok(text.split_at(digits))
}

#[cfg(test)]
mod tests {
    use super::{HeaderFault, parse_current, parse_legacy};

    #[test]
    fn current_form_takes_any_order_bare_integers_and_unknown_names() {
        let parsed = parse_current(r#"signature="c2ln",created=12,foo="x y",keyId="/a/keys/b c""#);
        let parsed = parsed.unwrap();
        assert_eq!(parsed.key_id.as_deref(), Some("/a/keys/b c"));
        assert_eq!(parsed.created.as_deref(), Some("12"));
        assert_eq!(parsed.signature.as_deref(), Some("c2ln"));
    }

    #[test]
    fn what_is_not_the_current_grammar_is_a_bad_param_format() {
        let table = [
            r#"keyId="a", algorithm="b""#,
            r#"keyId=a"#,
            r#"keyId="a"#,
            r#"key-id="a""#,
            r#"="a""#,
            r#"keyId="a"x"#,
            r#"keyId"#,
        ];
        for text in table {
            assert_eq!(parse_current(text), Err(HeaderFault::BadParameterFormat), "{text}");
        }
    }

    #[test]
    fn legacy_form_ends_with_the_bare_signature() {
        let parsed = parse_legacy(r#"keyId="/a/keys/b",algorithm="rsa-sha256" QUJD="#).unwrap();
        assert_eq!(parsed.signature.as_deref(), Some("QUJD="));
        assert!(parse_legacy(r#"keyId="a",algorithm="b""#).is_err());
    }
}
