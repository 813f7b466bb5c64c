//! The names of the name service: how they are made of a machine, and what a name that is asked
//! for means. It never says whether anybody bears a name.

use super::services;
use crate::world::account::Account;
use crate::world::machine::Machine;
use crate::world::scalar::Scalar;

/// Suffix of the simulated name service's zone; a data centre's zone is `<name>.<suffix>`.
const ZONE_SUFFIX: &str = "cns.sim.example";

/// Label of the name server itself, in its zone.
const SERVER_LABEL: &str = "ns";

/// Logins and aliases of this length and beyond are no labels.
const LABEL_LIMIT: usize = 63;

/// The two kinds of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `<machine>.inst.<account>`.
    Instance,
    /// `<service>.svc.<account>`.
    Service,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// Not in the zone.
    Outside,
    /// The zone itself.
    Apex,
    /// The name server.
    Server,
    /// Everything of an account, or one kind of it: a name with others beneath it.
    Branch { owner: &'a str, kind: Option<Kind> },
    /// A name that machines can bear.
    Leaf { owner: &'a str, kind: Kind, label: &'a str },
    /// In the zone, and of no form that exists.
    Nowhere,
}

impl Kind {
    const fn label(self) -> &'static str {
        match self {
            Self::Instance => "inst",
            Self::Service => "svc",
        }
    }

    fn parse(label: &str) -> Option<Self> {
        [Self::Instance, Self::Service].into_iter().find(|kind| kind.label() == label)
    }
}

/// The zone of a data centre.
pub(crate) fn zone(datacenter: &str) -> String {
    format!("{}.{ZONE_SUFFIX}", datacenter.to_ascii_lowercase())
}

/// The name server of a zone.
pub(crate) fn server_name(zone: &str) -> String {
    format!("{SERVER_LABEL}.{zone}")
}

/// A name that machines can bear.
pub(crate) fn leaf(label: &str, kind: Kind, owner: &str, zone: &str) -> String {
    format!("{label}.{}.{owner}.{zone}", kind.label())
}

/// Finds out what a name stands for. It has to be in lower case and without the final dot.
pub(crate) fn locate<'a>(name: &'a str, zone: &str) -> Place<'a> {
    let Some(rest) = name.strip_suffix(zone) else { return Place::Outside };
    if rest.is_empty() {
        return Place::Apex;
    }
    let Some(rest) = rest.strip_suffix('.') else { return Place::Outside };
    let labels: Vec<&str> = rest.rsplit('.').take(4).collect();
    match *labels.as_slice() {
        [SERVER_LABEL] => Place::Server,
        [owner] => Place::Branch { owner, kind: None },
        [owner, kind] => Kind::parse(kind).map_or(Place::Nowhere, |kind| Place::Branch { owner, kind: Some(kind) }),
        [owner, kind, label] => Kind::parse(kind).map_or(Place::Nowhere, |kind| Place::Leaf { owner, kind, label }),
        _ => Place::Nowhere,
    }
}

/// The label made of a login or an alias: lower case, with each run of other characters made one
/// hyphen. `None` when it is too long for one.
pub(crate) fn dns_label(name: &str) -> Option<String> {
    let mut label = String::with_capacity(name.len());
    let mut is_in_run = false;
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        let is_kept = c.is_ascii_alphanumeric() || c == '-';
        if is_kept {
            label.push(c);
        } else if !is_in_run {
            label.push('-');
        }
        is_in_run = !is_kept;
    }
    (!label.is_empty() && name.len() < LABEL_LIMIT).then_some(label)
}

/// All names of a machine, as GetMachine lists them: by id, by alias and by service, each under the
/// account's uuid and login, whether they are answered at the moment or not.
pub(crate) fn dns_names(machine: &Machine, account: &Account, datacenter: &str) -> Vec<String> {
    let zone = zone(datacenter);
    let hosts: Vec<String> = [Some(machine.id.to_string()), dns_label(&machine.name)].into_iter().flatten().collect();
    let tag = machine.tags.get("triton.cns.services").and_then(Scalar::as_text);
    let services = tag.and_then(|tag| services::parse(tag).ok()).unwrap_or_default();
    let mut names = Vec::new();
    for owner in owners(account) {
        names.extend(hosts.iter().map(|host| leaf(host, Kind::Instance, &owner, &zone)));
        names.extend(services.iter().map(|service| leaf(&service.label, Kind::Service, &owner, &zone)));
    }
    names
}

/// The labels under which an account's names stand.
fn owners(account: &Account) -> impl Iterator<Item = String> {
    [Some(account.id.to_string()), dns_label(&account.login)].into_iter().flatten()
}

/// The suffixes networks show to an account with CNS.
pub(crate) fn suffixes(account: &Account, datacenter: &str) -> Vec<String> {
    let owner = dns_label(&account.login).unwrap_or_else(|| account.id.to_string());
    ["inst", "svc"].iter().map(|kind| format!("{kind}.{owner}.{}", zone(datacenter))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Kind, Place, dns_label, locate};

    #[test]
    fn an_alias_becomes_a_label_by_folding_runs() {
        assert_eq!(dns_label("Web_._1").as_deref(), Some("web-1"));
        assert_eq!(dns_label("a-_b").as_deref(), Some("a--b"), "a hyphen of the name is no part of a run");
        assert_eq!(dns_label(""), None);
        assert_eq!(dns_label(&"x".repeat(63)), None);
    }

    #[test]
    fn a_name_stands_for_one_thing() {
        let zone = "dc.cns.example";
        let leaf = Place::Leaf { owner: "demo", kind: Kind::Service, label: "web" };
        let cases = [
            ("web.svc.demo.dc.cns.example", leaf),
            ("svc.demo.dc.cns.example", Place::Branch { owner: "demo", kind: Some(Kind::Service) }),
            ("demo.dc.cns.example", Place::Branch { owner: "demo", kind: None }),
            ("ns.dc.cns.example", Place::Server),
            ("dc.cns.example", Place::Apex),
            ("x.web.svc.demo.dc.cns.example", Place::Nowhere),
            ("web.cmon.demo.dc.cns.example", Place::Nowhere),
            ("xdc.cns.example", Place::Outside),
            ("cns.example", Place::Outside),
            ("", Place::Outside),
        ];
        for (name, expected) in cases {
            assert_eq!(locate(name, zone), expected, "{name}");
        }
    }
}
