//! The route table of CloudAPI: which path and method mean which operation.
//!
//! Owns matching and the two router refusals (404 unknown path, 405 wrong method). It must never look at headers or
//! bodies: unknown paths are refused before anything else of a request is judged.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::world::Operation;

/// What an endpoint is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the whole meaning; the table below gives method and path")]
pub enum Route {
    Ping,
    GetAccount,
    UpdateAccount,
    ListLimits,
    GetConfig,
    UpdateConfig,
    ListKeys,
    CreateKey,
    GetKey,
    DeleteKey,
    ListDatacenters,
    GetDatacenter,
    ListServices,
    ListImages,
    GetImage,
    ListPackages,
    GetPackage,
    ListNetworks,
    GetNetwork,
    ListNetworkIps,
    GetNetworkIp,
    UpdateNetworkIp,
    ListMachines,
    CreateMachine,
    GetMachine,
    UpdateMachine,
    DeleteMachine,
    ListTags,
    AddTags,
    ReplaceTags,
    DeleteTags,
    GetTag,
    DeleteTag,
    ListMetadata,
    AddMetadata,
    DeleteMetadata,
    GetMetadatum,
    DeleteMetadatum,
    MachineAudit,
    ListNics,
    AddNic,
    GetNic,
    RemoveNic,
    ListSnapshots,
    CreateSnapshot,
    GetSnapshot,
    RollBackSnapshot,
    DeleteSnapshot,
    ListDisks,
    ListMachineRules,
    NotOffered,
    ListMigrations,
    GetMigration,
    ListRules,
    CreateRule,
    GetRule,
    UpdateRule,
    DeleteRule,
    EnableRule,
    DisableRule,
    ListRuleMachines,
    ListVolumes,
    ListUsers,
    ChangeFeed,
}

/// One line of the table.
struct Entry {
    method: Method,
    pattern: &'static str,
    route: Route,
    name: &'static str,
    operation: Operation,
}

const fn entry(method: Method, pattern: &'static str, route: Route, name: &'static str, operation: Operation) -> Entry {
    Entry { method, pattern, route, name, operation }
}

