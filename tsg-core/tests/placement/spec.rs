//! What templates and groups say about placement: how it is read, written and refused.

use core::num::NonZeroU32;

use serde_json::{Value, json};
use tsg_core::placement::rule::{
    Enforce, InvalidPlacement, PREFERENCES_MAX, PlacementSpec, Preference, RULES_MAX, Scope, Soft, SpecPlace, Spread,
};

fn read(form: Value) -> PlacementSpec {
    serde_json::from_value(form).unwrap()
}

fn refused(form: Value) -> String {
    serde_json::from_value::<PlacementSpec>(form).expect_err("a block that cannot be kept").to_string()
}

#[test]
fn nothing_said_is_nothing_written() {
    for empty in [
        json!({}),
        json!({"cn": [], "rack": [], "dc": [], "spread": [], "prefer": [], "enforce": "report"}),
        json!({"soft": "try", "attempts": 3}),
    ] {
        let spec = read(empty);
        assert!(spec.is_default() && spec.check().is_ok());
        assert_eq!(serde_json::to_value(&spec).unwrap(), json!({}));
    }
}

#[test]
fn every_spelling_is_read_and_one_is_written() {
    let written = json!({
        "cn": ["group:deployment!=shop", "service!=~web"],
        "rack": ["cn:power==green"],
        "dc": ["group:resource:env!=prod"],
        "spread": [{"over": "dc", "max_skew": 1, "weight": 100}, {"over": "rack", "max_skew": null, "weight": 7}],
        "prefer": [
            {"rule": "cn:ssd==~true", "scope": "cn", "weight": 100},
            {"rule": "role!=~web", "scope": "rack", "weight": 1000},
        ],
        "soft": "steer",
        "enforce": "replace",
        "attempts": 5,
    });
    for (cn, dc) in [("cn", "dc"), ("compute_node", "data_center"), ("node", "data_center")] {
        let spec = read(json!({
            "enforce": "replace",
            "soft": "steer",
            "attempts": 5,
            dc: ["group:resource:env!==prod"],
            "rack": ["cn:power == green"],
            cn: ["project!=shop", "service!=~web"],
            "prefer": [{"rule": "cn:ssd==true"}, {"rule": "role!=~web", "scope": "rack", "weight": 1000}],
            "spread": [{"over": dc}, {"over": "rack", "max_skew": null, "weight": 7}],
        }));
        let form = serde_json::to_value(&spec).unwrap();
        assert_eq!(form, written);
        assert_eq!(read(form), spec);
    }
}

#[test]
fn fields_mean_what_they_say() {
    let spec = read(json!({
        "rack": ["role==db"], "cn": ["role!=db"], "spread": [{"over": "rack", "max_skew": 3}],
        "prefer": [{"rule": "role==db", "scope": "data_center", "weight": 5}]
    }));
    let scopes: Vec<Scope> = spec.rules.iter().map(|rule| rule.scope).collect();
    assert_eq!(scopes, [Scope::Node, Scope::Rack]);
    assert_eq!(spec.spread, [Spread { over: Scope::Rack, max_skew: NonZeroU32::new(3), weight: 100 }]);
    assert_eq!(spec.prefer, [Preference::new("dc: role==~db".parse().unwrap(), 5)]);
    assert_eq!((spec.enforce, spec.soft, spec.attempts), (Enforce::Report, Soft::Try, 3));
}

