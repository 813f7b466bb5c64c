//! Recordings give the same plan again, whatever was recorded, and nothing else passes for one.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::support::table::{cases, scene, written};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use tsg_core::model::id::{InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::fingerprint::PlanId;
use tsg_core::plan::input::{Detail, Member, Sighting};
use tsg_core::plan::plan;
use tsg_core::plan::recorded::Recorded;
use tsg_core::plan::replay::{Part, ReplayError, VERSION, record};
use uuid::Uuid;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/planner").join(name)
}

fn sample(name: &str) -> PathBuf {
    folder("recordings").join(name)
}

#[test]
fn every_case_is_planned_the_same_from_its_recording() {
    let mut count = 0;
    for entry in fs::read_dir(folder("cases")).unwrap() {
        for case in cases(&fs::read_to_string(entry.unwrap().path()).unwrap()) {
            let scene = scene(&case.input);
            let input = scene.input(&scene.members);
            let recorded = Recorded::parse(&record(&input)).unwrap();
            assert_eq!(recorded, Recorded::of(&input), "{}", case.name);
            assert_eq!(plan(&recorded.input()), plan(&input), "{}", case.name);
            count += 1;
        }
    }
    assert!(count > 50, "the cases were not found");
}

#[test]
fn a_serving_member_takes_less_than_its_record_in_memory() {
    let mut scene = scene("group 1000");
    for number in 1..=1000_u32 {
        let id = u128::from(number) << 96 | 0x1234_5678_9abc_def0;
        let since = Timestamp::from_millis(scene.now.as_millis() - 86_400_000 - i64::from(number));
        let mut member = Member::planned(OperationId::from_bits(id), number, 1, since);
        (member.phase, member.sighting) = (Phase::Ready, Sighting::Present(InstanceState::Running));
        member.compute_node = number % 100;
        scene.members.push(member.with_instance(InstanceId::new(Uuid::from_u128(id))));
    }
    let len = record(&scene.input(&scene.members)).len();
    assert!(len < 54_000, "{len} bytes for 1,000 members");
}

/// The checked-in recording of version 1: if reading it or planning from it changes, recordings
/// that people have kept do too.
#[test]
fn a_recording_of_version_1_is_read_and_planned_as_ever() {
    let mut text = fs::read_to_string(sample("version1.txt")).unwrap();
    if env::var_os("TSG_BLESS").is_some() {
        text = written(&text);
        fs::write(sample("version1.txt"), &text).unwrap();
    }
    let case = cases(&text).remove(0);
    let scene = scene(&case.input);
    let recorded = Recorded::parse(&fs::read(sample("version1.tsgplan")).unwrap()).unwrap();
    assert_eq!(recorded, Recorded::of(&scene.input(&scene.members)));
    let planned = plan(&recorded.input()).unwrap();
    assert_eq!(planned, scene.plan().unwrap());
    assert_eq!(scene.told(), case.expected);
}

#[test]
fn a_newer_version_is_refused_and_says_so() {
    let scene = scene("group 1");
    let mut bytes = record(&scene.input(&scene.members));
    bytes[8..10].copy_from_slice(&(VERSION + 1).to_le_bytes());
    let error = Recorded::parse(&bytes).unwrap_err();
    assert_eq!(error, ReplayError::Newer { version: VERSION + 1 });
    assert_eq!(error.to_string(), "the recording has format 2, and this tsg reads up to 1; use a newer tsg");
}

#[test]
fn what_is_no_recording_is_refused() {
    for bytes in [&b""[..], b"tsg-pla", b"{}", b"tsg-plan\0\0aaaaaaaabody"] {
        assert_eq!(Recorded::parse(bytes), Err(ReplayError::NotARecording), "{bytes:?}");
    }
    assert_eq!(Recorded::parse(b"tsg-plan\x01"), Err(ReplayError::Damaged));
    assert_eq!(Recorded::parse(b"tsg-plan\x01\0short"), Err(ReplayError::Damaged));
}

/// Replaces the body of a recording and puts the checksum right: a forger can.
fn forged(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let (head, body) = bytes.split_at(18);
    let mut body = body.to_vec();
    change(&mut body);
    let sum = tsg_core::model::fingerprint::Fingerprint::of_bytes(&body);
    [&head[..10], &sum.as_bytes()[..8], &body].concat()
}

#[test]
fn a_forged_recording_is_refused_by_the_part_that_cannot_be() {
    let scene = scene("group 1\na ready running busy\n");
    let bytes = record(&scene.input(&scene.members));
    let refused = |change: fn(&mut Vec<u8>)| Recorded::parse(&forged(&bytes, change)).unwrap_err();
    assert_eq!(refused(|body| body[4] = b'!'), ReplayError::Impossible(Part::Frame));
    assert_eq!(refused(|body| body.push(0)), ReplayError::Impossible(Part::End));
    assert_eq!(refused(|body| body.truncate(body.len() - 1)), ReplayError::Impossible(Part::Details));
    let unknown_field = |body: &mut Vec<u8>| {
        let guest = body.windows(7).rposition(|bytes| bytes == b"\"guest\"").unwrap();
        body[guest + 1] = b'x';
    };
    assert_eq!(refused(unknown_field), ReplayError::Impossible(Part::Details));
}

