//! What may be concluded from which evidence: the create and delete protocols, row by row.

use core::time::Duration;

use crate::support::cloud::{answered, attempt, claim_of, in_state, machine, machine_id, sent};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use tsg_core::model::id::{DeploymentId, OperationId};
use tsg_core::model::instance::{InstanceState, ObservedInstance};
use tsg_core::model::operation::{Absence, Deletion, Operation, Silence};
use tsg_core::model::time::Timestamp;
use tsg_core::ports::cloud::{CloudError, ErrorKind, Reach};
use tsg_core::protocol::absence::{AbsenceFinding, GetEvidence, absence, weigh_get};
use tsg_core::protocol::delete::{DeleteStep, Look, delete_step};
use tsg_core::protocol::quiet::{QuietStep, SelfTest, note_negative, quiet};
use tsg_core::protocol::resolve::{Resolution, resolve};
use tsg_core::protocol::send::{SendGuard, send_guard};
use tsg_core::protocol::timing::ProtocolTiming;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn at(seconds: u64) -> Timestamp {
    START.after(Duration::from_secs(seconds))
}

fn resolved(operation: &Operation, found: &[ObservedInstance]) -> Resolution {
    resolve(operation, crate::support::cloud::DEPLOYMENT, found)
}

#[test]
fn one_machine_that_matches_in_everything_is_bound_however_often_it_was_found() {
    let operation = sent(1, START);
    let own = machine(10, &operation);
    let neighbour = machine(11, &sent(2, START));
    let expected = Resolution::Bind { instance: own, residue: vec![] };
    assert_eq!(resolved(&operation, &[own]), expected);
    assert_eq!(resolved(&operation, &[own, neighbour, own]), expected);
    assert_eq!(resolved(&operation, &[neighbour]), Resolution::Nothing);
    assert_eq!(resolved(&operation, &[]), Resolution::Nothing);
}

#[test]
fn of_two_active_machines_the_older_is_bound_and_the_other_is_residue() {
    let operation = sent(1, START);
    let older = machine(20, &operation);
    let younger = ObservedInstance { created_at: at(9), ..machine(10, &operation) };
    let expected = Resolution::Bind { instance: older, residue: vec![younger.id] };
    assert_eq!(resolved(&operation, &[younger, older]), expected);
    assert_eq!(resolved(&operation, &[older, younger]), expected);
}

#[test]
fn dead_machines_are_residue_only_while_there_is_something_to_delete() {
    let operation = sent(1, START);
    let failed = in_state(InstanceState::Failed, machine(10, &operation));
    let destroyed = in_state(InstanceState::Deleted, machine(11, &operation));
    let alive = machine(12, &operation);
    assert_eq!(resolved(&operation, &[failed, destroyed]), Resolution::Dead { residue: vec![failed.id] });
    assert_eq!(resolved(&operation, &[destroyed]), Resolution::Dead { residue: vec![] });
    assert_eq!(resolved(&operation, &[failed, alive]), Resolution::Bind { instance: alive, residue: vec![failed.id] },);
}

#[test]
fn a_machine_that_is_to_be_deleted_is_not_bound_should_it_come_up_after_all() {
    let alive = machine(10, &sent(1, START));
    let operation = Operation { residue: vec![alive.id], ..sent(1, START) };
    let other = ObservedInstance { created_at: at(9), ..machine(11, &operation) };
    assert_eq!(resolved(&operation, &[alive]), Resolution::Dead { residue: vec![alive.id] });
    let expected = Resolution::Bind { instance: other, residue: vec![alive.id] };
    assert_eq!(resolved(&operation, &[alive, other]), expected);
}

#[test]
fn neither_the_name_alone_nor_the_tags_alone_make_a_machine_ours() {
    let operation = sent(1, START);
    let own = machine(10, &operation);
    let renamed = ObservedInstance { named: None, ..own };
    assert_eq!(resolved(&operation, &[renamed]), Resolution::Ambiguous { instance: own.id });
    let copied_onto_older = ObservedInstance { named: None, created_at: START.before(Duration::from_secs(301)), ..own };
    assert_eq!(resolved(&operation, &[copied_onto_older]), Resolution::Nothing);
    for claim in [
        None,
        Some(tsg_core::model::tag::Claim { manager: DeploymentId::from_bits(9), ..claim_of(&operation) }),
        Some(tsg_core::model::tag::Claim { operation: OperationId::from_bits(9), ..claim_of(&operation) }),
    ] {
        let impostor = ObservedInstance { claim, ..own };
        assert_eq!(resolved(&operation, &[impostor]), Resolution::Impostor { instance: own.id });
    }
}

