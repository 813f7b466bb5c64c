//! The names the name service publishes for a machine, as GetMachine lists them, and the checks of
//! the tags that steer it. It never answers DNS queries.

use std::collections::BTreeMap;

use super::account::Account;
use super::machine::Machine;
use super::scalar::Scalar;

/// Suffix of the simulated name service's zone; a data centre's zone is `<name>.<suffix>`.
const ZONE_SUFFIX: &str = "cns.sim.example";

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
        (Scalar::Text(text), true) if key == "triton.cns.services" => services_fault(text),
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

fn services_fault(text: &str) -> Option<String> {
    let fault = |detail: String| Some(format!("invalid \"triton.cns.services\" tag: {detail}"));
    if text.is_empty() {
        return fault("expected a service name but found end of input".to_owned());
    }
    text.split(',').find_map(|entry| service_fault(entry.trim()).and_then(fault))
}

fn service_fault(entry: &str) -> Option<String> {
    let mut parts = entry.split(':');
    let name = parts.next().unwrap_or_default();
    let is_name = (1..=63).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_name {
        return Some(format!("expected a service name but found {name:?}"));
    }
    parts.find_map(|property| property_fault(name, property))
}

fn property_fault(service: &str, property: &str) -> Option<String> {
    let Some((key, value)) = property.split_once('=') else {
        let is_port = property.parse::<u16>().is_ok_and(|port| port > 0);
        return (!is_port).then(|| format!("service port number for {service} must be within the range 1 - 65535"));
    };
    let is_known = matches!(key, "port" | "priority" | "weight") && value.parse::<u16>().is_ok();
    (!is_known).then(|| format!("property {key:?} of service {service} is not supported"))
}

/// All names of a machine: by id, by alias and by service, each under the account's uuid and login.
pub(crate) fn dns_names(machine: &Machine, account: &Account, datacenter: &str) -> Vec<String> {
    let owners = [account.id.to_string(), account.login.clone()];
    let hosts = [machine.id.to_string(), dns_label(&machine.name)];
    let name = |host: &str, kind: &str, owner: &str| format!("{host}.{kind}.{owner}.{datacenter}.{ZONE_SUFFIX}");
    let mut names = Vec::new();
    for owner in &owners {
        names.extend(hosts.iter().map(|host| name(host, "inst", owner)));
        names.extend(services(machine).iter().map(|service| name(service, "svc", owner)));
    }
    names
}

/// The suffixes networks show to an account with CNS.
pub(crate) fn suffixes(account: &Account, datacenter: &str) -> Vec<String> {
    ["inst", "svc"].iter().map(|kind| format!("{kind}.{}.{datacenter}.{ZONE_SUFFIX}", account.login)).collect()
}

fn services(machine: &Machine) -> Vec<String> {
    let tag = machine.tags.get("triton.cns.services").and_then(Scalar::as_text).unwrap_or_default();
    let names = tag.split(',').map(|entry| entry.split(':').next().unwrap_or_default().trim());
    names.filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect()
}

/// Lower case, with each run of other characters made one hyphen.
fn dns_label(name: &str) -> String {
    let mut label = String::with_capacity(name.len());
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() || c == '-' {
            label.push(c);
        } else if !label.ends_with('-') {
            label.push('-');
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::{dns_label, tag_fault};
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

    #[test]
    fn an_alias_becomes_a_label_by_folding_runs() {
        assert_eq!(dns_label("Web_._1"), "web-1");
    }
}
