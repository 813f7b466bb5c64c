//! From list pages to facts: paging, joining, trust and arrivals.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use crate::support::cloud::{DEPLOYMENT, GROUP, bound, claim_of, in_state, machine, machine_id, sent, snapshot};
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use tsg_core::model::errand::{Errand, ErrandKind};
use tsg_core::model::guest::GuestReport;
use tsg_core::model::id::{ComputeNodeId, DeploymentId, GroupId, InstanceId, NetworkId, OperationId};
use tsg_core::model::instance::{InstanceState, ObservedInstance, Snapshot};
use tsg_core::model::labels::LabelPage;
use tsg_core::model::nic::Nic;
use tsg_core::model::operation::{Operation, Phase};
use tsg_core::model::tag::{Claim, SeenValue};
use tsg_core::model::time::Timestamp;
use tsg_core::observe::arrivals::{Arrival, LedgerLookup, Standing, Stray, arrivals};
use tsg_core::observe::join::{Brief, Joined, Look, join};
use tsg_core::observe::lasting::LastingStates;
use tsg_core::observe::nodes::NodeNumbers;
use tsg_core::observe::paging::{CompleteList, Discard, OVERLAP, Paging, PagingStep};
use tsg_core::observe::trust::{Judgement, LedgerMachine, ViewWatch};
use tsg_core::plan::input::{NO_NODE, RestartHistory, Sighting, ViewTrust};
use tsg_core::ports::cloud::{Addressing, InstancePage, Labelling, ListFilter, ListPage, Tombstones};
use tsg_core::protocol::timing::ProtocolTiming;
use uuid::Uuid;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn at(seconds: u64) -> Timestamp {
    START.after(Duration::from_secs(seconds))
}

/// A cloud's list: machines by number, served in descending order as CloudAPI does.
fn served(live: &BTreeSet<u32>, page: &ListPage) -> InstancePage {
    assert_eq!((&page.filter, page.tombstones), (&ListFilter::All, Tombstones::Hidden));
    let operation = sent(1, START);
    let numbers = live.iter().rev().skip(page.offset as usize).take(page.limit as usize);
    let instances: Vec<ObservedInstance> = numbers.map(|number| machine(*number, &operation)).collect();
    let labels = (page.labelling == Labelling::Labelled).then(|| labels_of(&instances));
    let nics =
        (page.addressing == Addressing::EveryNetwork).then(|| instances.iter().map(|seen| nic_of(seen.id)).collect());
    InstancePage { instances, labels, nics, server_time: None }
}

/// Each machine has one NIC, whose address follows from its id.
fn nic_of(instance: InstanceId) -> Nic {
    let [.., a, b, c] = instance.uuid().into_bytes();
    Nic { instance, network: NetworkId::new(Uuid::from_u128(5)), address: [10, a, b, c].into() }
}

/// Each machine is named after its id and carries the tag that all have and one of its own.
fn labels_of(instances: &[ObservedInstance]) -> LabelPage {
    let mut labels = LabelPage::new();
    for ObservedInstance { id, .. } in instances {
        let name = format!("m-{id}");
        labels.push(*id, &name, [("own", SeenValue::Text(&name)), ("role", SeenValue::Text("web"))]);
    }
    labels
}

/// Reads a list while `between` changes it after each page.
fn read(
    live: &mut BTreeSet<u32>,
    limit: u32,
    mut between: impl FnMut(&mut BTreeSet<u32>),
) -> (Result<Snapshot, Discard>, usize) {
    let (list, requests) = read_labelled(live, limit, Labelling::Bare, &mut between);
    let snapshot = list.map(|list| {
        assert!(list.labels.is_none(), "nobody asked for labels");
        list.snapshot
    });
    (snapshot, requests)
}

fn read_labelled(
    live: &mut BTreeSet<u32>,
    limit: u32,
    labelling: Labelling,
    between: &mut dyn FnMut(&mut BTreeSet<u32>),
) -> (Result<CompleteList, Discard>, usize) {
    let timing = ProtocolTiming::default();
    let mut paging = Paging::with_limit(START, limit, labelling).with_addresses(Addressing::EveryNetwork);
    for requests in 1..1000 {
        let page = served(live, &paging.page());
        match paging.accept(page, Duration::ZERO, &timing) {
            PagingStep::More(next) => paging = next,
            PagingStep::Complete(list) => return (Ok(list), requests),
            PagingStep::Discard(why) => return (Err(why), requests),
        }
        between(live);
    }
    panic!("the list never ends");
}

