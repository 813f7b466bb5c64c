//! What the tests need besides Rust, and how to get it. Owns the list; must never install what
//! is there already.

use std::path::Path;

use crate::command::{Failure, is_installed, run, say};

/// A program the tests call and the Debian package that brings it.
const PROGRAMS: [(&str, &str); 8] = [
    ("cc", "gcc"),
    ("openssl", "openssl"),
    ("curl", "curl"),
    ("dig", "bind9-dnsutils"),
    ("ssh-keygen", "openssh-client"),
    ("ssh-agent", "openssh-client"),
    ("node", "nodejs"),
    ("npm", "npm"),
];

/// A file the tests need and the Debian package that brings it: Prometheus' own parser of metrics.
const FILES: [(&str, &str); 1] =
    [("/usr/lib/python3/dist-packages/prometheus_client/openmetrics/parser.py", "python3-prometheus-client")];

/// The client nobody here wrote that the simulated data centre must satisfy.
const TRITON_CLIENT: &str = "triton@7.17.0";

/// Installs what is missing.
pub fn install(root: &Path) -> Result<(), Failure> {
    install_packages(root)?;
    install_triton_client(root)
}

fn install_packages(root: &Path) -> Result<(), Failure> {
    let programs = PROGRAMS.iter().filter(|(program, _)| !is_installed(program));
    let files = FILES.iter().filter(|(file, _)| !Path::new(file).exists());
    let mut packages: Vec<&str> = programs.chain(files).map(|(_, package)| *package).collect();
    packages.dedup();
    if packages.is_empty() {
        say("tools: everything is there");
        return Ok(());
    }
    say(&format!("tools: installing {} from Debian's packages", packages.join(", ")));
    run(root, "apt-get", &["update", "-q"])?;
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
    arguments.append(&mut packages);
    run(root, "apt-get", &arguments)
}

fn install_triton_client(root: &Path) -> Result<(), Failure> {
    let folder = root.join("target/tools/triton");
    if folder.join("node_modules/.bin/triton").exists() {
        say("tools: npm's triton is there");
        return Ok(());
    }
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::File { path: folder.display().to_string(), reason: error.to_string() })?;
    run(&folder, "npm", &["install", "--prefix", ".", "--no-audit", "--no-fund", TRITON_CLIENT])
}