/// Every path served. `HEAD` goes with each `GET`. The names are upstream's route names in lower case, as refusals of
/// the role check print them.
const TABLE: &[Entry] = &[
    entry(Method::GET, "/--ping", Route::Ping, "ping", Operation::ReadDatacenters),
    entry(Method::GET, "/:account", Route::GetAccount, "getaccount", Operation::ReadAccount),
    entry(Method::POST, "/:account", Route::UpdateAccount, "updateaccount", Operation::WriteAccount),
    entry(Method::GET, "/:account/limits", Route::ListLimits, "listlimits", Operation::ReadAccount),
    entry(Method::GET, "/:account/config", Route::GetConfig, "getconfig", Operation::ReadConfig),
    entry(Method::PUT, "/:account/config", Route::UpdateConfig, "updateconfig", Operation::WriteConfig),
    entry(Method::GET, "/:account/keys", Route::ListKeys, "listkeys", Operation::ReadKeys),
    entry(Method::POST, "/:account/keys", Route::CreateKey, "createkey", Operation::WriteKeys),
    entry(Method::GET, "/:account/keys/:key", Route::GetKey, "getkey", Operation::ReadKeys),
    entry(Method::DELETE, "/:account/keys/:key", Route::DeleteKey, "deletekey", Operation::WriteKeys),
    entry(Method::GET, "/:account/datacenters", Route::ListDatacenters, "listdatacenters", Operation::ReadDatacenters),
    entry(
        Method::GET,
        "/:account/datacenters/:datacenter",
        Route::GetDatacenter,
        "getdatacenter",
        Operation::ReadDatacenters,
    ),
    entry(Method::GET, "/:account/services", Route::ListServices, "listservices", Operation::ReadServices),
    entry(Method::GET, "/:account/images", Route::ListImages, "listimages", Operation::ReadImages),
    entry(Method::GET, "/:account/images/:image", Route::GetImage, "getimage", Operation::ReadImages),
    entry(Method::GET, "/:account/packages", Route::ListPackages, "listpackages", Operation::ReadPackages),
    entry(Method::GET, "/:account/packages/:package", Route::GetPackage, "getpackage", Operation::ReadPackages),
    entry(Method::GET, "/:account/networks", Route::ListNetworks, "listnetworks", Operation::ReadNetworks),
    entry(Method::GET, "/:account/networks/:network", Route::GetNetwork, "getnetwork", Operation::ReadNetworks),
    entry(
        Method::GET,
        "/:account/networks/:network/ips",
        Route::ListNetworkIps,
        "listnetworkips",
        Operation::ReadNetworks,
    ),
    entry(
        Method::GET,
        "/:account/networks/:network/ips/:ip",
        Route::GetNetworkIp,
        "getnetworkip",
        Operation::ReadNetworks,
    ),
    entry(
        Method::PUT,
        "/:account/networks/:network/ips/:ip",
        Route::UpdateNetworkIp,
        "updatenetworkip",
        Operation::WriteNetworks,
    ),
    entry(Method::GET, "/:account/machines", Route::ListMachines, "listmachines", Operation::ListMachines),
    entry(Method::POST, "/:account/machines", Route::CreateMachine, "createmachine", Operation::CreateMachine),
    entry(Method::GET, "/:account/machines/:machine", Route::GetMachine, "getmachine", Operation::GetMachine),
    entry(Method::POST, "/:account/machines/:machine", Route::UpdateMachine, "updatemachine", Operation::ActOnMachine),
    entry(
        Method::DELETE,
        "/:account/machines/:machine",
        Route::DeleteMachine,
        "deletemachine",
        Operation::DeleteMachine,
    ),
    entry(Method::GET, "/:account/machines/:machine/tags", Route::ListTags, "listmachinetags", Operation::ReadTags),
    entry(Method::POST, "/:account/machines/:machine/tags", Route::AddTags, "addmachinetags", Operation::WriteTags),
    entry(
        Method::PUT,
        "/:account/machines/:machine/tags",
        Route::ReplaceTags,
        "replacemachinetags",
        Operation::WriteTags,
    ),
    entry(
        Method::DELETE,
        "/:account/machines/:machine/tags",
        Route::DeleteTags,
        "deletemachinetags",
        Operation::WriteTags,
    ),
    entry(Method::GET, "/:account/machines/:machine/tags/:tag", Route::GetTag, "getmachinetag", Operation::ReadTags),
    entry(
        Method::DELETE,
        "/:account/machines/:machine/tags/:tag",
        Route::DeleteTag,
        "deletemachinetag",
        Operation::WriteTags,
    ),
    entry(
        Method::GET,
        "/:account/machines/:machine/metadata",
        Route::ListMetadata,
        "getmachinemetadata",
        Operation::ReadMetadata,
    ),
    entry(
        Method::POST,
        "/:account/machines/:machine/metadata",
        Route::AddMetadata,
        "updatemachinemetadata",
        Operation::WriteMetadata,
    ),
    entry(
        Method::DELETE,
        "/:account/machines/:machine/metadata",
        Route::DeleteMetadata,
        "deleteallmachinemetadata",
        Operation::WriteMetadata,
    ),
    entry(
        Method::GET,
        "/:account/machines/:machine/metadata/:key",
        Route::GetMetadatum,
        "getmachinemetadata",
        Operation::ReadMetadata,
    ),
    entry(
        Method::DELETE,
        "/:account/machines/:machine/metadata/:key",
        Route::DeleteMetadatum,
        "deletemachinemetadata",
        Operation::WriteMetadata,
    ),
    entry(Method::GET, "/:account/machines/:machine/audit", Route::MachineAudit, "machineaudit", Operation::ReadAudit),
    entry(Method::GET, "/:account/machines/:machine/nics", Route::ListNics, "listnics", Operation::ReadNics),
    entry(Method::POST, "/:account/machines/:machine/nics", Route::AddNic, "addnic", Operation::WriteNics),
    entry(Method::GET, "/:account/machines/:machine/nics/:mac", Route::GetNic, "getnic", Operation::ReadNics),
    entry(Method::DELETE, "/:account/machines/:machine/nics/:mac", Route::RemoveNic, "removenic", Operation::WriteNics),
    entry(
        Method::GET,
        "/:account/machines/:machine/snapshots",
        Route::ListSnapshots,
        "listmachinesnapshots",
        Operation::ReadSnapshots,
    ),
    entry(
        Method::POST,
        "/:account/machines/:machine/snapshots",
        Route::CreateSnapshot,
        "createmachinesnapshot",
        Operation::WriteSnapshots,
    ),
    entry(
        Method::GET,
        "/:account/machines/:machine/snapshots/:snapshot",
        Route::GetSnapshot,
        "getmachinesnapshot",
        Operation::ReadSnapshots,
    ),
    entry(
        Method::POST,
        "/:account/machines/:machine/snapshots/:snapshot",
        Route::RollBackSnapshot,
        "startmachinefromsnapshot",
        Operation::WriteSnapshots,
    ),
    entry(
        Method::DELETE,
        "/:account/machines/:machine/snapshots/:snapshot",
        Route::DeleteSnapshot,
        "deletemachinesnapshot",
        Operation::WriteSnapshots,
    ),
    entry(
        Method::GET,
        "/:account/machines/:machine/disks",
        Route::ListDisks,
        "listmachinedisks",
        Operation::GetMachine,
    ),
    entry(
        Method::GET,
        "/:account/machines/:machine/fwrules",
        Route::ListMachineRules,
        "listmachinefirewallrules",
        Operation::ReadFirewallRules,
    ),
    entry(
        Method::POST,
        "/:account/machines/:machine/migrate",
        Route::NotOffered,
        "migratemachine",
        Operation::WriteMigrations,
    ),
    entry(Method::GET, "/:account/migrations", Route::ListMigrations, "listmigrations", Operation::ReadMigrations),
    entry(Method::GET, "/:account/migrations/:machine", Route::GetMigration, "getmigration", Operation::ReadMigrations),
    entry(Method::GET, "/:account/fwrules", Route::ListRules, "listfirewallrules", Operation::ReadFirewallRules),
    entry(Method::POST, "/:account/fwrules", Route::CreateRule, "createfirewallrule", Operation::WriteFirewallRules),
    entry(Method::GET, "/:account/fwrules/:rule", Route::GetRule, "getfirewallrule", Operation::ReadFirewallRules),
    entry(
        Method::POST,
        "/:account/fwrules/:rule",
        Route::UpdateRule,
        "updatefirewallrule",
        Operation::WriteFirewallRules,
    ),
    entry(
        Method::DELETE,
        "/:account/fwrules/:rule",
        Route::DeleteRule,
        "deletefirewallrule",
        Operation::WriteFirewallRules,
    ),
    entry(
        Method::POST,
        "/:account/fwrules/:rule/enable",
        Route::EnableRule,
        "enablefirewallrule",
        Operation::WriteFirewallRules,
    ),
    entry(
        Method::POST,
        "/:account/fwrules/:rule/disable",
        Route::DisableRule,
        "disablefirewallrule",
        Operation::WriteFirewallRules,
    ),
    entry(
        Method::GET,
        "/:account/fwrules/:rule/machines",
        Route::ListRuleMachines,
        "listfirewallrulemachines",
        Operation::ReadFirewallRules,
    ),
    entry(Method::GET, "/:account/volumes", Route::ListVolumes, "listvolumes", Operation::ReadVolumes),
    entry(Method::POST, "/:account/volumes", Route::NotOffered, "createvolume", Operation::WriteVolumes),
    entry(Method::GET, "/:account/volumesizes", Route::ListVolumes, "listvolumesizes", Operation::ReadVolumes),
    entry(Method::GET, "/:account/users", Route::ListUsers, "listusers", Operation::ReadUsers),
    entry(Method::GET, "/:account/roles", Route::ListUsers, "listroles", Operation::ReadUsers),
    entry(Method::GET, "/:account/policies", Route::ListUsers, "listpolicies", Operation::ReadUsers),
    entry(
        Method::GET,
        "/:account/fabrics/:fabric/vlans",
        Route::NotOffered,
        "listfabricvlans",
        Operation::ReadNetworks,
    ),
    entry(
        Method::POST,
        "/:account/fabrics/:fabric/vlans",
        Route::NotOffered,
        "createfabricvlan",
        Operation::WriteNetworks,
    ),
    entry(Method::GET, "/:account/changefeed", Route::ChangeFeed, "changefeed", Operation::ReadChangeFeed),
    entry(Method::PUT, "/:account/:resource", Route::NotOffered, "replaceresourceroletags", Operation::WriteAccount),
];