#[test]
fn a_quiet_list_is_read_whole_with_no_more_pages_than_needed() {
    for count in [0, 1, 99, 100, 101, 149, 150, 151, 1000, 1234] {
        let mut live: BTreeSet<u32> = (0..count).collect();
        let (snapshot, requests) = read(&mut live, 100, |_| {});
        let ids: Vec<InstanceId> = snapshot.unwrap().instances.iter().map(|instance| instance.id).collect();
        assert_eq!(ids, (0..count).map(machine_id).collect::<Vec<_>>(), "in order");
        let expected = if count < 100 { 1 } else { 1 + (count as usize - 100) / 50 + 1 };
        assert_eq!(requests, expected, "{count} machines");
    }
}

#[test]
fn a_machine_that_vanishes_from_an_earlier_page_hides_no_other() {
    let mut live: BTreeSet<u32> = (0..300).collect();
    let mut victim = 299;
    let (snapshot, _) = read(&mut live, 100, |live| {
        live.remove(&victim);
        victim -= 1;
    });
    let seen: BTreeSet<InstanceId> = snapshot.unwrap().instances.iter().map(|instance| instance.id).collect();
    assert!((0..290).map(machine_id).all(|id| seen.contains(&id)));
}

#[test]
fn a_list_is_discarded_when_more_vanished_than_the_overlap_covers() {
    let mut live: BTreeSet<u32> = (0..300).collect();
    let (result, _) = read(&mut live, 100, |live| live.retain(|number| *number < 240));
    assert_eq!(result, Err(Discard::Torn));
}

