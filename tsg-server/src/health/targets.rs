//! Which instances of a group are asked how they are.
//!
//! Owns whom nobody asks: what does not run, and what is on its way out. Must never take an
//! address from anywhere but the instance itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use tsg_core::health::check::{CheckKind, CheckSpec};
use tsg_core::health::fact::Outcome;
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::ward::Target;
use tsg_core::model::guest::{GuestReport, GuestSigns};
use tsg_core::model::id::InstanceId;
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::time::Timestamp;
use tsg_engine::MemberView;

use super::commands::Order;
use crate::probe::Assignment;
use crate::remote::{Addresses, CheckTag};

/// A group's checks, each shared with the prober.
pub struct Checks {
    /// The block they stand in.
    pub spec: Arc<HealthSpec>,
    /// In its order.
    pub each: Vec<Arc<CheckSpec>>,
    /// What each asks, in short.
    pub tags: Vec<CheckTag>,
}

impl Checks {
    /// Those of a block; `None` without any.
    pub fn of(spec: &HealthSpec) -> Option<Self> {
        let each: Vec<_> = spec.checks.iter().cloned().map(Arc::new).collect();
        let tags = spec.checks.iter().map(CheckTag::of).collect();
        (!each.is_empty()).then(|| Self { spec: Arc::new(spec.clone()), each, tags })
    }

    /// How long an instance may take to be well after its start.
    fn start_window(&self) -> core::time::Duration {
        let windows = self.spec.checks.iter().map(|check| check.pacing.start_window.as_duration());
        windows.max().unwrap_or_default()
    }

    /// The checks of one instance that the prober makes.
    pub fn assignments(&self, instance: InstanceId, addresses: &Addresses) -> impl Iterator<Item = Assignment> {
        (0_u16..).zip(&self.each).filter_map(move |(check, spec)| {
            // Nobody can ask one whose address is not known, which says nothing of how it is.
            let nics = addresses.of(spec.kind.endpoint()?)?;
            Some(Assignment { instance, check, place: check, nics, spec: spec.clone() })
        })
    }

    /// The checks of one instance that take a program.
    pub fn commands(&self, instance: InstanceId) -> impl Iterator<Item = Order> {
        let each = (0_u16..).zip(&self.each).filter(|(_, spec)| matches!(spec.kind, CheckKind::Command(_)));
        each.map(move |(check, spec)| Order { instance, check, spec: spec.clone() })
    }

    /// What the checks that need no prober find of one that runs, as a look at the cloud showed it.
    pub fn told(&self, asked: &Asked, seen_at: Timestamp) -> impl Iterator<Item = (u16, Outcome)> {
        (0_u16..).zip(&self.each).filter_map(move |(check, spec)| match &spec.kind {
            CheckKind::Cloud => Some((check, Outcome::Passed)),
            CheckKind::Guest(guest) => Some((check, guest.judge(spec.purpose, &asked.guest, &asked.signs, seen_at))),
            _ => None,
        })
    }
}

/// One that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Where it is reached.
    pub addresses: Addresses,
    /// What its guest said last.
    pub guest: GuestReport,
    /// And of its health.
    pub signs: GuestSigns,
}

/// What is remembered of the instances of a group beyond what the engine shows: when they were
/// started last.
#[derive(Debug, Default)]
pub struct Starts(BTreeMap<InstanceId, Start>);

#[derive(Debug, Clone, Copy)]
struct Start {
    began_at: Timestamp,
    has_served: bool,
    /// Since when it was shown as it was; `None` where whoever shows it has begun anew.
    shown_since: Option<Timestamp>,
    /// Whether it was seen not running since.
    was_down: bool,
    /// What its guest said with it.
    is_unhealthy: bool,
}

impl Starts {
    /// Another engine shows them from now on: since when they are as they are, it cannot know.
    pub fn begin_anew(&mut self) {
        self.0.values_mut().for_each(|start| start.shown_since = None);
    }

    /// The instances to ask, and whom they are.
    pub fn take_in(
        &mut self,
        members: &[MemberView],
        checks: &Checks,
        now: Timestamp,
    ) -> (Vec<Target>, BTreeMap<InstanceId, Asked>) {
        let (mut targets, mut asked) = (Vec::new(), BTreeMap::new());
        let mut known = BTreeMap::new();
        for member in members {
            let Some(instance) = member.instance else { continue };
            let before = self.0.remove(&instance);
            if !runs(member) {
                // One that no list shows for a while was not stopped for all that is known.
                let is_down = member.state.is_some_and(|state| state != InstanceState::Running);
                known.extend(before.map(|before| (instance, Start { was_down: before.was_down || is_down, ..before })));
                continue;
            }
            let start = before.map_or_else(|| Start::first(member, checks, now), |before| before.then(member));
            let Start { began_at, has_served, .. } = start;
            known.insert(instance, start);
            let addresses = Addresses { primary: member.address, networks: member.networks.clone() };
            asked.insert(instance, Asked { addresses, guest: member.guest, signs: member.signs });
            targets.push(Target { instance, began_at, has_served, was_ready: was_ready(member) });
        }
        self.0 = known;
        (targets, asked)
    }
}

