//! The lean page parser against the full one: the same facts of every page that both read, and no
//! facts at all of a damaged page.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};
use tsg_cloudapi::wire::{
    LabelValue, Labels, Machine,
    lean::{FoundNic, MachineFacts, scan_labelled_page, scan_page, scan_whole_page},
};
use tsg_core::model::{guest::GuestReport, tag::SeenValue};
use uuid::Uuid;

fn lean(page: &[u8]) -> Result<Vec<MachineFacts<'_>>, String> {
    let mut facts = Vec::new();
    scan_page(page, |machine| facts.push(machine)).map_err(|error| error.to_string())?;
    Ok(facts)
}

/// The same with all tags.
fn labelled(page: &[u8]) -> Result<(Vec<MachineFacts<'_>>, Vec<Labels>), String> {
    let (mut facts, mut labels) = (Vec::new(), Vec::new());
    let found = scan_labelled_page(page, |machine, tags| {
        let keys: Vec<&str> = tags.iter().map(|tag| tag.seen().0).collect();
        assert!(keys.is_sorted_by(|key, next| key < next), "each once, in order: {keys:?}");
        facts.push(machine);
        labels.push(tags.iter().map(|tag| (tag.seen().0.to_owned(), label(tag.seen().1))).collect());
    });
    found.map_err(|error| error.to_string())?;
    Ok((facts, labels))
}

/// The NICs of each machine, with how many tags it has.
fn whole(page: &[u8]) -> Vec<(usize, Vec<FoundNic>)> {
    let mut found = Vec::new();
    scan_whole_page(page, |_, tags, nics| found.push((tags.len(), nics.to_vec()))).unwrap();
    found
}

/// Those that the full parser reads with a network and an address.
fn nics_of(machine: &Machine) -> Vec<FoundNic> {
    let nics = machine.nics.iter();
    nics.filter_map(|nic| Some(FoundNic { network: nic.network?, address: nic.ip.parse().ok()? })).collect()
}

fn label(value: SeenValue<'_>) -> LabelValue {
    match value {
        SeenValue::Text(text) => text.into(),
        SeenValue::Flag(value) => LabelValue::Bool(value),
        SeenValue::Number(value) => LabelValue::Number(value),
        SeenValue::Foreign => LabelValue::Foreign,
    }
}

/// The full parser may miss a number's nearest neighbour.
fn are_same(found: &Labels, expected: &Labels) -> bool {
    let is_same = |(one, other): (&LabelValue, &LabelValue)| match (one, other) {
        (LabelValue::Number(one), LabelValue::Number(other)) => (one - other).abs() <= other.abs() * 1e-15,
        (one, other) => one == other,
    };
    found.keys().eq(expected.keys()) && found.values().zip(expected.values()).all(is_same)
}

fn full(page: &[u8]) -> Result<Vec<Machine>, String> {
    serde_json::from_slice(page).map_err(|error| error.to_string())
}

/// Arbitrary JSON, for what the lean parser must skip.
fn json_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i32>().prop_map(|value| value.to_string()),
        any::<f32>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| format!("{value:e}")),
        text(),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" ,\n"))),
            prop::collection::vec((text(), inner), 0..4).prop_map(|entries| {
                let entries: Vec<String> =
                    entries.into_iter().map(|(key, value)| format!("{key} :\t{value}")).collect();
                format!("{{ {} }}", entries.join(","))
            }),
        ]
    })
}

/// A JSON string literal, with escapes of every sort now and then.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "[a-z\"\\\\/]{0,40}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        any::<String>().prop_map(|text| {
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            format!("\"{units}\"")
        }),
    ]
}

fn uuid_or_null() -> impl Strategy<Value = String> {
    prop_oneof![Just("null".to_owned()), any::<u128>().prop_map(|bits| format!("\"{}\"", Uuid::from_u128(bits))),]
}

fn state() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\"running\""),
        Just("\"provisioning\""),
        Just("\"failed\""),
        Just("\"d\\u0065leted\""),
        Just("\"of the future\""),
        Just("null"),
    ]
    .prop_map(str::to_owned)
}

fn tags() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("\"tsgmgr\"".to_owned()),
        Just("\"tsgop\"".to_owned()),
        Just("\"tsg\\u006fp\"".to_owned()),
        Just("\"tsgseq\"".to_owned()),
        Just("\"tsgver\"".to_owned()),
        Just("\"tsggroup\"".to_owned()),
        Just("\"triton.cns.s\\u0065rvices\"".to_owned()),
        text(),
    ];
    let entries = prop::collection::vec((key, json_value()), 0..8);
    prop_oneof![
        Just("null".to_owned()),
        entries.prop_map(|entries| {
            let entries: Vec<String> = entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!("{{{}}}", entries.join(","))
        }),
    ]
}