#[test]
fn a_machine_may_seem_older_than_its_request_by_the_skew_that_signatures_allow() {
    let operation = sent(1, START);
    let skewed = ObservedInstance { created_at: START.before(Duration::from_secs(300)), ..machine(10, &operation) };
    assert!(matches!(resolved(&operation, &[skewed]), Resolution::Bind { .. }));
}

/// Follows the quiet rule with look-ups that find nothing until it lets go.
fn follow(mut operation: Operation, timing: &ProtocolTiming) -> (Vec<u64>, QuietStep, u64) {
    let (mut now, mut looks) = (START, Vec::new());
    for _ in 0..100 {
        match quiet(&operation, SelfTest::Green, now, timing) {
            QuietStep::LookUp => {
                looks.push(now.since(START).as_secs());
                operation.silence = note_negative(operation.silence, now, timing);
            }
            QuietStep::Wait { until } => {
                assert!(until > now, "a wait that does not wait");
                now = until;
            }
            end => return (looks, end, now.since(START).as_secs()),
        }
    }
    panic!("the quiet rule never lets go: {looks:?}");
}

#[test]
fn a_create_in_doubt_is_repeated_after_fifteen_quiet_minutes_and_five_look_ups() {
    let timing = ProtocolTiming::default();
    let (looks, end, seconds) = follow(sent(1, START), &timing);
    assert_eq!((looks, end, seconds), (vec![0, 60, 180, 420, 900], QuietStep::Retry, 900));
}

#[test]
fn after_the_last_attempt_it_is_lost() {
    let timing = ProtocolTiming::default();
    let third = Operation { attempts: vec![attempt(START); 3], ..sent(1, START) };
    assert_eq!(follow(third, &timing).1, QuietStep::Lost);
}

#[test]
fn silence_proves_nothing_while_the_account_itself_does_not_answer() {
    let timing = ProtocolTiming::default();
    let silence = Silence { negatives: 9, last_at: Some(at(900)) };
    let operation = Operation { silence, ..sent(1, START) };
    let step = quiet(&operation, SelfTest::Failing, at(901), &timing);
    assert_eq!(step, QuietStep::Wait { until: at(961) });
    assert_eq!(quiet(&operation, SelfTest::Green, at(901), &timing), QuietStep::Retry);
}

#[test]
fn look_ups_that_follow_too_closely_count_as_one() {
    let timing = ProtocolTiming::default();
    let first = note_negative(Silence::default(), at(0), &timing);
    assert_eq!(note_negative(first, at(59), &timing), first);
    assert_eq!(note_negative(first, at(60), &timing), Silence { negatives: 2, last_at: Some(at(60)) });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn nothing_leaves_doubt_without_time_and_look_ups_and_a_self_test(
        negatives in 0_u8..8, last in 0_u64..2000, now in 0_u64..2000, green in any::<bool>(), has_looked in any::<bool>(),
    ) {
        let timing = ProtocolTiming::default();
        let last_at = has_looked.then(|| at(last));
        let operation = Operation { silence: Silence { negatives, last_at }, ..sent(1, START) };
        let self_test = if green { SelfTest::Green } else { SelfTest::Failing };
        let step = quiet(&operation, self_test, at(now), &timing);
        if matches!(step, QuietStep::Retry | QuietStep::Lost) {
            prop_assert!(green && has_looked && negatives >= 3 && last >= 900);
        }
        if let QuietStep::Wait { until } = step {
            prop_assert!(until > at(now));
        }
    }
}

#[test]
fn only_cloudapis_own_words_are_evidence_of_absence() {
    let own = machine(1, &sent(1, START));
    let destroyed = in_state(InstanceState::Deleted, own);
    let other = machine(2, &sent(2, START));
    let unanswered = CloudError { reach: Reach::MaybeSent, status: None, ..answered(ErrorKind::Unavailable, 0) };
    let table: [(Result<ObservedInstance, CloudError>, GetEvidence); 9] = [
        (Ok(destroyed), GetEvidence::Destroyed),
        (Ok(own), GetEvidence::Seen(own)),
        (Ok(other), GetEvidence::Nothing),
        (Ok(in_state(InstanceState::Deleted, other)), GetEvidence::Nothing),
        (Err(answered(ErrorKind::NotFound, 404)), GetEvidence::NotFound),
        (Err(answered(ErrorKind::Corrupt, 404)), GetEvidence::Nothing),
        (Err(answered(ErrorKind::Denied, 403)), GetEvidence::Nothing),
        (Err(answered(ErrorKind::Unavailable, 503)), GetEvidence::Nothing),
        (Err(unanswered), GetEvidence::Nothing),
    ];
    for (reply, expected) in table {
        assert_eq!(weigh_get(machine_id(1), &reply), expected, "{reply:?}");
    }
}

