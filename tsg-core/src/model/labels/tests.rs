//! What is kept of machines' labels, and what is not.

use alloc::format;
use alloc::string::ToString as _;

use uuid::Uuid;

use super::*;

fn id(number: u128) -> InstanceId {
    InstanceId::new(Uuid::from_u128(number))
}

fn text(text: &str) -> SeenValue<'_> {
    SeenValue::Text(text)
}

fn page(numbers: impl IntoIterator<Item = u128>) -> LabelPage {
    let mut page = LabelPage::new();
    for number in numbers {
        let parity = (number % 2).to_string();
        page.push(id(number), &format!("m-{number}"), [("parity", text(&parity)), ("role", text("web"))]);
    }
    page
}

fn names(labels: &MachineLabels) -> Vec<&str> {
    labels.iter().map(|machine| machine.name()).collect()
}

#[test]
fn what_no_rule_speaks_of_is_left_out_and_the_rest_is_kept_as_it_is_compared() {
    let mut page = LabelPage::new();
    let tags = [
        ("a", SeenValue::Flag(true)),
        ("b", SeenValue::Number(1.5)),
        ("c", SeenValue::Foreign),
        ("d", text("")),
        ("role", text("dé*\u{1f980}")),
        ("tsg.name", text("web")),
        ("tsggroup", text("g7")),
        ("tsgmgr", text("m1")),
        ("tsgop", text("o1")),
        ("tsgseq", text("s1")),
        ("tsgver", text("v1")),
    ];
    page.push(id(1), "sílent", tags);
    page.push(id(2), "", []);
    let labels = page.complete();
    let (first, second) = (labels.get(id(1)).unwrap(), labels.get(id(2)).unwrap());
    let kept: Vec<(&str, &str)> = first.tags().collect();
    let expected = [("a", "true"), ("b", "1.5"), ("d", ""), ("role", "dé*\u{1f980}"), ("tsg.name", "web")];
    assert_eq!(kept.split_last(), Some((&("tsggroup", "g7"), expected.as_slice())));
    assert_eq!((first.name(), first.tag("b"), first.tag("c")), ("sílent", Some("1.5"), None));
    assert_eq!((second.name(), second.tags().count()), ("", 0));
    assert_eq!((labels.len(), labels.get(id(3))), (2, None));
}

#[test]
fn pages_join_into_one_table_ordered_by_id_with_each_tag_once() {
    let mut joined = page([9, 8, 7]);
    joined.forget_last(2);
    joined.append(page([8, 7, 6, 5]));
    joined.append(page([]));
    assert_eq!(joined, page([9, 8, 7, 6, 5]));
    let mut taken = LabelPage::new();
    taken.append(page([2, 1]));
    assert_eq!(taken, page([2, 1]));
    taken.append(page([3, 4]));
    taken.forget_last(1);
    assert_eq!(taken, page([2, 1, 3]));
    taken.forget_last(9);
    taken.append(page([2, 1, 3]));
    assert_eq!(names(&taken.complete()), ["m-1", "m-2", "m-3"]);

    let labels = joined.complete();
    assert_eq!(names(&labels), ["m-5", "m-6", "m-7", "m-8", "m-9"]);
    assert!((5..10).all(|number| labels.get(id(number)).unwrap().name() == format!("m-{number}")));
    assert_eq!(labels.rows.tag_count(), 3, "parity 0, parity 1, role web");
    assert_eq!(labels.rows.tags.text, "parity1rolewebparity0");
}

#[test]
fn each_different_tag_is_asked_about_once() {
    let labels = page(0..1_000).complete();
    let mut asked = 0;
    let odd = labels.carrying(|key, value| {
        asked += 1;
        (key, value) == ("parity", "1")
    });
    assert!(odd.map(|machine| machine.id()).eq((0..1_000).filter(|number| number % 2 == 1).map(id)));
    assert_eq!(asked, 3);
    assert_eq!(labels.carrying(|_, _| false).count(), 0);
}

#[test]
fn tags_of_the_same_hash_stay_apart() {
    let mut page = LabelPage::new();
    for (key, value, expected) in [("a", "bc", 0), ("ab", "c", 1), ("a", "bc", 0), ("ab", "c", 1)] {
        page.rows.tags.push(key);
        page.rows.tags.push(value);
        assert_eq!(page.file_newest(u64::MAX), Some(expected), "{key} {value}");
    }
    assert_eq!((page.rows.tag_count(), page.index.len()), (2, 2));
    let mut page = LabelPage::new();
    page.push(id(1), "", [("a", text("bc")), ("ab", text("c"))]);
    assert!(page.index.keys().is_sorted() && page.rows.carried == [0, 1]);
}

#[test]
fn pages_are_equal_by_what_machines_carry() {
    let of = |name: &str, value: SeenValue<'_>| {
        let mut page = LabelPage::new();
        page.push(id(1), name, [("role", value)]);
        page
    };
    assert_eq!(of("a", text("1")), of("a", SeenValue::Number(1.0)));
    for other in [of("b", text("1")), of("a", text("2")), of("a", SeenValue::Foreign), LabelPage::new()] {
        assert_ne!(of("a", text("1")), other);
    }
    let shown = format!("{:?}", of("a", text("1")).complete());
    assert_eq!(shown, r#"[00000000-0000-0000-0000-000000000001 "a" {"role": "1"}]"#);
}