fn brand() -> impl Strategy<Value = String> {
    let known = ["joyent", "lx", "bhyve", "kvm", "b\\u0068yve", "of the future"];
    prop_oneof![Just("null".to_owned()), prop::sample::select(known.to_vec()).prop_map(|brand| format!("\"{brand}\""))]
}

/// Metadata in which guests say something, with values of every sort and keys that recur.
fn metadata() -> impl Strategy<Value = String> {
    let keys = [
        "tsg.busy",
        "tsg.scale_in_cost",
        "tsg.drained",
        "tsg.health",
        "tsg.h\\u0065alth",
        "tsg.heartbeat",
        "tsg.ready",
    ];
    let key = prop_oneof![prop::sample::select(keys.to_vec()).prop_map(|key| format!("\"{key}\"")), text()];
    let values = [
        "\"true\"",
        "\"b\\u0061d\"",
        "\"bad\\n\"",
        "true",
        "false",
        "-7",
        "\"12\"",
        "1.0",
        "2.5",
        "1e3",
        "1800000000",
        "\"1800000000\"",
    ];
    let value = prop_oneof![prop::sample::select(values.to_vec()).prop_map(str::to_owned), json_value()];
    let entries = prop::collection::vec((key, value), 0..8);
    prop_oneof![
        Just("null".to_owned()),
        entries.prop_map(|entries| {
            let entries: Vec<String> = entries.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", entries.join(","))
        }),
    ]
}

fn nics() -> impl Strategy<Value = String> {
    let ip = prop_oneof![
        any::<u32>().prop_map(|bits| format!("\"{}\"", std::net::Ipv4Addr::from_bits(bits))),
        Just("\"fd00::1\"".to_owned()),
        Just("null".to_owned()),
        text(),
    ];
    let nic = (uuid_or_null(), ip, any::<bool>()).prop_map(|(network, ip, primary)| {
        format!("{{\"mac\":\"90:b8:d0:00:00:01\",\"network\":{network},\"ip\" : {ip},\"primary\":{primary}}}")
    });
    let nics = prop::collection::vec(nic, 0..4).prop_map(|nics| format!("[{}]", nics.join(", ")));
    prop_oneof![Just("null".to_owned()), nics]
}

fn created() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        (0_i64..4_000_000_000_000)
            .prop_map(|millis| { format!("\"{}\"", jiff::Timestamp::from_millisecond(millis).unwrap()) }),
    ]
}

fn machine() -> impl Strategy<Value = String> {
    let required = any::<u128>().prop_map(|bits| format!("\"id\":\"{}\"", Uuid::from_u128(bits)));
    let field = |key: &'static str, value: proptest::strategy::BoxedStrategy<String>| {
        prop::option::of(value.prop_map(move |value| format!("\"{key}\":{value}")))
    };
    let known = (
        field("name", prop_oneof![text(), Just("null".to_owned())].boxed()),
        field("state", state().boxed()),
        field("image", uuid_or_null().boxed()),
        field("created", created().boxed()),
        field("compute_node", uuid_or_null().boxed()),
        field(
            "primaryIp",
            prop_oneof![
                text(),
                Just("null".to_owned()),
                Just("\"10.0.0.1\"".to_owned()),
                Just("\"fd00::1\"".to_owned())
            ]
            .boxed(),
        ),
        field(
            "deletion_protection",
            prop_oneof![any::<bool>().prop_map(|b| b.to_string()), Just("null".to_owned())].boxed(),
        ),
        field("tags", tags().boxed()),
        field("future", json_value().boxed()),
    );
    let further = (
        field("package", prop_oneof![text(), Just("null".to_owned())].boxed()),
        field("brand", brand().boxed()),
        field("metadata", metadata().boxed()),
        field("nics", nics().boxed()),
    );
    (required, known, further).prop_flat_map(|(id, known, further)| {
        let mut fields = vec![id];
        let (a, b, c, d, e, f, g, h, i) = known;
        let (j, k, l, m) = further;
        fields.extend([a, b, c, d, e, f, g, h, i, j, k, l, m].into_iter().flatten());
        Just(fields).prop_shuffle().prop_map(|fields| format!("{{{}}}", fields.join(" , ")))
    })
}