/// A matched request path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The operation.
    pub route: Route,
    /// The lower-case route name that refusals print.
    pub name: &'static str,
    /// What the world counts it as.
    pub operation: Operation,
    /// The variable parts of the path, decoded.
    pub parts: PathParts,
    /// All methods that the path accepts, for the CORS header.
    pub methods: Vec<Method>,
}

/// The variable parts of a matched path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathParts(Vec<(&'static str, String)>);

impl PathParts {
    /// The decoded part of that name; empty when the route has no such part.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// The decoded part of that name, if the route has one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }
}

/// Why no operation answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// No such path.
    UnknownPath,
    /// The path exists, the method does not.
    WrongMethod {
        /// The methods it has.
        allowed: Vec<Method>,
    },
}

/// The operation for a method and a raw path.
///
/// # Errors
/// [`Miss`] when the path or the method is unknown.
///
/// ```
/// use http::Method;
/// use tsg_sim::http::route::{Miss, Route, find};
/// assert_eq!(find(&Method::GET, "/my/machines").map(|found| found.route), Ok(Route::ListMachines));
/// assert_eq!(find(&Method::GET, "/a/b/c/d/e/f/g"), Err(Miss::UnknownPath));
/// ```
pub fn find(method: &Method, path: &str) -> Result<Matched, Miss> {
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let candidates: Vec<(&Entry, PathParts)> =
        TABLE.iter().filter_map(|entry| Some((entry, captures(entry.pattern, &segments)?))).collect();
    if candidates.is_empty() {
        return Err(Miss::UnknownPath);
    }
    let methods = methods_of(&candidates);
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    match candidates.into_iter().find(|(entry, _)| entry.method == *wanted) {
        Some((entry, parts)) => {
            Ok(Matched { route: entry.route, name: entry.name, operation: entry.operation, parts, methods })
        }
        None => Err(Miss::WrongMethod { allowed: methods }),
    }
}

