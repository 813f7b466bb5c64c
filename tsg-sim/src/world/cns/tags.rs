//! The checks of tags with a special meaning, those that steer the name service among them.
//! It never says what they bring about.

use std::collections::BTreeMap;

use super::services;
use crate::world::scalar::Scalar;

/// Tags under `triton.` that exist, and whether their value is text (else boolean).
const SPECIAL_TAGS: [(&str, bool); 7] = [
    ("triton.cns.services", true),
    ("triton.cns.reverse_ptr", true),
    ("triton.cns.disable", false),
    ("triton.cmon.groups", true),
    ("triton.network.public", true),
    ("triton.network.public_ipv4", true),
    ("triton.placement.exclude_virtual_servers", false),
];

/// Why a set of tags is refused, in upstream's words.
pub(crate) fn tag_fault(tags: &BTreeMap<String, Scalar>) -> Option<String> {
    tags.iter().find_map(|(key, value)| special_fault(key, value))
}

fn special_fault(key: &str, value: &Scalar) -> Option<String> {
    let is_docker = key == "sdc_docker" || is_reserved_docker_label(key);
    if is_docker {
        return Some(format!("Special tag \"{key}\" not supported"));
    }
    if !key.starts_with("triton.") {
        return None;
    }
    let Some((_, wants_text)) = SPECIAL_TAGS.iter().find(|(name, _)| *name == key) else {
        return Some(format!("Unrecognized special triton tag \"{key}\""));
    };
    match (value, wants_text) {
        (Scalar::Text(text), true) if key == "triton.cns.services" => {
            services::parse(text).err().map(|fault| format!("invalid \"triton.cns.services\" tag: {fault}"))
        }
        (Scalar::Text(_), true) | (Scalar::Bool(_), false) => None,
        (_, true) => Some(type_fault(key, "string", value)),
        (_, false) => Some(type_fault(key, "boolean", value)),
    }
}

fn type_fault(key: &str, wanted: &str, value: &Scalar) -> String {
    let kind = match value {
        Scalar::Text(_) => "string",
        Scalar::Integer(_) | Scalar::Float(_) => "number",
        Scalar::Bool(_) => "boolean",
    };
    format!("Triton tag \"{key}\" value must be a {wanted}: \"{value}\" ({kind})")
}

fn is_reserved_docker_label(key: &str) -> bool {
    let Some(label) = key.strip_prefix("docker:label:") else { return false };
    ["triton.", "com.docker.", "io.docker.", "org.docker."].iter().any(|prefix| label.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::tag_fault;
    use crate::world::Scalar;

    #[test]
    fn special_tags_are_a_closed_list_with_types() {
        let fault = |key: &str, value: Scalar| tag_fault(&[(key.to_owned(), value)].into());
        assert_eq!(fault("role", "x".into()), None);
        assert_eq!(fault("triton.cns.services", "web:8080:priority=2,api".into()), None);
        assert_eq!(fault("triton.foo", "x".into()).unwrap(), "Unrecognized special triton tag \"triton.foo\"");
        assert_eq!(
            fault("triton.cns.disable", "true".into()).unwrap(),
            "Triton tag \"triton.cns.disable\" value must be a boolean: \"true\" (string)"
        );
        assert_eq!(
            fault("triton.cns.services", "web:70000".into()).unwrap(),
            "invalid \"triton.cns.services\" tag: service port number for web must be within the range 1 - 65535"
        );
        assert_eq!(
            fault("docker:label:com.docker.x", "y".into()).unwrap(),
            "Special tag \"docker:label:com.docker.x\" not supported"
        );
        assert!(fault("triton.cns.services", "".into()).is_some());
    }
}
