//! Creating machines: the request's parameters, and an answer that only comes after placement.
//!
//! Owns the translation of `POST /:account/machines`. It must never judge a parameter: the world does, in upstream's
//! order.

use serde_json::Value;

use super::{Task, delivered};
use crate::http::params::Params;
use crate::http::pipeline::{Ended, Outcome};
use crate::http::reply::Reply;
use crate::world::{
    Admission, Call, CreateMachine, CreateTicket, Detail, Locality, MachineId, NetworkRequest, Permit, Refusal, World,
};

/// A create that was accepted and waits for its turn at the allocator.
pub(crate) struct PendingCreate {
    pub(crate) ticket: CreateTicket,
    permit: Permit,
    login: String,
}

/// Hands a create in; the answer follows when the ticket is due.
pub(super) fn submit(world: &mut World, task: &Task<'_>, call: &Call) -> Result<Outcome, Ended> {
    let permit = match world.admit(call) {
        Admission::Refused(refusal) => return Err(refusal.into()),
        Admission::Lost => return Err(Outcome::Drop.into()),
        Admission::Admitted(permit) => permit,
    };
    let request = CreateMachine { payload: task.inbound.payload, ..request(task.params()) };
    match world.submit_create(&task.caller, request) {
        Ok(ticket) => Ok(Outcome::Creating(PendingCreate { ticket, permit, login: task.login.clone() })),
        Err(refusal) => delivered(world.conclude(permit, Err(refusal))),
    }
}

/// The answer to a create whose ticket is due.
pub(crate) fn conclude(world: &mut World, pending: PendingCreate) -> Result<Outcome, Ended> {
    // Only a world that was put back in time could have forgotten the ticket.
    let outcome = world.take_created(pending.ticket.id);
    let result = outcome.unwrap_or_else(|| Err(Refusal::crashed("the create was forgotten")));
    let result = result.map(|machine| created(world, machine, &pending.login));
    delivered(world.conclude(pending.permit, result))
}

fn created(world: &World, machine: MachineId, login: &str) -> Reply {
    match world.true_machine(machine) {
        Some(machine) => {
            let location = format!("/{login}/machines/{}", machine.id);
            Reply::created(&location, &world.view(machine, Detail::Listed))
        }
        None => Refusal::not_found(format!("VM {machine} not found")).into(),
    }
}

/// The typed request behind the parameters. What has the wrong JSON type counts as absent.
fn request(params: &Params) -> CreateMachine {
    CreateMachine {
        name: params.text("name"),
        image: params.text("image"),
        package: params.text("package"),
        brand: params.text("brand"),
        networks: params.value("networks").map(networks),
        affinity: params.value("affinity").map(texts).unwrap_or_default(),
        locality: params.value("locality").and_then(locality),
        metadata: params.scalars("metadata."),
        tags: params.scalars("tag."),
        firewall_enabled: params.flag("firewall_enabled").unwrap_or_default(),
        deletion_protection: params.flag("deletion_protection").unwrap_or_default(),
        payload: None,
    }
}

/// One or several networks.
fn networks(value: &Value) -> Vec<NetworkRequest> {
    match value {
        Value::Array(items) => items.iter().filter_map(network_request).collect(),
        one => network_request(one).into_iter().collect(),
    }
}

/// A network by uuid, or by the object form with addresses.
pub(super) fn network_request(value: &Value) -> Option<NetworkRequest> {
    match value {
        Value::String(network) => Some(NetworkRequest::any_address(network)),
        Value::Object(members) => Some(NetworkRequest {
            network: members.get("ipv4_uuid").and_then(Value::as_str).unwrap_or_default().to_owned(),
            ips: members.get("ipv4_ips").map(texts).unwrap_or_default(),
            count: members.get("ipv4_count").and_then(Value::as_u64),
            primary: members.get("primary").and_then(Value::as_bool).unwrap_or_default(),
        }),
        _ => None,
    }
}

fn locality(value: &Value) -> Option<Locality> {
    let members = value.as_object()?;
    Some(Locality {
        strict: members.get("strict").and_then(Value::as_bool).unwrap_or_default(),
        near: members.get("near").map(texts).unwrap_or_default(),
        far: members.get("far").map(texts).unwrap_or_default(),
    })
}

/// One text or an array of texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{NetworkRequest, request};
    use crate::http::params::Params;
    use crate::world::{Locality, Scalar, ScalarInput};
    use serde_json::json;

    #[test]
    fn flat_parameters_become_a_typed_request() {
        let request = request(&Params::from_json(json!({
            "name": "web", "image": "i", "package": "p", "affinity": "role!=web",
            "networks": ["n1", {"ipv4_uuid": "n2", "ipv4_ips": ["127.16.0.9"], "primary": true}],
            "locality": {"strict": false},
            "tag.n": 3, "tag.b": true, "tag.o": {}, "metadata.user-data": "x", "firewall_enabled": true,
        })));
        assert_eq!(request.affinity, ["role!=web"]);
        let networks = request.networks.unwrap();
        assert_eq!(networks[0], NetworkRequest::any_address("n1"));
        assert_eq!((networks[1].ips.as_slice(), networks[1].primary), (&["127.16.0.9".to_owned()][..], true));
        assert_eq!(request.locality, Some(Locality::default()));
        assert_eq!(request.tags["n"], ScalarInput::Scalar(Scalar::Integer(3)));
        assert_eq!(request.tags["b"], ScalarInput::Scalar(Scalar::Bool(true)));
        assert_eq!(request.tags["o"], ScalarInput::Compound);
        assert_eq!(request.metadata["user-data"], ScalarInput::Scalar(Scalar::Text("x".into())));
        assert!(request.firewall_enabled && !request.deletion_protection);
    }
}
