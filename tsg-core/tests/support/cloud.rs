//! Operations and machines for the tests of the protocol and of looking at the cloud.

use core::time::Duration;

use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::guest::{GuestReport, GuestSigns};
use tsg_core::model::id::{DeploymentId, GroupId, ImageId, InstanceId, OperationId, TemplateId};
use tsg_core::model::instance::{Brand, InstanceState, ObservedInstance, PackageMark, ServicesMark, Snapshot};
use tsg_core::model::listing::Listing;
use tsg_core::model::operation::{Absence, Attempt, Cause, Operation, Phase, Silence};
use tsg_core::model::tag::Claim;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::{Lineage, Marks, RestartHistory};
use tsg_core::ports::cloud::{CloudCode, CloudError, ErrorKind, Reach};
use uuid::Uuid;

pub const DEPLOYMENT: DeploymentId = DeploymentId::from_bits(0xd0);
pub const GROUP: GroupId = GroupId::new(Uuid::from_u128(0x60));

pub fn machine_id(number: u32) -> InstanceId {
    InstanceId::new(Uuid::from_u128(u128::from(number)))
}

/// An operation whose first create was sent at `sent_at`.
pub fn sent(number: u32, sent_at: Timestamp) -> Operation {
    Operation {
        id: OperationId::from_bits(u128::from(number)),
        group: GROUP,
        sequence: u64::from(number),
        revision: 1,
        template: TemplateId::new(Uuid::from_u128(0x7e)),
        name: format!("web-{}", OperationId::from_bits(u128::from(number))),
        phase: Phase::Unknown,
        phase_since: sent_at,
        planned_at: sent_at,
        cause: Cause::Capacity,
        attempts: vec![attempt(sent_at)],
        instance: None,
        silence: Silence::default(),
        absence: Absence::default(),
        deletion: None,
        deletion_cause: None,
        residue: Vec::new(),
        restarts: RestartHistory::NONE,
        lineage: Lineage::default(),
        replaces: None,
        retirement: None,
        errand: None,
        marks: Marks::NONE,
        adopted_at: None,
        ordinal: None,
        avoid: Vec::new(),
        listing: Listing::Listed,
        landing: None,
    }
}

pub fn attempt(sent_at: Timestamp) -> Attempt {
    Attempt { sent_at, signed_at: sent_at, payload: Fingerprint::ZERO, outcome: None }
}

/// An operation with its machine.
pub fn bound(number: u32, phase: Phase, since: Timestamp) -> Operation {
    Operation { phase, phase_since: since, instance: Some(machine_id(number)), ..sent(number, since) }
}

pub fn claim_of(operation: &Operation) -> Claim {
    Claim {
        manager: DEPLOYMENT,
        group: operation.group,
        operation: operation.id,
        revision: operation.revision,
        sequence: operation.sequence,
    }
}

/// The machine that an operation made, a second after it was sent.
pub fn machine(number: u32, operation: &Operation) -> ObservedInstance {
    ObservedInstance {
        id: machine_id(number),
        state: InstanceState::Running,
        created_at: operation.planned_at.after(Duration::from_secs(1)),
        named: Some(operation.id),
        claim: Some(claim_of(operation)),
        compute_node: None,
        image: ImageId::new(Uuid::from_u128(0x1a)),
        package: PackageMark::NONE,
        brand: Brand::Zone,
        guest: GuestReport::default(),
        address: None,
        is_protected: false,
        is_delisted: false,
        signs: GuestSigns::default(),
        services: ServicesMark::default(),
    }
}

pub fn in_state(state: InstanceState, machine: ObservedInstance) -> ObservedInstance {
    ObservedInstance { state, ..machine }
}

pub fn snapshot(taken_at: Timestamp, instances: Vec<ObservedInstance>) -> Snapshot {
    Snapshot { taken_at, instances: instances.into_iter().collect() }
}

pub fn answered(kind: ErrorKind, status: u16) -> CloudError {
    CloudError {
        kind,
        code: CloudCode::Other,
        reach: Reach::Answered,
        status: Some(status),
        message: String::new(),
        request_id: None,
        retry_after: None,
    }
}
