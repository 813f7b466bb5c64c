//! A machine in the shape that TSG v1 gave it: triton-go's struct, fields and all.
//!
//! Owns the wire form, including what the Go struct adds to CloudAPI's own.

use serde::Serialize;
use tsg_cloudapi::wire::{LabelValue, Labels, Machine, MachineState};

/// One machine.
#[derive(Debug, Serialize)]
pub struct MachineBody<'a> {
    id: String,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    brand: &'a str,
    state: MachineState,
    image: String,
    memory: u64,
    disk: u64,
    metadata: &'a Labels,
    tags: &'a Labels,
    created: String,
    updated: String,
    docker: bool,
    ips: &'a [String],
    networks: Vec<String>,
    #[serde(rename = "primaryIp")]
    primary_ip: &'a str,
    firewall_enabled: bool,
    compute_node: String,
    package: &'a str,
    dns_names: Option<&'a [String]>,
    deletion_protection: bool,
    #[serde(rename = "CNS")]
    cns: Cns,
}

/// What triton-go reads out of the CNS tags.
#[derive(Debug, Serialize)]
struct Cns {
    #[serde(rename = "Disable")]
    disable: bool,
    #[serde(rename = "ReversePTR")]
    reverse_ptr: String,
    #[serde(rename = "Services")]
    services: Option<Vec<String>>,
}

impl<'a> MachineBody<'a> {
    /// In v1's shape.
    pub fn of(machine: &'a Machine) -> Self {
        let text = |value: Option<String>| value.unwrap_or_default();
        Self {
            id: machine.id.to_string(),
            name: &machine.name,
            kind: &machine.kind,
            brand: &machine.brand,
            state: machine.state,
            image: text(machine.image.map(|id| id.to_string())),
            memory: machine.memory.unwrap_or(0),
            disk: machine.disk.unwrap_or(0),
            metadata: &machine.metadata,
            tags: &machine.tags,
            created: text(machine.created.map(|at| at.to_string())),
            updated: text(machine.updated.map(|at| at.to_string())),
            docker: machine.docker,
            ips: &machine.ips,
            networks: machine.networks.iter().map(ToString::to_string).collect(),
            primary_ip: machine.primary_ip.as_deref().unwrap_or_default(),
            firewall_enabled: machine.firewall_enabled,
            compute_node: text(machine.compute_node.map(|id| id.to_string())),
            package: &machine.package,
            dns_names: Some(machine.dns_names.as_slice()).filter(|names| !names.is_empty()),
            deletion_protection: machine.deletion_protection,
            cns: cns(&machine.tags),
        }
    }
}

fn cns(tags: &Labels) -> Cns {
    let text = |key: &str| tags.get(key).and_then(LabelValue::as_text);
    let services = text("triton.cns.services").map(|list| list.split(',').map(str::to_owned).collect());
    Cns {
        disable: tags.get("triton.cns.disable") == Some(&LabelValue::Bool(true)),
        reverse_ptr: text("triton.cns.reverse_ptr").unwrap_or_default().to_owned(),
        services,
    }
}