/// Weighs a series of gets, `(seconds, evidence, self-test)`.
fn weigh_all(gets: &[(u64, GetEvidence, SelfTest)]) -> AbsenceFinding {
    let timing = ProtocolTiming::default();
    let (mut known, mut finding) = (Absence::default(), AbsenceFinding::Present);
    for (seconds, evidence, self_test) in gets {
        finding = absence(known, evidence, *self_test, at(*seconds), &timing);
        known = match finding {
            AbsenceFinding::Unproven { absence, .. } => absence,
            AbsenceFinding::Gone | AbsenceFinding::Present => Absence::default(),
        };
    }
    finding
}

#[test]
fn absence_takes_one_410_or_two_404_a_minute_apart_with_a_green_self_test() {
    use GetEvidence::{Destroyed, NotFound, Nothing};
    use SelfTest::{Failing, Green};
    let unproven = |not_found, last: Option<u64>, again| AbsenceFinding::Unproven {
        absence: Absence { not_found, last_at: last.map(at) },
        look_again_at: at(again),
    };
    assert_eq!(weigh_all(&[(0, Destroyed, Failing)]), AbsenceFinding::Gone);
    assert_eq!(weigh_all(&[(0, NotFound, Green)]), unproven(1, Some(0), 60));
    assert_eq!(weigh_all(&[(0, NotFound, Green), (59, NotFound, Green)]), unproven(1, Some(0), 119));
    assert_eq!(weigh_all(&[(0, NotFound, Green), (60, NotFound, Green)]), AbsenceFinding::Gone);
    assert_eq!(weigh_all(&[(0, NotFound, Failing), (60, NotFound, Failing)]), unproven(0, None, 120));
    assert_eq!(weigh_all(&[(0, Nothing, Green), (60, Nothing, Green)]), unproven(0, None, 120));
    let seen = GetEvidence::Seen(machine(1, &sent(1, START)));
    assert_eq!(
        weigh_all(&[(0, NotFound, Green), (60, seen, Green), (120, NotFound, Green)]),
        unproven(1, Some(120), 180),
        "being seen voids what came before",
    );
}

#[test]
fn a_delete_looks_first_sends_once_and_repeats_after_a_minute() {
    let timing = ProtocolTiming::default();
    let own = machine(1, &sent(1, START));
    let decided = Deletion { decided_at: at(0), attempts: 0, last_sent_at: None };
    let once = Deletion { attempts: 1, last_sent_at: Some(at(0)), ..decided };
    let protected = ObservedInstance { is_protected: true, ..own };
    let over = in_state(InstanceState::Deleted, own);
    let wait = |seconds| DeleteStep::Wait { until: at(seconds) };
    let table = [
        ("nothing was seen", decided, None, 0, DeleteStep::Look),
        ("seen just now", decided, Some((own, 0)), 10, DeleteStep::Send),
        ("seen too long ago", decided, Some((own, 0)), 11, DeleteStep::Look),
        ("seen in the future", decided, Some((own, 20)), 10, DeleteStep::Look),
        ("protected before anything was sent", decided, Some((protected, 0)), 1, DeleteStep::Withdraw),
        ("sent a moment ago", once, Some((own, 30)), 30, wait(60)),
        ("still there after a minute", once, Some((own, 60)), 60, DeleteStep::Send),
        ("a minute later, not looked", once, None, 60, DeleteStep::Look),
        ("protected after it was sent", once, Some((protected, 60)), 60, wait(120)),
        ("destroyed", once, Some((over, 60)), 60, wait(120)),
    ];
    for (what, deletion, look, now, expected) in table {
        let look = look.as_ref().map(|(instance, seen)| Look { instance, at: at(*seen) });
        assert_eq!(delete_step(&deletion, look, at(now), &timing), expected, "{what}");
    }
}

#[test]
fn a_sender_that_was_paused_drops_its_request() {
    let timing = ProtocolTiming::default();
    let began = Duration::from_secs(5);
    let after = |millis| began + Duration::from_millis(millis);
    assert_eq!(send_guard(began, after(10_000), &timing), SendGuard::Send);
    assert_eq!(send_guard(began, after(10_001), &timing), SendGuard::Drop);
    assert_eq!(send_guard(began, Duration::ZERO, &timing), SendGuard::Send, "saturates");
}