#[test]
fn a_page_that_repeats_or_overflows_or_comes_late_discards_the_list() {
    let timing = ProtocolTiming::default();
    let operation = sent(1, START);
    let page = |numbers: &mut dyn Iterator<Item = u32>| InstancePage {
        instances: numbers.map(|number| machine(number, &operation)).collect(),
        labels: None,
        nics: None,
        server_time: None,
    };
    let discard = |page, elapsed| match Paging::with_limit(START, 60, Labelling::Bare).accept(page, elapsed, &timing) {
        PagingStep::Discard(why) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(discard(page(&mut [1, 2, 1].into_iter()), Duration::ZERO), Discard::Repeated);
    assert_eq!(discard(page(&mut (0..61)), Duration::ZERO), Discard::TooLong);
    assert_eq!(discard(page(&mut (0..1)), Duration::from_millis(60_001)), Discard::TooSlow);
}

#[test]
fn labels_that_are_not_those_of_a_page_are_none_and_the_list_stands() {
    let operation = sent(1, START);
    let page = |numbers: core::ops::Range<u32>, labelled: core::ops::Range<u32>| {
        let machines = |numbers: core::ops::Range<u32>| -> Vec<ObservedInstance> {
            numbers.rev().map(|number| machine(number, &operation)).collect()
        };
        let labels = Some(labels_of(&machines(labelled)));
        InstancePage { instances: machines(numbers), labels, nics: None, server_time: None }
    };
    let missing = InstancePage { labels: None, ..page(1..52, 0..0) };
    let timing = ProtocolTiming::default();
    for (second, last, count) in [
        (page(1..52, 1..52), page(0..51, 0..51), Some(53)),
        (page(1..52, 2..52), page(0..51, 0..51), None),
        (page(1..52, 2..53), page(0..51, 0..51), None),
        (missing, page(0..51, 0..51), None),
    ] {
        let mut paging = Paging::with_limit(START, OVERLAP + 1, Labelling::Labelled);
        let ending = page(0..50, 0..50);
        let mut complete = None;
        for page in [page(2..53, 2..53), second, last, ending] {
            assert_eq!(paging.page().labelling, Labelling::Labelled, "on every page");
            match paging.accept(page, Duration::ZERO, &timing) {
                PagingStep::More(next) => paging = next,
                PagingStep::Complete(list) => {
                    complete = Some(list);
                    break;
                }
                PagingStep::Discard(why) => panic!("{why:?}"),
            }
        }
        let list = complete.unwrap();
        assert_eq!((list.snapshot.instances.len(), list.labels.map(|labels| labels.len())), (53, count));
    }
}

#[test]
fn nics_are_known_of_all_pages_or_of_none_and_only_where_they_are_wanted() {
    let operation = sent(1, START);
    let page = |numbers: core::ops::Range<u32>, is_told: bool| {
        let instances: Vec<ObservedInstance> = numbers.rev().map(|number| machine(number, &operation)).collect();
        let nics = is_told.then(|| instances.iter().map(|seen| nic_of(seen.id)).collect());
        InstancePage { instances, labels: None, nics, server_time: None }
    };
    let timing = ProtocolTiming::default();
    for (addressing, first, last, is_known) in [
        (Addressing::EveryNetwork, true, true, true),
        (Addressing::EveryNetwork, true, false, false),
        (Addressing::EveryNetwork, false, true, false),
        (Addressing::Primary, true, true, false),
    ] {
        let paging = Paging::with_limit(START, OVERLAP + 1, Labelling::Bare).with_addresses(addressing);
        let PagingStep::More(paging) = paging.accept(page(1..52, first), Duration::ZERO, &timing) else { panic!() };
        assert_eq!(paging.page().addressing, addressing, "on every page");
        let PagingStep::Complete(list) = paging.accept(page(0..50, last), Duration::ZERO, &timing) else {
            panic!("it is the last one")
        };
        assert_eq!(list.nics.is_some(), is_known, "{addressing:?} {first} {last}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    /// Whatever is created and deleted while a list is read: if it counts as complete, then every
    /// machine that was there all the time is in it, once.
    #[test]
    fn a_complete_list_misses_nothing_that_was_there_all_the_time(
        count in 0_u32..600,
        limit in (OVERLAP + 1)..130,
        changes in proptest::collection::vec((0_u32..1200, proptest::bool::ANY), 0..60),
        per_page in 0_usize..30,
    ) {
        let mut live: BTreeSet<u32> = (0..count).map(|number| number * 2).collect();
        let (mut always, mut ever) = (live.clone(), live.clone());
        let mut changes = changes.into_iter();
        let (result, _) = read_labelled(&mut live, limit, Labelling::Labelled, &mut |live| {
            for (number, is_birth) in changes.by_ref().take(per_page) {
                if is_birth && live.insert(number) {
                    ever.insert(number);
                } else if !is_birth && live.remove(&number) {
                    always.remove(&number);
                }
            }
        });
        let Ok(CompleteList { snapshot, labels, nics }) = result else { return Ok(()) };
        let labels = labels.unwrap();
        let seen: Vec<InstanceId> = snapshot.instances.iter().map(|instance| instance.id).collect();
        let unique: BTreeSet<InstanceId> = seen.iter().copied().collect();
        prop_assert_eq!(unique.len(), seen.len());
        prop_assert!(seen.is_sorted());
        prop_assert!(labels.iter().map(|machine| machine.id()).eq(seen.iter().copied()), "labels of the same");
        for labelled in labels.iter() {
            let name = format!("m-{}", labelled.id());
            prop_assert_eq!((labelled.name(), labelled.tag("own")), (&*name, Some(&*name)));
            prop_assert_eq!(labels.get(labelled.id()), Some(labelled));
        }
        prop_assert_eq!(labels.carrying(|_, value| value == "web").count(), seen.len());
        let nics = nics.unwrap();
        for id in &seen {
            let of_one = nics.of_instance(*id).unwrap_or_default();
            prop_assert_eq!(of_one.values().copied().collect::<Vec<_>>(), [nic_of(*id).address]);
        }
        prop_assert!(always.iter().all(|number| unique.contains(&machine_id(*number))));
        let ever: BTreeSet<InstanceId> = ever.into_iter().map(machine_id).collect();
        prop_assert!(unique.is_subset(&ever));
    }
}

fn look_at(taken_at: Timestamp, lasting: &LastingStates) -> Look<'_> {
    Look { taken_at, lasting, now: at(60), youth: Duration::ZERO }
}

/// Operations with their briefs as a ledger keeps them.
fn joined_of<'a>(operations: impl IntoIterator<Item = &'a Operation>, look: &Look<'_>) -> Joined {
    let by_id: BTreeMap<_, _> = operations.into_iter().map(|operation| (operation.id, operation)).collect();
    let briefs: Vec<Brief> = by_id.values().filter_map(|operation| Brief::of(operation)).collect();
    join(&briefs, |id| by_id.get(&id).copied(), look)
}

#[test]
fn members_say_how_their_machine_was_seen() {
    let node = ComputeNodeId::new(Uuid::from_u128(0xc));
    let before = bound(1, Phase::Ready, at(0));
    let seen = ObservedInstance { compute_node: Some(node), is_protected: true, ..machine(1, &before) };
    let shown = snapshot(at(10), vec![seen, machine(9, &sent(9, at(0)))]);
    let mut lasting = LastingStates::new();
    lasting.note_all(&shown);
    let members = |operation: &Operation| joined_of([operation], &look_at(at(10), &lasting)).members;

    let member = members(&before)[0];
    assert_eq!(member.sighting, Sighting::Present(InstanceState::Running));
    assert_eq!((member.compute_node, member.is_protected(), member.instance()), (0, true, Some(machine_id(1))));
    assert_eq!(members(&bound(2, Phase::Ready, at(9)))[0].sighting, Sighting::Missing);
    let since_the_look = members(&bound(2, Phase::Bound, at(10)))[0];
    assert_eq!(since_the_look.sighting, Sighting::None, "bound since the look began");
    assert_eq!(members(&sent(9, at(0)))[0].sighting, Sighting::None, "only the ledger says whose a machine is");
    assert_eq!(members(&bound(1, Phase::Gone, at(0))), []);
}

#[test]
fn members_show_machines_that_were_first_seen_after_the_look() {
    let operations = [1, 2, 3].map(|number| bound(number, Phase::Bound, at(5)));
    let mut lasting = LastingStates::new();
    lasting.note_all(&snapshot(at(10), vec![machine(2, &operations[1])]));
    lasting.note(&in_state(InstanceState::Provisioning, machine(3, &operations[2])), at(20));
    let joined = joined_of(&operations, &look_at(at(10), &lasting));
    let sightings: Vec<_> = joined.members.iter().map(|member| member.sighting).collect();
    let present = Sighting::Present;
    assert_eq!(sightings, [Sighting::Missing, present(InstanceState::Running), present(InstanceState::Provisioning)]);
    assert_eq!((joined.members[1].state_since, joined.members[2].state_since), (at(10), at(20)));
}

#[test]
fn members_carry_what_the_planner_decides_by() {
    let restarts = RestartHistory::NONE.with(at(5));
    let operation = Operation { restarts, revision: 4, sequence: u64::MAX, ..bound(3, Phase::Ready, at(1)) };
    let several = [operation, bound(1, Phase::Gone, at(1)), bound(2, Phase::Ready, at(1))];
    let joined = joined_of(&several, &look_at(at(10), &LastingStates::new()));
    let [plain, member] = joined.members[..] else { panic!("{:?}", joined.members) };
    assert_eq!((plain.operation.bits(), plain.is_detailed()), (2, false), "old, and nothing to say about it");
    assert_eq!((member.operation.bits(), member.is_detailed()), (3, true));
    assert_eq!((member.revision, member.sequence, member.phase_since), (4, u32::MAX, at(1)));
    assert_eq!(member.compute_node, NO_NODE);
    let [detail] = joined.details[..] else { panic!("{:?}", joined.details) };
    assert_eq!((detail.operation.bits(), detail.restarts, detail.asked_at), (3, restarts, at(1)));
}

#[test]
fn a_young_member_says_when_it_was_asked_for_and_an_old_one_does_not() {
    let planned = Operation { phase: Phase::Planned, attempts: Vec::new(), ..sent(1, at(3)) };
    let lasting = LastingStates::new();
    let look = Look { youth: Duration::from_secs(50), ..look_at(at(10), &lasting) };
    let operations = [planned, bound(2, Phase::Ready, at(20)), bound(3, Phase::Ready, at(9))];
    let joined = joined_of(&operations, &look);
    let asked: Vec<_> = joined.details.iter().map(|detail| (detail.operation.bits(), detail.asked_at)).collect();
    assert_eq!(asked, [(2, at(20))]);
}

#[test]
fn a_state_lasts_from_the_first_look_that_shows_it_until_it_changes() {
    let operation = bound(1, Phase::Ready, at(0));
    let running = machine(1, &operation);
    let mut lasting = LastingStates::new();
    let mut seen_at = |seconds: u64, seen: ObservedInstance, errand: Option<Errand>| {
        let shown = snapshot(at(seconds), vec![seen]);
        lasting.note_all(&shown);
        let operation = Operation { errand, ..operation.clone() };
        let joined = joined_of([&operation], &look_at(shown.taken_at, &lasting));
        (joined.members[0].state_since, joined.details.first().map_or(Timestamp::EPOCH, |detail| detail.guest_at))
    };
    let never = Timestamp::EPOCH;
    assert_eq!(seen_at(10, running, None), (at(10), never));
    assert_eq!(seen_at(20, running, None), (at(10), never));
    assert_eq!(seen_at(25, in_state(InstanceState::Stopped, running), None), (at(25), never));
    let busy = ObservedInstance { guest: GuestReport { busy: Some(true), ..GuestReport::default() }, ..running };
    assert_eq!(seen_at(30, busy, None), (at(30), at(30)));
    assert_eq!(seen_at(35, busy, None), (at(30), at(30)));
    let ill = ObservedInstance { guest: GuestReport { is_unhealthy: true, ..busy.guest }, ..running };
    assert_eq!(seen_at(40, ill, None), (at(40), at(40)), "its health changed");
    let errand = Some(Errand::new(ErrandKind::Restart, at(41)));
    assert_eq!(seen_at(50, ill, errand).0, at(60), "about to be restarted, it proves nothing");

    lasting.begin_anew(machine_id(1), at(55));
    assert_eq!(lasting.of(machine_id(1)).map(|lasting| lasting.state_since), Some(at(55)));
    lasting.note_all(&snapshot(at(56), vec![]));
    assert_eq!(lasting.of(machine_id(1)), None);
}

#[test]
fn compute_nodes_are_numbered_alike_for_ever() {
    let mut nodes = NodeNumbers::default();
    let node = |number: u128| ComputeNodeId::new(Uuid::from_u128(number));
    let numbers: Vec<u32> = [7, 3, 7, 9, 3].map(|number| nodes.number_of(node(number))).to_vec();
    assert_eq!(numbers, [0, 1, 0, 2, 1]);
}

/// `count` machines in one phase, of which the first ones show the states given, `None` = absent;
/// the rest run.
fn look(watch: &mut ViewWatch, phase: Phase, count: u32, states: &[(u32, Option<InstanceState>)]) -> Judgement {
    let ledger: Vec<LedgerMachine> =
        (0..count).map(|number| LedgerMachine { instance: machine_id(number), phase }).collect();
    let mut odd = states.iter().flat_map(|(count, state)| std::iter::repeat_n(*state, *count as usize));
    let mut state = || odd.next().unwrap_or(Some(InstanceState::Running));
    let shown = (0..count).map(|number| (number, state()));
    let operation = sent(1, START);
    let machines = shown.filter_map(|(number, state)| Some(in_state(state?, machine(number, &operation)))).collect();
    watch.judge(&snapshot(START, machines), &ledger)
}

#[test]
fn a_look_is_distrusted_when_five_and_more_than_thirty_percent_changed() {
    let table = [
        (10, 4, ViewTrust::Trusted),
        (16, 5, ViewTrust::Distrusted),
        (17, 5, ViewTrust::Trusted),
        (100, 30, ViewTrust::Trusted),
        (100, 31, ViewTrust::Distrusted),
        (5, 5, ViewTrust::Distrusted),
    ];
    for (count, vanished, trust) in table {
        for odd in [None, Some(InstanceState::Offline), Some(InstanceState::Stopped)] {
            let mut watch = ViewWatch::default();
            look(&mut watch, Phase::Ready, count, &[]);
            let judgement = look(&mut watch, Phase::Ready, count, &[(vanished, odd)]);
            assert_eq!((judgement.trust, judgement.changed, judgement.of), (trust, vanished, count), "{odd:?}");
        }
    }
}

#[test]
fn machines_that_come_up_or_leave_by_our_will_do_not_count() {
    use InstanceState as S;
    let mut watch = ViewWatch::default();
    look(&mut watch, Phase::Bound, 10, &[(10, Some(S::Provisioning))]);
    assert_eq!(look(&mut watch, Phase::Bound, 10, &[(4, Some(S::Ready))]).changed, 0);
    look(&mut watch, Phase::Ready, 10, &[(2, Some(S::Stopped)), (2, Some(S::Offline))]);
    assert_eq!(look(&mut watch, Phase::Ready, 10, &[]).changed, 0);
    for phase in [Phase::Deleting, Phase::Failed] {
        let judgement = look(&mut watch, phase, 10, &[(10, None)]);
        assert_eq!((judgement.trust, judgement.of), (ViewTrust::Trusted, 0), "{phase:?}");
    }
}

#[test]
fn the_first_look_after_a_start_is_compared_with_what_the_ledger_promises() {
    let mut watch = ViewWatch::default();
    assert_eq!(watch.trust(), ViewTrust::Unobserved);
    assert_eq!(look(&mut watch, Phase::Ready, 10, &[(9, None)]).trust, ViewTrust::Distrusted);
    let mut watch = ViewWatch::default();
    let provisioning = look(&mut watch, Phase::Bound, 10, &[(9, Some(InstanceState::Provisioning))]);
    assert_eq!(provisioning.trust, ViewTrust::Trusted);
}

#[test]
fn trust_returns_after_three_looks_that_agree_and_not_before() {
    let mut watch = ViewWatch::default();
    look(&mut watch, Phase::Ready, 10, &[]);
    let dark = [(9, None)];
    let trusts: Vec<(ViewTrust, u8)> = (0..5)
        .map(|_| look(&mut watch, Phase::Ready, 10, &dark))
        .map(|judgement| (judgement.trust, judgement.agreeing))
        .collect();
    use ViewTrust::{Distrusted, Trusted};
    assert_eq!(trusts, [(Distrusted, 0), (Distrusted, 1), (Distrusted, 2), (Trusted, 0), (Trusted, 0)]);
    // A view that flickers never agrees with itself.
    look(&mut watch, Phase::Ready, 10, &[]);
    for states in [&dark[..], &[], &dark, &[], &dark] {
        let judgement = look(&mut watch, Phase::Ready, 10, states);
        let came_back = states.is_empty();
        assert_eq!(judgement.trust, Distrusted);
        assert_eq!(judgement.agreeing, u8::from(came_back), "machines that come back are no harm");
    }
}

#[derive(Default)]
struct Ledger {
    operations: BTreeMap<OperationId, Operation>,
    standing: BTreeMap<GroupId, Standing>,
}

impl Ledger {
    fn with(operations: &[&Operation]) -> Self {
        let operations = operations.iter().map(|operation| (operation.id, (*operation).clone())).collect();
        Self { operations, standing: BTreeMap::from([(GROUP, Standing::Kept { newest: 50 })]) }
    }
}

impl LedgerLookup for Ledger {
    fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.operations.get(&id)
    }

    fn standing(&self, group: GroupId) -> Standing {
        self.standing.get(&group).copied().unwrap_or(Standing::Unheard)
    }
}