/// The variable parts if the pattern fits; `None` otherwise.
fn captures(pattern: &'static str, segments: &[String]) -> Option<PathParts> {
    let words: Vec<&'static str> = pattern.split('/').filter(|word| !word.is_empty()).collect();
    if words.len() != segments.len() {
        return None;
    }
    let mut parts = PathParts::default();
    for (word, segment) in words.into_iter().zip(segments) {
        match word.strip_prefix(':') {
            Some(name) => parts.0.push((name, segment.clone())),
            None if word == segment => {}
            None => return None,
        }
    }
    Some(parts)
}

fn methods_of(candidates: &[(&Entry, PathParts)]) -> Vec<Method> {
    let mut methods = Vec::new();
    for (entry, _) in candidates {
        if !methods.contains(&entry.method) {
            methods.push(entry.method.clone());
        }
        if entry.method == Method::GET && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::{Miss, Route, find};
    use http::Method;

    #[test]
    fn paths_and_methods_lead_to_operations() {
        let table = [
            (Method::GET, "/--ping", Route::Ping),
            (Method::GET, "/my", Route::GetAccount),
            (Method::HEAD, "/my/machines", Route::ListMachines),
            (Method::GET, "//my//machines/", Route::ListMachines),
            (Method::POST, "/my/machines/x/tags", Route::AddTags),
            (Method::DELETE, "/my/machines/x/tags/role", Route::DeleteTag),
            (Method::PUT, "/my/anything", Route::NotOffered),
        ];
        for (method, path, expected) in table {
            assert_eq!(find(&method, path).map(|found| found.route), Ok(expected), "{method} {path}");
        }
    }

    #[test]
    fn parts_are_percent_decoded_and_case_sensitive() {
        let found = find(&Method::GET, "/demo/keys/a5%3A49%20x").unwrap();
        assert_eq!((found.parts.get("account"), found.parts.get("key")), ("demo", "a5:49 x"));
        assert!(matches!(find(&Method::GET, "/my/Machines"), Err(Miss::WrongMethod { .. })));
    }

    #[test]
    fn wrong_methods_name_the_right_ones() {
        let Err(Miss::WrongMethod { allowed }) = find(&Method::PATCH, "/my/machines") else {
            panic!("PATCH must be refused");
        };
        assert_eq!(allowed, [Method::GET, Method::HEAD, Method::POST, Method::PUT]);
        assert_eq!(find(&Method::GET, "/my/nonexistent"), Err(Miss::WrongMethod { allowed: vec![Method::PUT] }));
    }
}
