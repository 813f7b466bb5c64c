//! Revisions: which change of a template costs what, and which revisions are remembered.

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use tsg_core::model::id::TemplateId;
use tsg_core::model::revision::{
    Disruption, REVISIONS_KEPT, RevisionDigest, RevisionEntry, RevisionFacts, RevisionLog, content_hash,
};
use tsg_core::model::template::TemplateSpec;
use tsg_core::model::time::Timestamp;
use uuid::Uuid;

fn uuid(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn base() -> Value {
    json!({
        "name": "web", "package": uuid(1), "image": uuid(2), "networks": [uuid(3), uuid(4)],
        "firewall_enabled": true, "userdata": "", "metadata": {"role": "web"}, "tags": {"tier": "front", "n": 1}
    })
}

fn with(field: &str, value: Value) -> TemplateSpec {
    let mut spec = base();
    spec[field] = value;
    serde_json::from_value(spec).unwrap()
}

fn spec() -> TemplateSpec {
    serde_json::from_value(base()).unwrap()
}

fn template(number: u128) -> TemplateId {
    TemplateId::new(Uuid::from_u128(number))
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn each_field_costs_what_the_cloud_asks_for_it() {
    let cases = [
        ("name", json!("edge"), Disruption::None),
        ("tags", json!({"tier": "back", "n": 1}), Disruption::InPlace),
        ("tags", json!({"tier": "front", "n": "1"}), Disruption::InPlace),
        ("metadata", json!({}), Disruption::InPlace),
        ("userdata", json!("#!/bin/sh"), Disruption::InPlace),
        ("firewall_enabled", json!(false), Disruption::InPlace),
        ("package", json!(uuid(9)), Disruption::Resize),
        ("image", json!(uuid(9)), Disruption::Replace),
        ("networks", json!([uuid(4), uuid(3)]), Disruption::Replace),
        ("networks", json!([]), Disruption::Replace),
    ];
    for (field, value, expected) in cases {
        let (old, new) = (spec(), with(field, value.clone()));
        let (from, to) = (RevisionDigest::of(&old), RevisionDigest::of(&new));
        assert_eq!(from.disruption_to(&to), expected, "{field}: {value}");
        assert_eq!(to.disruption_to(&from), expected, "{field}: {value}, and back");
        let is_same = content_hash(&old) == content_hash(&new);
        assert_eq!(is_same, expected == Disruption::None, "{field}: {value}");
    }
}

#[test]
fn user_data_is_the_same_under_either_of_its_names() {
    let by_field = with("userdata", json!("#!/bin/sh"));
    let by_key = with("metadata", json!({"role": "web", "user-data": "#!/bin/sh"}));
    assert_eq!(RevisionDigest::of(&by_field), RevisionDigest::of(&by_key));
    assert_eq!(content_hash(&by_field), content_hash(&by_key));
}

/// Digests are kept. If this fails, every instance there is would look outdated after an upgrade:
/// change the code, not the test.
#[test]
fn content_is_hashed_as_it_was_when_it_was_first_kept() {
    let digest = RevisionDigest::of(&spec());
    assert_eq!(
        format!("{:016x} {:016x} {:016x}", digest.place, digest.size, digest.labels),
        "4fd9e27139e895c5 5d49ba04563105cd 14fb964d7523734d"
    );
    assert_eq!(content_hash(&spec()).to_string(), "57e26eb308fb925c628a4c26bc39c98dcabf3729d395f9889c98dee7742311b7");
}

#[test]
fn the_greatest_need_decides_and_a_resize_that_cannot_be_had_is_a_replacement() {
    let facts = |field: &str, value: Value, is_resizable| RevisionFacts {
        number: 1,
        digest: RevisionDigest::of(&with(field, value)),
        is_resizable,
    };
    let (zone, vm) = (facts("name", json!("a"), true), facts("name", json!("a"), false));
    let larger = |is_resizable| {
        let mut spec = with("package", json!(uuid(9)));
        spec.tags.clear();
        RevisionFacts { number: 2, digest: RevisionDigest::of(&spec), is_resizable }
    };
    assert_eq!(zone.disruption_to(&larger(true)), Disruption::Resize);
    assert_eq!(vm.disruption_to(&larger(true)), Disruption::Replace);
    assert_eq!(zone.disruption_to(&larger(false)), Disruption::Replace);
    assert_eq!(vm.disruption_to(&facts("tags", json!({}), false)), Disruption::InPlace);
    assert!(Disruption::None < Disruption::InPlace && Disruption::InPlace < Disruption::Resize);
    assert!(Disruption::Resize < Disruption::Replace);
}

#[test]
fn a_new_revision_needs_new_content() {
    let mut log = RevisionLog::default();
    assert_eq!(log.newest(), None);
    assert_eq!(log.push(template(1), &spec(), at(1)), 1);
    assert_eq!(log.push(template(2), &with("name", json!("edge")), at(2)), 1, "a name is not content");
    assert_eq!(log.newest().unwrap().template, template(2), "the older template may be gone");
    assert_eq!(log.newest().unwrap().made_at, at(1));
    assert_eq!(log.push(template(3), &with("image", json!(uuid(9))), at(3)), 2);
    assert_eq!(log.push(template(4), &spec(), at(4)), 3, "what comes back has a new number");
    let facts = log.facts();
    assert_eq!(facts.iter().map(|facts| facts.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(facts[0].disruption_to(&facts[2]), Disruption::None, "but costs nothing");
    assert!(facts.iter().all(|facts| !facts.is_resizable));
    assert_eq!(log.get(2).map(|entry| entry.template), Some(template(3)));
    assert_eq!(log.get(4), None);
}

#[test]
fn a_group_older_than_its_log_goes_on_counting() {
    let mut log = RevisionLog::beginning_at(7, template(1), &spec(), at(1));
    assert_eq!(log.push(template(2), &with("tags", json!({})), at(2)), 8);
}

#[test]
fn the_newest_stable_revision_is_the_one_to_go_back_to() {
    let mut log = log_of(4);
    assert_eq!(log.newest_stable(), None);
    log.mark_stable(3, at(30));
    log.mark_stable(1, at(40));
    log.mark_stable(3, at(50));
    log.mark_stable(9, at(60));
    let stable = log.newest_stable().unwrap();
    assert_eq!((stable.number, stable.stable_at), (3, Some(at(30))));
}

#[test]
fn a_log_is_read_only_in_order() {
    let mut entries: Vec<RevisionEntry> = log_of(3).into();
    let written = serde_json::to_string(&entries).unwrap();
    assert_eq!(serde_json::from_str::<RevisionLog>(&written).unwrap(), log_of(3));
    entries.swap(1, 2);
    let fault = serde_json::from_str::<RevisionLog>(&serde_json::to_string(&entries).unwrap()).unwrap_err();
    assert!(fault.to_string().contains("revision 2 stands after revision 3; their numbers must rise"), "{fault}");
}

fn log_of(revisions: u32) -> RevisionLog {
    let mut log = RevisionLog::default();
    for number in 1..=revisions {
        log.push(template(u128::from(number)), &with("userdata", json!(number.to_string())), at(i64::from(number)));
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn only_what_nobody_needs_is_forgotten(
        revisions in 0_u32..60, stable in vec(1_u32..60, 0..6), in_use in vec(1_u32..60, 0..6)
    ) {
        let mut log = log_of(revisions);
        stable.iter().for_each(|number| log.mark_stable(*number, at(99)));
        let before = log.clone();
        log.prune(&in_use);
        let is_new = |number: u32| number as usize + REVISIONS_KEPT > revisions as usize;
        for entry in before.entries() {
            let is_needed = is_new(entry.number) || stable.contains(&entry.number) || in_use.contains(&entry.number);
            prop_assert_eq!(log.get(entry.number), Some(entry).filter(|_| is_needed));
        }
        prop_assert_eq!(log.newest_stable(), before.newest_stable());
        prop_assert!(log.entries().len() <= before.entries().len());
        prop_assert_eq!(log.push(template(1), &spec(), at(100)), revisions + 1);
    }
}