fn arrival_of(operation: &Operation, machine: ObservedInstance) -> Option<Arrival> {
    let found = arrivals(&snapshot(START, vec![machine]), DEPLOYMENT, &Ledger::with(&[operation]));
    assert!(found.len() <= 1, "one machine, one arrival at most");
    found.first().copied()
}

#[test]
fn a_machine_arrives_according_to_where_its_operation_stands() {
    let stray =
        |operation: &Operation, number| Stray { operation: operation.id, group: GROUP, instance: machine_id(number) };
    let with = |phase| Operation { phase, ..sent(1, START) };
    let own = |phase| bound(1, phase, START);
    let doomed = |phase| Operation { residue: vec![machine_id(8)], ..with(phase) };
    let cases = [
        (with(Phase::Sent), 8, Some(Arrival::Answers as fn(Stray) -> Arrival), None),
        (with(Phase::Unknown), 8, Some(Arrival::Answers as _), None),
        (with(Phase::Lost), 8, Some(Arrival::Late as _), Some(GROUP)),
        (with(Phase::Planned), 8, Some(Arrival::Contradiction as _), Some(GROUP)),
        (with(Phase::Cancelled), 8, Some(Arrival::Contradiction as _), Some(GROUP)),
        (with(Phase::Refused), 8, Some(Arrival::Contradiction as _), Some(GROUP)),
        (own(Phase::Bound), 8, Some(Arrival::Residue as _), Some(GROUP)),
        (own(Phase::Gone), 8, Some(Arrival::Residue as _), Some(GROUP)),
        (doomed(Phase::Unknown), 8, Some(Arrival::Residue as _), Some(GROUP)),
        (doomed(Phase::Lost), 8, Some(Arrival::Residue as _), Some(GROUP)),
        (own(Phase::Gone), 1, Some(Arrival::Revenant as _), Some(GROUP)),
        (own(Phase::Bound), 1, None, None),
        (own(Phase::Ready), 1, None, None),
        (own(Phase::Deleting), 1, None, None),
    ];
    for (operation, number, expected, orphan_of) in cases {
        let arrival = arrival_of(&operation, machine(number, &operation));
        assert_eq!(arrival, expected.map(|kind| kind(stray(&operation, number))), "{:?}", operation.phase);
        assert_eq!(arrival.and_then(|arrival| arrival.orphan_of()), orphan_of, "{:?}", operation.phase);
    }
}

