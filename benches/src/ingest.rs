//! A look at an account as it comes in, made up for one run.
//!
//! Owns the ledger's operations and the pages of the list for a population's members: joined again
//! they are those members. Must never lay them out in an order that a real list or ledger lacks.

use core::cmp::Reverse;
use core::time::Duration;

use tsg_core::model::guest::{GuestReport, GuestSigns};
use tsg_core::model::id::{ComputeNodeId, DeploymentId, GroupId, ImageId, TemplateId};
use tsg_core::model::instance::{Brand, ObservedInstance, PackageMark, ServicesMark};
use tsg_core::model::listing::Listing;
use tsg_core::model::operation::{Absence, Cause, Operation, Silence};
use tsg_core::model::policy::Policy;
use tsg_core::model::tag::Claim;
use tsg_core::model::time::Timestamp;
use tsg_core::observe::paging::OVERLAP;
use tsg_core::plan::fleet::GroupSettings;
use tsg_core::plan::input::{Lineage, Marks, Member, RestartHistory, Sighting};
use tsg_core::ports::cloud::{InstancePage, PAGE_MAX};
use uuid::Uuid;

use crate::plan::population::Population;

/// The ledger's open operations by group, in the groups' order and by operation within each.
pub fn ledger_of(population: &Population) -> Vec<Vec<Operation>> {
    let of_group = |(settings, members): &(GroupSettings, Vec<Member>)| {
        let mut operations: Vec<Operation> =
            members.iter().map(|member| operation(settings.intent.group, member)).collect();
        operations.sort_unstable_by_key(|operation| operation.id);
        operations
    };
    population.groups.iter().map(of_group).collect()
}

/// The list's pages, parsed: all machines that are there, as CloudAPI lists them: by id, the
/// largest first.
pub fn pages_of(population: &Population) -> Vec<InstancePage> {
    let mut instances: Vec<ObservedInstance> = known_of(population).map(|(seen, _)| seen).collect();
    instances.sort_unstable_by_key(|instance| Reverse(instance.id));
    let (most, step) = (PAGE_MAX as usize, (PAGE_MAX - OVERLAP) as usize);
    let mut pages = Vec::new();
    for from in (0..).step_by(step) {
        let page: Vec<ObservedInstance> = instances.iter().skip(from).take(most).copied().collect();
        let is_last = page.len() < most;
        pages.push(InstancePage { instances: page, labels: None, nics: None, server_time: None });
        if is_last {
            return pages;
        }
    }
    pages
}

/// Every machine that is there, and since when it is as it is seen.
pub fn known_of(population: &Population) -> impl Iterator<Item = (ObservedInstance, Timestamp)> + '_ {
    population.groups.iter().flat_map(|(settings, members)| {
        let seen = move |member: &Member| Some((observed(settings.intent.group, member)?, member.state_since));
        members.iter().filter_map(seen)
    })
}

/// For how long after its create a member of such a population is young.
pub fn youth() -> Duration {
    Policy::default().update.healthy_deadline.as_duration() * 2
}

fn operation(group: GroupId, member: &Member) -> Operation {
    // Long before its phase, so that nobody is young.
    let planned_at = Timestamp::from_millis(member.phase_since.as_millis() - 86_400_000);
    Operation {
        id: member.operation,
        group,
        sequence: member.sequence.into(),
        revision: member.revision,
        template: TemplateId::new(Uuid::from_u128(3)),
        name: format!("web-{}", member.operation),
        phase: member.phase,
        phase_since: member.phase_since,
        planned_at,
        cause: Cause::Capacity,
        attempts: Vec::new(),
        instance: member.instance(),
        silence: Silence::default(),
        absence: Absence::default(),
        deletion: None,
        deletion_cause: None,
        residue: Vec::new(),
        restarts: RestartHistory::default(),
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

fn observed(group: GroupId, member: &Member) -> Option<ObservedInstance> {
    let Sighting::Present(state) = member.sighting else { return None };
    let Member { operation, revision, sequence, .. } = *member;
    let manager = DeploymentId::from_bits(7);
    Some(ObservedInstance {
        id: member.instance()?,
        state,
        created_at: member.phase_since,
        named: Some(operation),
        claim: Some(Claim { manager, group, operation, revision, sequence: sequence.into() }),
        compute_node: Some(ComputeNodeId::new(Uuid::from_u128(u128::from(member.compute_node) + 1))),
        image: ImageId::new(Uuid::from_u128(5)),
        package: PackageMark::of_name("sample-1G"),
        brand: Brand::Zone,
        guest: GuestReport::default(),
        address: None,
        is_protected: member.is_protected(),
        is_delisted: false,
        signs: GuestSigns::default(),
        services: ServicesMark::default(),
    })
}