fn runs(member: &MemberView) -> bool {
    matches!(member.phase, Phase::Bound | Phase::Ready)
        && member.state == Some(InstanceState::Running)
        && member.retirement.is_none()
}

impl Start {
    /// Of one that is seen for the first time. One that has been ready for longer than it may take
    /// to start was well before this server began.
    fn first(member: &MemberView, checks: &Checks, now: Timestamp) -> Self {
        let began_at = shown_since(member);
        let has_served = member.phase == Phase::Ready && member.phase_since.after(checks.start_window()) <= now;
        let is_unhealthy = member.guest.is_unhealthy;
        Self { began_at, has_served, shown_since: Some(began_at), was_down: false, is_unhealthy }
    }

    /// Of one that was seen before. What it is shown as begins anew when it is started again, and
    /// when its guest says otherwise how it is.
    fn then(self, member: &MemberView) -> Self {
        let (shown_since, is_unhealthy) = (shown_since(member), member.guest.is_unhealthy);
        let is_later = self.shown_since.is_some_and(|before| shown_since > before);
        let is_started = self.was_down || (is_later && is_unhealthy == self.is_unhealthy);
        let (began_at, has_served) =
            if is_started { (self.began_at.max(shown_since), false) } else { (self.began_at, self.has_served) };
        Self { began_at, has_served, shown_since: Some(shown_since), was_down: false, is_unhealthy }
    }
}

/// Whether it was listed, as far as the records go: they outlive whoever judges.
fn was_ready(member: &MemberView) -> bool {
    member.phase == Phase::Ready && member.listing.is_listed() && !member.is_delisted
}