#[test]
fn what_only_looks_like_ours_is_told_apart() {
    let operation = sent(1, START);
    let own = machine(8, &operation);
    let stray = Stray { operation: operation.id, group: GROUP, instance: own.id };
    let older = ObservedInstance { created_at: START.before(Duration::from_secs(3600)), named: None, ..own };
    assert_eq!(arrival_of(&operation, ObservedInstance { named: None, ..own }), Some(Arrival::Misnamed(stray)));
    assert_eq!(arrival_of(&operation, older), Some(Arrival::Misnamed(stray)));
    assert_eq!(arrival_of(&operation, ObservedInstance { claim: None, ..own }), Some(Arrival::Untagged(stray)));
    let foreign = Claim { manager: DeploymentId::from_bits(9), ..claim_of(&operation) };
    let other_installation = ObservedInstance { claim: Some(foreign), named: None, ..own };
    assert_eq!(arrival_of(&operation, other_installation), None, "another installation's machine");
    assert_eq!(arrival_of(&operation, ObservedInstance { claim: None, named: None, ..own }), None);
    assert_eq!(arrival_of(&operation, in_state(InstanceState::Failed, own)), None, "over already");
}

#[test]
fn a_claim_from_the_future_says_that_the_ledger_was_rolled_back() {
    let known = sent(1, START);
    let forgotten = sent(2, START);
    let machine_of_forgotten = machine(9, &forgotten);
    let behind = Arrival::LedgerBehind { instance: machine_id(9), claim: claim_of(&forgotten) };
    assert_eq!(arrival_of(&known, machine_of_forgotten), Some(behind));
    assert_eq!(behind.orphan_of(), None, "everything is held anyway");
    let ahead = Claim { sequence: 51, ..claim_of(&known) };
    let machine_ahead = ObservedInstance { claim: Some(ahead), ..machine(8, &known) };
    let expected = Arrival::LedgerBehind { instance: machine_id(8), claim: ahead };
    assert_eq!(arrival_of(&known, machine_ahead), Some(expected));
}