fn page() -> impl Strategy<Value = String> {
    prop::collection::vec(machine(), 0..4).prop_map(|machines| format!(" [{}]\n", machines.join(",")))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_parsers_see_the_same_facts(page in page()) {
        let machines = full(page.as_bytes()).unwrap();
        let expected: Vec<MachineFacts<'_>> = machines.iter().map(MachineFacts::of).collect();
        prop_assert_eq!(lean(page.as_bytes()).unwrap(), expected.clone());
        let (facts, labels) = labelled(page.as_bytes()).unwrap();
        prop_assert_eq!(facts, expected);
        prop_assert_eq!(labels.len(), machines.len());
        for (found, machine) in labels.iter().zip(&machines) {
            prop_assert!(are_same(found, &machine.tags), "{found:?} instead of {:?}", machine.tags);
        }
        let expected: Vec<_> = machines.iter().map(|machine| (machine.tags.len(), nics_of(machine))).collect();
        prop_assert_eq!(whole(page.as_bytes()), expected);
    }

    #[test]
    fn a_cut_page_is_an_error(page in page(), cut in any::<prop::sample::Index>()) {
        let whole = page.trim_end();
        let cut = cut.index(whole.len());
        prop_assert!(lean(&whole.as_bytes()[..cut]).is_err());
    }

    #[test]
    fn a_changed_byte_never_makes_a_record_that_the_full_parser_would_not_make(
        page in page(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = page.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        // The full parser also refuses shapes of fields that the lean one passes over; what is no
        // JSON at all both must refuse.
        prop_assert_eq!(labelled(&bytes).is_ok(), lean(&bytes).is_ok());
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
        match (lean(&bytes), full(&bytes)) {
            (Ok(facts), Ok(machines)) => {
                let expected: Vec<MachineFacts<'_>> = machines.iter().map(MachineFacts::of).collect();
                prop_assert_eq!(facts, expected);
            }
            (Ok(_), Err(_)) => prop_assert!(is_json),
            // serde_json does not look into the strings that it skips; the lean parser does.
            (Err(error), Ok(_)) => {
                let strict = serde_json::from_slice::<serde_json::Value>(&bytes);
                prop_assert!(strict.is_err(), "only the lean parser refuses: {error}");
            }
            (Err(_), Err(_)) => {}
        }
    }
}

#[test]
fn what_is_not_a_page_is_refused_with_its_place() {
    let id = "28faa36c-2031-4632-a819-f7defa1299a3";
    let table = [
        ("", 0),
        ("{}", 0),
        ("[null]", 1),
        ("[{}]", 3),
        ("[{\"id\":5}]", 7),
        ("[{\"id\":\"x\"}]", 10),
        ("[] x", 3),
        ("[{\"id\":null}]", 12),
    ];
    for (page, offset) in table {
        let mut count = 0;
        let error = scan_page(page.as_bytes(), |_| count += 1).unwrap_err();
        assert_eq!((error.offset, count), (offset, 0), "{page}: {error}");
    }
    let invalid = [
        "\"a\":01",
        "\"a\":+1",
        "\"a\":1.",
        "\"a\":.5",
        "\"a\":1e",
        "\"a\":-",
        "\"a\":tru",
        "\"a\":nul",
        "\"a\":\"\\x\"",
        "\"a\":\"\\u12g4\"",
        "\"a\":\"\\ud800\"",
        "\"a\":\"\u{1}\"",
        "\"a\":[1,]",
        "\"a\":{\"b\"}",
        "\"a\":{,}",
        "a:1",
        "\"a\" 1",
        "\"a\":",
        "\"name\":5",
        "\"tags\":[]",
        "\"metadata\":[]",
        "\"metadata\":{\"tsg.busy\":tru}",
        "\"metadata\":{\"tsg.busy\":01}",
        "\"metadata\":{\"tsg.busy\":\"\\ud800\"}",
        "\"package\":5",
        "\"brand\":[]",
        "\"state\":true",
        "\"created\":\"yesterday\"",
        "\"image\":\"nope\"",
        "\"deletion_protection\":1",
        "\"name\":\"\\ud800\"",
    ];
    for field in invalid {
        let page = format!("[{{\"id\":\"{id}\",{field}}}]");
        assert!(lean(page.as_bytes()).is_err(), "{page}");
    }
    let twice = format!("[{{\"id\":\"{id}\",\"id\":\"{id}\"}}]");
    assert!(lean(twice.as_bytes()).is_err() && full(twice.as_bytes()).is_err());
    let not_utf8 = [b"[{\"id\":\"".as_slice(), b"\xff\"}]"].concat();
    assert_eq!(lean(&not_utf8).unwrap_err(), "UTF-8 text expected at byte 8");
    let deep = format!("[{{\"id\":\"{id}\",\"a\":{}{}}}]", "[".repeat(100_000), "]".repeat(100_000));
    assert!(lean(deep.as_bytes()).is_err());
}

#[test]
fn the_last_value_of_a_tag_counts_whatever_its_type() {
    let id = "28faa36c-2031-4632-a819-f7defa1299a3";
    let table = [
        (r#""role":"a","role":"b""#, "b".into()),
        (r#""role":"a","x":1,"r\u006fle":7"#, LabelValue::Number(7.0)),
        (r#""role":1.5,"role":null"#, LabelValue::Foreign),
        (r#""role":{"role":"a"},"role":false"#, LabelValue::Bool(false)),
        (r#""role":"\ud83e\udd80*""#, "\u{1f980}*".into()),
    ];
    for (tags, expected) in table {
        let page = format!(r#"[{{"tags":{{{tags}}},"id":"{id}"}},{{"id":"{id}"}},{{"id":"{id}","tags":null}}]"#);
        let (_, labels) = labelled(page.as_bytes()).unwrap();
        assert_eq!(labels[0]["role"], expected, "{tags}");
        assert!(labels[1].is_empty() && labels[2].is_empty(), "{tags}");
    }
    for invalid in [r#""role":01"#, r#""role":tru"#, r#""role":"\ud800""#, r#""role":"#, r#""tsgop":[1,]"#] {
        let page = format!(r#"[{{"tags":{{{invalid}}},"id":"{id}"}}]"#);
        assert!(labelled(page.as_bytes()).is_err(), "{invalid}");
    }
}

#[test]
fn what_a_guest_says_is_read_whatever_its_type_and_the_last_word_counts() {
    let id = "28faa36c-2031-4632-a819-f7defa1299a3";
    let silent = GuestReport::default();
    let table = [
        (r#""tsg.busy":false"#, GuestReport { busy: Some(false), ..silent }),
        (r#""tsg.busy":"tr\u0075e""#, GuestReport { busy: Some(true), ..silent }),
        (r#""tsg.scale_in_cost": -7 "#, GuestReport { scale_in_cost: Some(-7), ..silent }),
        (r#""tsg.scale_in_cost":1e1"#, GuestReport { scale_in_cost: Some(10), ..silent }),
        (r#""tsg.scale_in_cost":1e999"#, silent),
        (r#""tsg.draine\u0064":true"#, GuestReport { has_drained: true, ..silent }),
        (r#""tsg.health":"bad""#, GuestReport { is_unhealthy: true, ..silent }),
        (r#""tsg.health":"bad","x":[1],"tsg.health":null"#, silent),
        (r#""tsg.busy":true,"tsg.busy":{"a":[]}"#, silent),
    ];
    for (metadata, expected) in table {
        let page = format!(r#"[{{"id":"{id}","metadata":{{{metadata}}}}}]"#);
        assert_eq!(lean(page.as_bytes()).unwrap()[0].guest, expected, "{metadata}");
        if let Ok(machines) = full(page.as_bytes()) {
            assert_eq!(MachineFacts::of(&machines[0]).guest, expected, "{metadata}");
        }
    }
}

#[test]
fn what_takes_an_instance_out_of_discovery_is_read() {
    let table = [
        (r#""a":"down""#, false),
        (r#""triton.cns.status":"up""#, false),
        (r#""triton.cns.status":"down""#, true),
        (r#""triton.cns.st\u0061tus":"gone""#, true),
        (r#""triton.cns.status":"down","triton.cns.status":"up""#, false),
        (r#""triton.cns.status":1"#, true),
    ];
    for (metadata, expected) in table {
        let page = format!(r#"[{{"id":"28faa36c-2031-4632-a819-f7defa1299a3","metadata":{{{metadata}}}}}]"#);
        assert_eq!(lean(page.as_bytes()).unwrap()[0].is_delisted, expected, "{metadata}");
        if let Ok(machines) = full(page.as_bytes()) {
            assert_eq!(MachineFacts::of(&machines[0]).is_delisted, expected, "{metadata}");
        }
    }
}