#[test]
fn a_number_of_members_that_the_bytes_cannot_hold_is_refused() {
    let scene = scene("group 1");
    let bytes = record(&scene.input(&scene.members));
    // No places, no members, no details: three numbers at the end.
    let many = |body: &mut Vec<u8>| {
        body.truncate(body.len() - 2);
        body.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]);
    };
    assert_eq!(Recorded::parse(&forged(&bytes, many)), Err(ReplayError::Impossible(Part::Members)));
}

#[test]
fn a_plan_has_one_id_however_late_and_under_whatever_seed() {
    let mut scene = scene("group 3\na ready stopped tried:2/90s\nb ready running for:1h\n");
    let id_of = |scene: &crate::support::table::Scene| scene.plan().unwrap().id(&scene.input(&scene.members));
    let shown = id_of(&scene);
    scene.seed ^= 0xffff;
    assert_eq!(id_of(&scene), shown);
    scene.now = Timestamp::from_millis(scene.now.as_millis() + 1000);
    assert_eq!(id_of(&scene), shown);
    assert_eq!(shown.to_string().parse(), Ok(shown));
    assert_eq!(serde_json::from_str::<PlanId>(&serde_json::to_string(&shown).unwrap()).unwrap(), shown);
    for text in ["", "0123", &shown.to_string().to_uppercase().replace(char::is_numeric, "A"), "zz"] {
        assert!(text.parse::<PlanId>().is_err(), "{text}");
    }
}

#[test]
fn a_plan_with_another_step_reason_or_purpose_has_another_id() {
    let id_of = |table: &str| {
        let scene = scene(table);
        scene.plan().unwrap().id(&scene.input(&scene.members)).to_string()
    };
    let tables = [
        "group 2\na ready running\n",
        "group 3\na ready running\n",
        "group 2\na ready running\nb ready stopped\n",
        "group 2\na ready running\nb ready stopped tried:1/60s\n",
        "group 2\na ready running\nc ready stopped\n",
        "group 2 deleting\na ready running\n",
        "group 2\npolicy {\"restart\": {\"attempts\": 2}}\na ready running\n",
        "group 2 window:1\n",
    ];
    let ids: std::collections::BTreeSet<String> = tables.iter().map(|table| id_of(table)).collect();
    assert_eq!(ids.len(), tables.len());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn whatever_is_recorded_gives_the_same_plan(scene in crate::support::draw::scene(), ends in any::<[i64; 3]>()) {
        let mut scene = scene;
        // Moments from all of time, not only from around now.
        for (member, end) in scene.members.iter_mut().zip(ends) {
            member.phase_since = Timestamp::from_millis(end);
        }
        let input = scene.input(&scene.members);
        let recorded = Recorded::parse(&record(&input)).unwrap();
        prop_assert_eq!(&recorded, &Recorded::of(&input));
        prop_assert_eq!(plan(&recorded.input()), plan(&input));
    }

    #[test]
    fn no_bytes_bring_the_reader_down(scene in crate::support::draw::scene(), flips in any::<[(u16, u8); 4]>(), len in any::<u16>()) {
        let bytes = record(&scene.input(&scene.members));
        let mut bad = bytes.clone();
        for (place, mask) in flips {
            let place = usize::from(place) % bad.len();
            bad[place] ^= mask;
        }
        prop_assert!(bad == bytes || Recorded::parse(&bad).is_err());
        let forged = forged(&bytes, |body| {
            for (place, mask) in flips {
                let place = usize::from(place) % body.len();
                body[place] ^= mask;
            }
            body.truncate(usize::from(len).max(1));
        });
        // Whatever it says, it is either refused or planned, not a crash.
        if let Ok(recorded) = Recorded::parse(&forged) {
            let _ = plan(&recorded.input());
        }
    }
}

/// The least that a member or a detail takes bounds how many are believed to follow.
#[test]
fn a_hundred_members_that_say_as_little_as_can_be_said_are_read_back() {
    let mut scene = scene("group 100");
    for number in 1..=100 {
        let operation = OperationId::from_bits(u128::from(number));
        scene.members.push(Member::planned(operation, number, 1, scene.now).with_detail());
        scene.details.push(Detail::new(operation, Timestamp::EPOCH));
    }
    let input = scene.input(&scene.members);
    let bytes = record(&input);
    assert_eq!(Recorded::parse(&bytes), Ok(Recorded::of(&input)));
    assert!(bytes.len() < 8_000, "{} bytes", bytes.len());
}