fn shown_since(member: &MemberView) -> Timestamp {
    member.state_since.unwrap_or_default().max(member.phase_since)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use tsg_core::health::fact::Failure;
    use tsg_core::model::id::{NetworkId, OperationId};
    use tsg_core::model::instance::Brand;
    use tsg_core::model::listing::Listing;
    use tsg_core::model::operation::Cause;
    use tsg_core::plan::input::{Marks, Retirement, RetirementStage};
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn checks() -> Checks {
        Checks::of(&HealthSpec::of(vec!["http:8080/ping".parse().unwrap(), "guest".parse().unwrap()])).unwrap()
    }

    fn ago(seconds: u64) -> Timestamp {
        NOW.before(Duration::from_secs(seconds))
    }

    /// One that has run for so many seconds, and was promoted an hour ago.
    fn running(seconds: u64) -> MemberView {
        MemberView {
            operation: OperationId::from_bits(42),
            sequence: 1,
            name: "web-1".to_owned(),
            instance: Some(InstanceId::new(Uuid::from_u128(7))),
            phase: Phase::Ready,
            phase_since: ago(3600),
            class: None,
            state: Some(InstanceState::Running),
            state_since: Some(ago(seconds)),
            guest: GuestReport::default(),
            signs: GuestSigns::default(),
            guest_since: None,
            brand: Brand::Zone,
            revision: 1,
            retirement: None,
            health: None,
            listing: Listing::Listed,
            is_delisted: false,
            marks: Marks::NONE,
            address: Some([127, 0, 0, 7].into()),
            networks: None,
            compute_node: None,
            created_at: None,
            is_protected: false,
            cause: Cause::Capacity,
            deletion_cause: None,
            attempts: 1,
        }
    }

    /// When it was started and whether it has served, after each of several looks.
    fn seen(looks: &[MemberView]) -> Vec<(Timestamp, bool)> {
        let mut starts = Starts::default();
        let targets = looks.iter().map(|look| starts.take_in(std::slice::from_ref(look), &checks(), NOW).0);
        targets.flatten().map(|target| (target.began_at, target.has_served)).collect()
    }

    #[test]
    fn one_that_was_ready_for_longer_than_it_may_take_was_well() {
        assert_eq!(seen(&[running(1)]), [(ago(1), true)]);
        let young = MemberView { phase_since: ago(119), ..running(200) };
        assert_eq!(seen(&[young]), [(ago(119), false)]);
        let bound = MemberView { phase: Phase::Bound, ..running(1) };
        assert_eq!(seen(&[bound]), [(ago(1), false)]);
    }

    #[test]
    fn what_the_records_list_is_believed_until_something_is_heard() {
        let was_ready = |member: MemberView| Starts::default().take_in(&[member], &checks(), NOW).0[0].was_ready;
        let young = || MemberView { phase_since: ago(1), ..running(1) };
        assert!(was_ready(young()), "whatever is known of its start");
        assert!(!was_ready(MemberView { phase: Phase::Bound, ..young() }), "it was never asked");
        assert!(!was_ready(MemberView { listing: Listing::NotYet, ..young() }));
        assert!(!was_ready(MemberView { listing: Listing::Delisted, ..running(3600) }), "it was taken out");
        assert!(!was_ready(MemberView { is_delisted: true, ..running(3600) }), "somebody else took it out");
    }

    #[test]
    fn one_that_was_started_again_has_proved_nothing() {
        assert_eq!(seen(&[running(600), running(600)]), [(ago(600), true); 2]);
        assert_eq!(seen(&[running(600), running(5)]), [(ago(600), true), (ago(5), false)]);
        let stopped = MemberView { state: Some(InstanceState::Stopped), ..running(30) };
        let bad = GuestReport { is_unhealthy: true, ..GuestReport::default() };
        let sick = MemberView { guest: bad, ..running(600) };
        assert_eq!(seen(&[sick, stopped, running(5)]), [(ago(600), true), (ago(5), false)], "whatever its guest says");
    }

    #[test]
    fn what_only_looks_different_is_no_start() {
        let bad = GuestReport { is_unhealthy: true, ..GuestReport::default() };
        let sick = MemberView { guest: bad, ..running(5) };
        assert_eq!(seen(&[running(600), sick]), [(ago(600), true); 2], "its guest has changed its mind");
        let unlisted = MemberView { state: None, state_since: None, ..running(0) };
        assert_eq!(seen(&[running(600), unlisted, running(600)]), [(ago(600), true); 2], "a list did not show it");

        let mut starts = Starts::default();
        starts.take_in(&[running(600)], &checks(), NOW);
        starts.begin_anew();
        let (targets, _) = starts.take_in(&[running(0)], &checks(), NOW);
        assert_eq!((targets[0].began_at, targets[0].has_served), (ago(600), true), "another engine shows it");
    }

    #[test]
    fn nobody_is_asked_who_does_not_run_or_is_on_the_way_out_or_has_no_address() {
        let retirement = Retirement { stage: RetirementStage::Draining, since: NOW, cause: Cause::ScaleIn };
        for idle in [
            MemberView { state: Some(InstanceState::Stopped), ..running(5) },
            MemberView { phase: Phase::Deleting, ..running(5) },
            MemberView { retirement: Some(retirement), ..running(5) },
            MemberView { instance: None, ..running(5) },
        ] {
            assert_eq!(seen(std::slice::from_ref(&idle)), [], "{idle:?}");
        }
        let instance = InstanceId::new(Uuid::from_u128(7));
        assert_eq!(checks().assignments(instance, &Addresses::default()).count(), 0);
        let addresses = Addresses { primary: running(5).address, networks: None };
        let asked: Vec<u16> = checks().assignments(instance, &addresses).map(|one| one.check).collect();
        assert_eq!(asked, [0], "what the guest says needs no prober");
        let bad = GuestReport { is_unhealthy: true, ..GuestReport::default() };
        let asked = Asked { addresses, guest: bad, signs: GuestSigns::default() };
        assert_eq!(checks().told(&asked, NOW).collect::<Vec<_>>(), [(1, Outcome::Failed(Failure::SaysBad))]);
    }

    #[test]
    fn one_is_asked_at_its_own_address_in_the_network_of_the_check_and_nowhere_else() {
        let [fabric, public] = [8, 9].map(|number| NetworkId::new(Uuid::from_u128(number)));
        let check = |network: NetworkId| {
            serde_json::from_value(serde_json::json!({"type": "tcp", "port": 80, "name": format!("n{network}"),
                "network": network}))
            .unwrap()
        };
        let spec = HealthSpec::of(vec!["tcp:22".parse().unwrap(), check(fabric), check(public)]);
        let checks = Checks::of(&spec).unwrap();
        let asked = |addresses: &Addresses| -> Vec<(u16, Vec<std::net::IpAddr>)> {
            let all = checks.assignments(InstanceId::new(Uuid::from_u128(7)), addresses);
            all.map(|one| (one.check, one.nics.iter().map(|nic| nic.address).collect())).collect()
        };
        let (primary, inner) = ([192, 0, 2, 7].into(), [10, 0, 0, 7].into());
        let known = Addresses { primary: Some(primary), networks: Some([(fabric, inner)].into()) };
        assert_eq!(asked(&known), [(0, vec![primary]), (1, vec![inner]), (2, vec![])], "it has none in the last one");
        assert_eq!(asked(&Addresses { networks: None, ..known.clone() }), [(0, vec![primary])], "nobody knows yet");
        assert_eq!(asked(&Addresses { primary: None, ..known }), [(1, vec![inner]), (2, vec![])]);
    }
}
