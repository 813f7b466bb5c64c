//! What the engine shows of itself. Owns the filling of the board; must never be asked by the
//! engine.

use core::time::Duration;

use tsg_core::model::group::Group;
use tsg_core::model::id::GroupId;
use tsg_core::model::instance::Brand;
use tsg_core::model::operation::{Cause, Operation};
use tsg_core::observe::join::find_instance;
use tsg_core::plan::classify::classify;
use tsg_core::plan::output::{Class, Plan};

use super::Session;
use super::health::names_networks;
use super::round::Scene;
use crate::board::{AccountHealth, GroupView, MemberView};

/// A group of this many members is shown at most every millisecond; larger ones accordingly less
/// often.
const MEMBERS_PER_MILLI: u64 = 2;

impl Session {
    pub(super) fn show_group(&self, group: GroupId, scene: &Scene, plan: &Plan) {
        let Some(ledger) = self.books.group(group) else { return };
        let before = self.handle.group(group);
        if self.is_shown_enough(before.as_deref(), plan) {
            return;
        }
        let input = self.input(ledger, scene, 0);
        let mut shown: Vec<_> = ledger
            .open()
            .map(|operation| {
                let place = input.members.binary_search_by_key(&operation.id, |member| member.operation).ok();
                let member = place.and_then(|place| input.members.get(place));
                self.member_view(ledger.group(), operation, member.and_then(|member| classify(member, &input).ok()))
            })
            .collect();
        shown.sort_by_key(|member| member.sequence);
        let after = GroupView {
            group: ledger.group().clone(),
            at: self.now(),
            view: self.view(),
            report: Some(plan.report.clone()),
            limits: Some(scene.limits),
            members: shown,
            blocked: self.blocked(group),
            discovery: self.discovery_view(ledger.group()),
            hold: self.weather.hold(group),
            next_wakeup: plan.next_wakeup,
            trouble: self.agenda.get(&group).and_then(|agenda| agenda.trouble.clone()),
        };
        self.tell_news(before.as_deref(), &after);
        self.handle.board().show_group(after);
    }

    /// A large group that changes all the time is shown less often than it is planned; whatever
    /// changes its status, and what is repaired, is shown at once.
    fn is_shown_enough(&self, before: Option<&GroupView>, plan: &Plan) -> bool {
        let Some(before) = before else { return false };
        let is_same = before
            .report
            .as_ref()
            .is_some_and(|report| report.status == plan.report.status && report.wanted == plan.report.wanted);
        let is_repaired = plan.actions.iter().any(|planned| planned.reason.cause() == Cause::Repair);
        let pause = Duration::from_millis(before.members.len() as u64 / MEMBERS_PER_MILLI);
        let is_same = is_same && before.hold == self.weather.hold(before.group.id);
        is_same && !is_repaired && before.trouble.is_none() && self.now().since(before.at) < pause
    }

    /// Shows a group's trouble beside what was shown of it last.
    pub(super) fn show_trouble(&self, group: GroupId) {
        let Some(ledger) = self.books.group(group) else { return };
        let before = self.handle.group(group);
        self.handle.board().show_group(GroupView {
            group: ledger.group().clone(),
            at: self.now(),
            view: self.view(),
            report: before.as_ref().and_then(|view| view.report.clone()),
            limits: before.as_ref().and_then(|view| view.limits),
            members: before.map(|view| view.members.clone()).unwrap_or_default(),
            blocked: self.blocked(group),
            discovery: self.discovery_view(ledger.group()),
            hold: self.weather.hold(group),
            next_wakeup: None,
            trouble: self.agenda.get(&group).and_then(|agenda| agenda.trouble.clone()),
        });
    }

    fn member_view(&self, group: &Group, operation: &Operation, class: Option<Class>) -> MemberView {
        let seen = operation.instance.and_then(|instance| find_instance(&self.sight.snapshot, instance));
        let lasting = operation.instance.and_then(|instance| self.sight.lasting.of(instance));
        MemberView {
            operation: operation.id,
            sequence: operation.sequence,
            name: operation.name.clone(),
            instance: operation.instance,
            phase: operation.phase,
            phase_since: operation.phase_since,
            class,
            state: seen.map(|seen| seen.state),
            state_since: lasting.map(|lasting| lasting.state_since),
            guest: seen.map(|seen| seen.guest).unwrap_or_default(),
            signs: seen.map(|seen| seen.signs).unwrap_or_default(),
            guest_since: lasting.map(|lasting| lasting.guest_since),
            brand: seen.map_or(Brand::Unknown, |seen| seen.brand),
            revision: operation.revision,
            retirement: operation.retirement,
            health: operation.instance.and_then(|instance| self.judgement(group, instance)),
            listing: operation.listing,
            is_delisted: seen.is_some_and(|seen| seen.is_delisted),
            marks: operation.marks,
            address: seen.and_then(|seen| seen.address),
            networks: operation
                .instance
                .filter(|_| names_networks(group))
                .and_then(|of| self.sight.nics.as_ref()?.of_instance(of)),
            compute_node: seen.and_then(|seen| seen.compute_node),
            created_at: seen.map(|seen| seen.created_at),
            is_protected: seen.is_some_and(|seen| seen.is_protected),
            cause: operation.cause,
            deletion_cause: operation.deletion_cause,
            attempts: u32::try_from(operation.attempts.len()).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn show_health(&self) {
        self.handle.board().show_health(AccountHealth {
            view: self.view(),
            instances_seen: self.sight.snapshot.instances.len() as u64,
            requests: self.counts,
            plans: self.plans,
            requests_per_second: self.pace.rate(),
            creates_in_flight_max: self.bound.bound(),
            cloud_trouble: self.sight.trouble.clone(),
            store_trouble: self.store_trouble.clone(),
            unreadable_groups: self.books.unreadable(),
            strangers: self.sight.strangers.clone(),
        });
    }
}
