//! What may depend on what: the rooms of docs/ARCHITECTURE.md. Owns the rules; reads the real
//! graph from cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::Finding;
use crate::command::{Failure, capture};

/// Crates of ours that speak to the world: they know the core and never each other.
const ADAPTERS: [&str; 3] = ["tsg-cloudapi", "tsg-store", "tsg-sim"];

/// The only crates that may know more than one adapter.
const ASSEMBLERS: [&str; 3] = ["tsg-server", "tsg-cli", "tsg-benches"];

/// Everything the core may bring along when it is built for use. A new name here is a decision.
const CORE_ALLOWED: [&str; 9] =
    ["async-trait", "regex", "serde", "serde_core", "serde_json", "sha2", "thiserror", "uuid", "tsg-core"];

/// Crates that reach the world through their ports only.
const PURE: [&str; 2] = ["tsg-core", "tsg-engine"];

/// Runtimes, sockets and databases: none of them may reach the core or the engine at any depth.
const WORLDLY: [&str; 12] = [
    "tokio",
    "async-std",
    "smol",
    "mio",
    "socket2",
    "hyper",
    "reqwest",
    "axum",
    "sqlx",
    "sqlx-core",
    "rand",
    "getrandom",
];

/// The graph, tests left out: the direct dependencies of each of our crates, and everything that
/// the pure ones reach.
#[derive(Debug, Default)]
pub struct Graph {
    direct: BTreeMap<String, BTreeSet<String>>,
    transitive: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None` for a normal one, else `dev` or `build`.
    kind: Option<String>,
}

/// Reads the graph from cargo.
pub fn read(root: &Path) -> Result<Graph, Failure> {
    let json = capture(root, "cargo", &["metadata", "--format-version", "1", "--locked", "--no-deps"])?;
    let metadata: Metadata = serde_json::from_slice(&json)
        .map_err(|error| Failure::File { path: "cargo metadata".to_owned(), reason: error.to_string() })?;
    let mut graph = Graph { direct: metadata.packages.iter().map(direct_of).collect(), ..Graph::default() };
    for pure in PURE {
        graph.transitive.insert(pure.to_owned(), reached_by(root, pure)?);
    }
    Ok(graph)
}

fn direct_of(package: &Package) -> (String, BTreeSet<String>) {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind.is_none());
    (package.name.clone(), normal.map(|dependency| dependency.name.clone()).collect())
}

/// Everything one crate brings along when it is built alone: another crate's choice of features
/// must not show up here.
fn reached_by(root: &Path, name: &str) -> Result<BTreeSet<String>, Failure> {
    let arguments = ["tree", "--package", name, "--edges", "normal", "--prefix", "none", "--locked"];
    let printed = capture(root, "cargo", &arguments)?;
    let lines = String::from_utf8_lossy(&printed).into_owned();
    Ok(lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

/// Finds every edge that the design forbids.
pub fn check(graph: &Graph) -> Vec<Finding> {
    let none = BTreeSet::new();
    let direct = |name: &str| graph.direct.get(name).unwrap_or(&none);
    let mut findings = Vec::new();
    for name in direct("tsg-core").iter().filter(|name| !CORE_ALLOWED.contains(&name.as_str())) {
        findings.push(format!("tsg-core depends on {name}: the core is pure; take it out or argue for it in docs/adr"));
    }
    for pure in PURE {
        let reached = graph.transitive.get(pure).unwrap_or(&none);
        for name in reached.iter().filter(|name| WORLDLY.contains(&name.as_str())) {
            findings.push(format!("{pure} reaches {name}: it may know the world through its ports only"));
        }
    }
    for name in direct("tsg-engine").iter().filter(|name| name.starts_with("tsg-") && *name != "tsg-core") {
        findings.push(format!("tsg-engine depends on {name}: it knows the core only"));
    }
    for adapter in ADAPTERS {
        for name in direct(adapter).iter().filter(|name| name.starts_with("tsg-") && *name != "tsg-core") {
            findings.push(format!("{adapter} depends on {name}: adapters know the core and never each other"));
        }
    }
    for (name, dependencies) in &graph.direct {
        let adapters = dependencies.iter().filter(|name| ADAPTERS.contains(&name.as_str())).count();
        if adapters > 1 && !ASSEMBLERS.contains(&name.as_str()) {
            findings.push(format!("{name} knows {adapters} adapters: only the programs put them together"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let map: BTreeMap<_, _> = edges.iter().map(|(name, to)| ((*name).to_owned(), set(to))).collect();
        Graph { direct: map.clone(), transitive: map }
    }

    #[test]
    fn each_planted_violation_is_found() {
        let planted: [(&str, &[&str], usize); 6] = [
            // Not on the core's list, and worldly on top.
            ("tsg-core", &["serde", "tokio"], 2),
            ("tsg-core", &["fancy-regex"], 1),
            ("tsg-engine", &["tsg-core", "tsg-store"], 1),
            ("tsg-engine", &["tsg-core", "sqlx"], 1),
            ("tsg-sim", &["tsg-core", "tsg-cloudapi"], 1),
            ("tsg-ur", &["tsg-store", "tsg-sim"], 1),
        ];
        for (name, to, expected) in planted {
            let findings = check(&graph(&[(name, to)]));
            assert_eq!(findings.len(), expected, "{name} -> {to:?}: {findings:?}");
        }
    }

    #[test]
    fn the_design_itself_passes() {
        let design = graph(&[
            ("tsg-core", &["serde", "uuid"]),
            ("tsg-engine", &["tsg-core", "futures-util"]),
            ("tsg-sim", &["tsg-core", "tokio"]),
            ("tsg-server", &["tsg-core", "tsg-store", "tsg-cloudapi"]),
        ]);
        assert_eq!(check(&design), Vec::<Finding>::new());
    }
}