#[test]
fn a_group_without_operations_in_memory_is_no_sign_of_a_rollback() {
    let gone = Operation { sequence: 7, ..sent(2, START) };
    let instance = machine_id(9);
    let behind = Arrival::LedgerBehind { instance, claim: claim_of(&gone) };
    let cases = [
        (Standing::Unreadable, Arrival::Unread { group: GROUP, instance }, Some(GROUP)),
        (Standing::Forgotten { newest: 7 }, Arrival::Forgotten { group: GROUP, instance }, None),
        (Standing::Forgotten { newest: 6 }, behind, None),
        (Standing::Kept { newest: 7 }, behind, None),
        (Standing::Unheard, behind, None),
    ];
    for (standing, expected, orphan_of) in cases {
        let ledger = Ledger { standing: BTreeMap::from([(GROUP, standing)]), ..Ledger::default() };
        let found = arrivals(&snapshot(START, vec![machine(9, &gone)]), DEPLOYMENT, &ledger);
        assert_eq!(found, [expected], "{standing:?}");
        assert_eq!(found[0].orphan_of(), orphan_of, "{standing:?}");
    }
}

#[test]
fn a_machine_of_an_operation_that_was_never_sent_says_so_too() {
    for phase in [Phase::Planned, Phase::Cancelled] {
        let unsent = Operation { phase, attempts: Vec::new(), ..sent(1, START) };
        let behind = Arrival::LedgerBehind { instance: machine_id(8), claim: claim_of(&unsent) };
        assert_eq!(arrival_of(&unsent, machine(8, &unsent)), Some(behind), "{phase:?}");
    }
}