#[test]
fn what_cannot_be_kept_is_refused_with_its_path() {
    let web = |count: usize| vec!["service!=web"; count];
    let wish = json!({"rule": "role==db"});
    let cases = [
        (
            json!({"cn": ["role!=a", "role!=b", "service=web"]}),
            "`placement.cn[2]`: the rule cannot be read: at position 8 '=' was found where one of the operators ==, !=, \
             ==~ and !=~ was expected; write service==web",
        ),
        (
            json!({"data_center": ["role==/a(b/"]}),
            "`placement.dc[0]`: the rule cannot be read: at position 9 a regular expression was found that cannot be \
             used: unclosed group; write one that can, or the text itself in quotes",
        ),
        (
            json!({"rack": ["cn: role==a"]}),
            "`placement.rack[0]`: the rule cannot be read: at position 1 the scope cn was found in a rule of the scope \
             rack; move it to the rules of the scope cn",
        ),
        (
            json!({"prefer": [wish, {"rule": "rack: role==a", "scope": "rack"}]}),
            "`placement.prefer[1]`: the rule cannot be read: at position 1 the scope rack was found in a rule of the \
             scope rack; write role==a",
        ),
        (
            json!({"cn": "role==a"}),
            "invalid type: string \"role==a\", expected a list of rules such as [\"service!=web\"]",
        ),
        (
            json!({"prefer": [{"rule": "role==a", "weight": 0}]}),
            "`placement.prefer[0].weight` is 0, so it would never count; write 1 to 1000, or leave the preference out",
        ),
        (
            json!({"prefer": [wish, {"rule": "role==a", "weight": 70_000}]}),
            "`placement.prefer[1].weight` is 70000; write 1000 at most",
        ),
        (
            json!({"spread": [{"over": "rack", "weight": 1001}]}),
            "`placement.spread[0].weight` is 1001; write 1000 at most",
        ),
        (
            json!({"spread": [{"over": "rack", "max_skew": 0}]}),
            "`placement.spread[0].max_skew` is 0, which no number of instances but a multiple of the places could keep; write 1 or more",
        ),
        (
            json!({"spread": [{"over": "rack", "max_skew": null, "weight": 0}]}),
            "`placement.spread[0]` has neither `max_skew` nor a weight, so it would do nothing; give it one of them, or leave it out",
        ),
        (
            json!({"spread": [{"over": "cn"}, {"over": "node"}]}),
            "`placement.spread[1]` is a second one over cn; leave one of them out",
        ),
        (
            json!({"spread": [{"over": "row"}]}),
            "invalid value: string \"row\", expected a scope: \"cn\", \"rack\" or \"dc\"",
        ),
        (json!({"spread": [{"max_skew": 1}]}), "missing field `over`"),
        (json!({"attempts": 0}), "`placement.attempts` is 0; write 1 to 10, or `enforce: report` for none"),
        (json!({"attempts": 300}), "`placement.attempts` is 300; write 1 to 10, or `enforce: report` for none"),
        (
            json!({"cn": web(RULES_MAX), "rack": web(1)}),
            "`placement` has 25 rules; write 24 at most, with a glob or an expression for several names",
        ),
        (
            json!({"prefer": vec![wish.clone(); PREFERENCES_MAX + 1]}),
            "`placement.prefer` has 9 preferences; write 8 at most",
        ),
    ];
    for (form, expected) in cases {
        assert_eq!(refused(form.clone()), expected, "{form}");
    }
    for (form, unknown) in [
        (json!({"cn|compute_node": []}), "cn|compute_node"),
        (json!({"spread": [{"over": "cn", "skew": 1}]}), "skew"),
        (json!({"prefer": [{"rule": "role==a", "wight": 1}]}), "wight"),
        (json!({"enforce": "always"}), "always"),
        (json!({"soft": "hard"}), "hard"),
        (json!({"cn": [], "node": []}), "duplicate field `cn`"),
    ] {
        let refused = refused(form);
        assert!(refused.contains(unknown), "{unknown}: {refused}");
    }
    assert_eq!(read(json!({"cn": web(20), "rack": web(4), "prefer": vec![wish; 8]})).rules.len(), RULES_MAX);
}

#[test]
fn what_was_made_in_code_is_checked_alike() {
    let rule = |text: &str| text.parse().unwrap();
    let of = |rules| PlacementSpec { rules, ..PlacementSpec::default() };
    assert_eq!(of(vec![rule("role==a"), rule("rack: role==a")]).check(), Ok(()));

    let mut unwritable = rule("rack: role==a");
    unwritable.pattern = "a\nb".into();
    let at = SpecPlace::Rule { scope: Scope::Rack, index: 0 };
    assert_eq!(of(vec![rule("role==a"), unwritable.clone()]).check(), Err(InvalidPlacement::NotWritable { at }));

    let prefer = |preference| PlacementSpec { prefer: vec![preference], ..PlacementSpec::default() }.check();
    let at = SpecPlace::Preference { index: 0 };
    assert_eq!(prefer(Preference::new(unwritable, 1)), Err(InvalidPlacement::NotWritable { at }));
    let hard = Preference { rule: rule("role==a"), weight: 1 };
    assert_eq!(prefer(hard), Err(InvalidPlacement::HardPreference { at }));
    assert_eq!(of(vec![rule("role==a"); 25]).check(), Err(InvalidPlacement::TooManyRules { count: 25 }));
}

#[test]
fn the_place_in_a_rule_can_be_drawn() {
    let text = r#"{"cn": ["role!web"]}"#;
    let refused = serde_json::from_str::<PlacementSpec>(text).unwrap_err().to_string();
    assert_eq!(
        refused,
        "`placement.cn[0]`: the rule cannot be read: at position 5 '!' was found where one of the \
                         operators ==, !=, ==~ and !=~ was expected; write role!=web"
    );
    let refused = tsg_core::placement::rule::Rule::read("role!web").unwrap_err();
    let placed = InvalidPlacement::Rule { at: SpecPlace::Preference { index: 3 }, refused: Box::new(refused) };
    assert_eq!(placed.rule().unwrap().drawing(), "role!web\n    ^");
}

/// The page for users, whose blocks have to be ones.
const PAGE: &str = include_str!("../../../docs/placement.md");

fn blocks(kind: &str) -> Vec<&'static str> {
    PAGE.split(&format!("```json {kind}\n")).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_page_for_users_shows_what_can_be_read() {
    let placements = blocks("placement");
    let topologies = blocks("topology");
    assert_eq!((placements.len(), topologies.len()), (1, 1));
    let spec: PlacementSpec = serde_json::from_str(placements[0]).unwrap();
    let written = serde_json::to_value(PlacementSpec { soft: Soft::Steer, attempts: 9, ..spec }).unwrap();
    for field in written.as_object().unwrap().keys() {
        assert!(PAGE.contains(&format!("`{field}`")), "{field} is not on the page");
    }
    serde_json::from_str::<tsg_core::placement::topology::Topology>(topologies[0]).unwrap();
}
