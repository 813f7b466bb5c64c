//! The language of placement rules: what is read, what is refused and how that is said, and that
//! nothing which is written is read as something else.
//!
//! `TSG_CASES` sets how many inputs each property is tried on, and `TSG_SEED` which.

use crate::language::{config, mutated, naive_glob_match, rule, text, value_text};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use tsg_core::placement::rule::{
    Criterion, EXPRESSION_NESTING_MAX, Expression, Fault, Glob, GroupKind, Hint, InvalidExpression, InvalidRule,
    Operator, Pattern, RULE_LENGTH_MAX, Rule, Scope, TAG_LENGTH_MAX, VALUE_LENGTH_MAX,
};
use uuid::Uuid;

const NODE: Uuid = Uuid::from_u128(0x7d3e_1f0a_0c1b_4b7e_9d7a_2f1f_1f1f_1f1f);

fn read(text: &str) -> Rule {
    text.parse().unwrap_or_else(|refused: InvalidRule| panic!("{text}: {refused}"))
}

fn refused(text: &str) -> InvalidRule {
    text.parse::<Rule>().expect_err(text)
}

fn tag(name: &str) -> Criterion {
    Criterion::InstanceTag(name.into())
}

fn group(kind: &str) -> GroupKind {
    GroupKind(kind.into())
}

fn glob(text: &str) -> Pattern {
    Pattern::Glob(Glob::new(text))
}

fn expression(source: &str) -> Pattern {
    Pattern::Expression(source.parse().unwrap())
}

/// What is written, how it is written back, and what it looks at, how and for what.
type Good = (&'static str, &'static str, Criterion, Operator, Pattern);

#[test]
fn criteria_are_read_and_written() {
    let (near, far) = (Operator::TOGETHER, Operator::APART);
    let cases: [Good; 22] = [
        ("service!=web", "service!=web", Criterion::Service, far, "web".into()),
        ("service:tier==gold", "service:tier==gold", Criterion::ServiceTag("tier".into()), near, "gold".into()),
        ("group:deployment!=a", "group:deployment!=a", Criterion::Group(group("deployment")), far, "a".into()),
        ("group:billing==a", "group:billing==a", Criterion::Group(group("billing")), near, "a".into()),
        ("group:r_1:env!=a", "group:r_1:env!=a", Criterion::GroupTag(group("r_1"), "env".into()), far, "a".into()),
        ("project!=a", "group:deployment!=a", Criterion::Group(group("deployment")), far, "a".into()),
        (
            "project:env==a",
            "group:deployment:env==a",
            Criterion::GroupTag(group("deployment"), "env".into()),
            near,
            "a".into(),
        ),
        ("volume==data", "volume==data", Criterion::Volume, near, "data".into()),
        ("volume:kind==nfs", "volume:kind==nfs", Criterion::VolumeTag("kind".into()), near, "nfs".into()),
        ("instance==bob", "instance==bob", Criterion::Instance, near, "bob".into()),
        ("container!=bob", "instance!=bob", Criterion::Instance, far, "bob".into()),
        ("instance:role==a", "role==a", tag("role"), near, "a".into()),
        ("container:role==a", "role==a", tag("role"), near, "a".into()),
        ("role==a", "role==a", tag("role"), near, "a".into()),
        ("app.io/name==a", "app.io/name==a", tag("app.io/name"), near, "a".into()),
        ("instance:docker:label:x==a", "instance:docker:label:x==a", tag("docker:label:x"), near, "a".into()),
        ("instance:service==a", "instance:service==a", tag("service"), near, "a".into()),
        ("instance:rack==a", "instance:rack==a", tag("rack"), near, "a".into()),
        ("instance:1st==a", "instance:1st==a", tag("1st"), near, "a".into()),
        ("cn==headnode", "cn==headnode", Criterion::Node, near, "headnode".into()),
        ("cn:ssd==true", "cn:ssd==true", Criterion::NodeTag("ssd".into()), near, "true".into()),
        (
            "cn:7d3e1f0a-0c1b-4b7e-9d7a-2f1f1f1f1f1f",
            "cn==7d3e1f0a-0c1b-4b7e-9d7a-2f1f1f1f1f1f",
            Criterion::Node,
            near,
            Pattern::Uuid(NODE),
        ),
    ];
    for (text, written, criterion, operator, pattern) in cases {
        let expected = Rule { scope: Scope::Node, criterion, operator, pattern };
        assert_eq!(read(text), expected, "{text}");
        assert_eq!((expected.to_string().as_str(), expected.is_writable()), (written, true), "{text}");
    }
}

#[test]
fn operators_platforms_and_scopes_are_read_and_written() {
    let cases = [
        ("service==~web", "service==~web", Scope::Node),
        ("service!=~web", "service!=~web", Scope::Node),
        ("service!==web", "service!=web", Scope::Node),
        ("service!==~web", "service!=~web", Scope::Node),
        ("cn:platform>=20260101T000000Z", "cn:platform>=20260101T000000Z", Scope::Node),
        ("cn:platform >=~ 20260101T000000Z", "cn:platform>=~20260101T000000Z", Scope::Node),
        (" cn:  service  ==  web\t", "service==web", Scope::Node),
        ("compute_node: service==web", "service==web", Scope::Node),
        ("node : service==web", "service==web", Scope::Node),
        ("rack: service==web", "rack: service==web", Scope::Rack),
        ("dc: service==web", "dc: service==web", Scope::DataCentre),
        ("data_center:\tcn:power==green", "dc: cn:power==green", Scope::DataCentre),
        (
            "rack: cn:7D3E1F0A-0C1B-4B7E-9D7A-2F1F1F1F1F1F",
            "rack: cn==7d3e1f0a-0c1b-4b7e-9d7a-2f1f1f1f1f1f",
            Scope::Rack,
        ),
    ];
    for (text, written, scope) in cases {
        let rule = read(text);
        assert_eq!((rule.to_string().as_str(), rule.scope), (written, scope), "{text}");
        assert_eq!(Rule::read_in(scope, &rule.without_scope().to_string()).unwrap().rule, rule, "{text}");
    }
    let platforms = [">=", ">=~"].map(|operator| read(&format!("cn:platform{operator}20260101T000000Z")));
    assert_eq!(platforms.map(|rule| rule.operator), [Operator::TOGETHER, Operator::TOGETHER.softened()]);
}

#[test]
fn values_are_what_they_look_like_and_in_quotes_themselves() {
    let id = "7D3E1F0A-0C1B-4B7E-9D7A-2F1F1F1F1F1F";
    let cases = [
        ("service==web", "web".into()),
        ("service==\"web\"", "web".into()),
        ("service==a:b@c+d%e#f&g/h", "a:b@c+d%e#f&g/h".into()),
        ("service==größe", "größe".into()),
        ("service==\"\"", "".into()),
        ("service==\"a \\\"b\\\\\"", "a \"b\\".into()),
        ("service==\"web-*\"", "web-*".into()),
        ("service==\"/x/\"", "/x/".into()),
        ("service==web-*", glob("web-*")),
        ("service==**", glob("*")),
        ("service==/^a|b$/", expression("^a|b$")),
        ("service==/a/b \"c\"/", expression("a/b \"c\"")),
        (&format!("service=={id}"), Pattern::Uuid(NODE)),
        (&format!("service==\"{id}\""), id.into()),
        (&format!("role=={id}"), id.into()),
    ];
    for (text, pattern) in cases {
        let rule = read(text);
        assert_eq!(rule.pattern, pattern, "{text}");
        assert_eq!(read(&rule.to_string()), rule, "{text}");
    }
}

#[test]
fn what_may_not_have_been_meant_is_hinted_at() {
    let spelling = |position, written, better| Hint::Spelling { position, written, better };
    let near = |position, tag: &str, criterion| Hint::NearCriterion { position, tag: tag.into(), criterion };
    let cases = [
        ("group:resource:env!==prod", vec![spelling(18, "!==", "!=")]),
        (
            "rack: project!==~a.*",
            vec![
                spelling(6, "project", "group:deployment"),
                spelling(13, "!==~", "!=~"),
                Hint::DotInGlob { position: 18 },
            ],
        ),
        ("project:env==prod", vec![spelling(0, "project", "group:deployment")]),
        ("servce==web", vec![near(0, "servce", "service")]),
        ("Service==web", vec![near(0, "Service", "service")]),
        ("srevice==web", vec![near(0, "srevice", "service")]),
        ("rack: volumes==web", vec![near(6, "volumes", "volume")]),
        ("CN==web", vec![near(0, "CN", "cn")]),
        ("cn:service!=web", vec![Hint::NearScope { position: 3, tag: "service".into() }]),
        ("cn:service:tier!=web", vec![Hint::NearScope { position: 3, tag: "service:tier".into() }]),
        ("role==web*.x", vec![]),
        ("role==\"web.*\"", vec![]),
        ("server==web", vec![]),
        ("cn:ssd==true", vec![]),
        ("container==web", vec![]),
    ];
    for (text, hints) in cases {
        let reading = Rule::read(text).unwrap();
        assert_eq!(reading.hints, hints, "{text}");
        assert!(reading.hints.iter().all(|hint| hint.position() < text.len() && hint.to_string().contains("write")));
        let meant = hints.iter().filter(|hint| !matches!(hint, Hint::Spelling { .. })).count();
        let again = Rule::read(&reading.rule.to_string()).unwrap();
        assert_eq!(again.hints.len(), meant, "what is written back is well spelled: {text}");
    }
}

/// Each case is a drawing of two lines and the sentence; an empty line stands between cases.
#[test]
fn what_is_refused_is_shown_with_its_place_the_reason_and_a_fix() {
    let cases = include_str!("refused.txt");
    let (head, cases) = cases.split_once("\n\n").unwrap();
    let mut said = format!("{head}\n");
    for case in cases.split("\n\n") {
        let refused = refused(case.lines().next().unwrap());
        said += &format!("\n{}\n{refused}\n", refused.drawing());
    }
    assert!(said == include_str!("refused.txt"), "this is what is said now:\n{said}");
}

#[test]
fn nothing_at_all_is_refused_and_of_a_long_rule_the_neighbourhood_is_shown() {
    for (nothing, drawing) in [("", "\n^"), ("  ", "  \n  ^"), ("\t\t", "  \n  ^")] {
        assert_eq!(refused(nothing).drawing(), drawing, "{nothing:?}");
    }
    assert_eq!(refused("dc:").fixed().as_deref(), Some("dc: "));
    assert_eq!(refused("dc: ").place, 4..4);
    let long = format!("rack: service!={}={}", "a".repeat(100), "b".repeat(100));
    let expected = format!("...{}={}...\n{}^", "a".repeat(40), "b".repeat(39), " ".repeat(43));
    assert_eq!(refused(&long).drawing(), expected);
    assert_eq!(refused("a=\u{1b}[2Jb").drawing(), "a=\u{fffd}[2Jb\n ^", "no rule steers a terminal");
}

#[test]
fn platform_images_are_seconds_and_a_later_one_is_as_good() {
    let pattern = read("cn:platform>=20260228T235959Z").pattern;
    for (image, is_match) in [
        ("20260228T235959Z", true),
        ("20260228T235958Z", false),
        ("20260301T000000Z", true),
        ("20260227T235959Z", false),
        ("20270101T000000Z", true),
        ("joyent", false),
        ("", false),
    ] {
        assert_eq!(pattern.is_match(image), is_match, "{image}");
    }
    let refused = [
        "20260001T000000Z",
        "20261301T000000Z",
        "20260100T000000Z",
        "20260132T000000Z",
        "20260101T240000Z",
        "20260101T006000Z",
        "20260101T000060Z",
        "20260101T000000",
        "2026011T000000Z",
        "20260101T0000000Z",
        "+2026101T000000Z",
        "20260101t000000Z",
    ];
    for image in refused {
        assert!(Rule::read(&format!("cn:platform>={image}")).is_err(), "{image}");
    }
    assert!(Rule::read("cn:platform>=20261231T235959Z").is_ok());
}

#[test]
fn a_scope_is_refused_where_it_is_known() {
    let cases = [
        ("rack: service==web", Some("service==web"), "; write service==web"),
        ("dc: service==web", None, "; move it to the rules of the scope dc"),
    ];
    for (text, fixed, end) in cases {
        let refused = Rule::read_in(Scope::Rack, text).unwrap_err();
        assert!(matches!(refused.fault, Fault::ScopeGivenTwice { given: Scope::Rack, .. }));
        assert_eq!(refused.fixed().as_deref(), fixed);
        assert!(refused.to_string().ends_with(end), "{refused}");
    }
}

#[test]
fn what_is_too_long_is_refused() {
    let value = |length: usize| format!("role=={}", "x".repeat(length));
    assert_eq!(read(&value(VALUE_LENGTH_MAX)).pattern, Pattern::Exact("x".repeat(VALUE_LENGTH_MAX)));
    assert_eq!(refused(&value(VALUE_LENGTH_MAX + 1)).fault, Fault::ValueTooLong { bytes: VALUE_LENGTH_MAX + 1 });

    let of_tag = |length: usize| format!("{}==x", "t".repeat(length));
    assert_eq!(read(&of_tag(TAG_LENGTH_MAX)).criterion, tag(&"t".repeat(TAG_LENGTH_MAX)));
    let fault = Fault::NameTooLong { bytes: TAG_LENGTH_MAX + 1, most: TAG_LENGTH_MAX };
    assert_eq!(refused(&of_tag(TAG_LENGTH_MAX + 1)).fault, fault);
    assert!(matches!(
        refused(&format!("group:{}==x", "k".repeat(33))).fault,
        Fault::NameTooLong { bytes: 33, most: 32 }
    ));

    let blanks = format!("{}role==x", " ".repeat(RULE_LENGTH_MAX - 7));
    assert_eq!(read(&blanks), read("role==x"));
    let long = refused(&format!(" {blanks}"));
    assert_eq!((long.fault, long.place), (Fault::RuleTooLong, RULE_LENGTH_MAX..RULE_LENGTH_MAX));
    assert_eq!(refused(&"ü".repeat(RULE_LENGTH_MAX)).given.len(), RULE_LENGTH_MAX);
}

#[test]
fn the_longest_rules_can_be_read_again() {
    let (tag, value) = ("t".repeat(TAG_LENGTH_MAX), "x".repeat(VALUE_LENGTH_MAX));
    for text in
        [format!("compute_node: project:{tag}!==~{value}"), format!("dc: group:{}:{tag}!=~{value}", "k".repeat(32))]
    {
        assert!(read(&text).is_writable());
    }
}

#[test]
fn a_rule_that_was_made_in_code_and_cannot_be_written_says_so() {
    let good = read("role==x");
    let with = |criterion: Criterion, pattern: Pattern| Rule { criterion, pattern, ..good.clone() };
    let cases = [
        with(tag(""), "x".into()),
        with(tag("a b"), "x".into()),
        with(tag("ä"), "x".into()),
        with(tag(&"t".repeat(TAG_LENGTH_MAX + 1)), "x".into()),
        with(tag("role"), "a\u{7}b".into()),
        with(tag("role"), Pattern::Uuid(NODE)),
        with(tag("role"), glob("a b*")),
        with(tag("role"), glob("no star")),
        with(tag("role"), Pattern::AtLeast("20260101T000000Z".parse().unwrap())),
        with(Criterion::Platform, "x".into()),
        with(Criterion::NodeTag("platform".into()), "x".into()),
        with(Criterion::Group(group("a:b")), "x".into()),
        Rule { operator: Operator::APART, ..read("cn:platform>=20260101T000000Z") },
    ];
    for rule in cases {
        assert!(!rule.is_writable(), "{rule:?}");
    }
    assert!(good.is_writable());
}

#[test]
fn expressions_that_are_too_much_are_refused() {
    let nested = |deep: usize| format!("{}a{}", "(".repeat(deep), ")".repeat(deep));
    let most = usize::try_from(EXPRESSION_NESTING_MAX).unwrap();
    assert!(nested(most - 1).parse::<Expression>().is_ok());
    assert_eq!(nested(most + 2).parse::<Expression>().unwrap_err(), InvalidExpression::TooDeep);
    for large in ["(a{1000}){1000}", "[a-z]{2000}", "((a{0,200}){0,200}){0,200}", r"(?:\w{60}){60}"] {
        assert_eq!(large.parse::<Expression>().unwrap_err(), InvalidExpression::TooLarge, "{large}");
    }
    for not_linear in [r"(a)\1", "a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b", "(?>a)"] {
        let fault = not_linear.parse::<Expression>().unwrap_err();
        assert!(matches!(fault, InvalidExpression::Syntax { .. }), "{not_linear}: {fault:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_reads_back_as_the_same_rule(rule in rule()) {
        let written = rule.to_string();
        let read = Rule::read(&written);
        prop_assert_eq!(read.as_ref().map(|reading| &reading.rule), Ok(&rule), "{}", written);
        let without = rule.without_scope().to_string();
        prop_assert_eq!(Rule::read_in(rule.scope, &without).map(|reading| reading.rule), Ok(rule), "{}", without);
    }

    #[test]
    fn whatever_is_given_is_read_to_be_written_or_refused_with_its_place(given in text()) {
        prop_assert!(holds(&given).is_ok(), "{:?}", holds(&given));
    }

    #[test]
    fn so_is_a_rule_with_a_mistake_in_it(given in mutated()) {
        prop_assert!(holds(&given).is_ok(), "{:?}", holds(&given));
    }

    #[test]
    fn a_glob_matches_what_a_naive_one_matches(pattern in value_text("ab*"), text in value_text("ab")) {
        let expected = naive_glob_match(pattern.as_bytes(), text.as_bytes());
        prop_assert_eq!(Glob::new(&pattern).is_match(&text), expected, "{} {}", pattern, text);
    }
}

/// What holds for every text. Says what does not.
fn holds(given: &str) -> Result<(), String> {
    match Rule::read(given) {
        Ok(reading) if reading.rule.is_writable() => Ok(()),
        Ok(reading) => Err(format!("{given:?} is read as {:?}", reading.rule)),
        Err(refused) => is_helpful(&refused).map_err(|why| format!("{given:?}: {why}: {refused:?}")),
    }
}

/// Whether the place is one, the drawing has two lines, and the fix is one.
fn is_helpful(refused: &InvalidRule) -> Result<(), &'static str> {
    let drawing = refused.drawing();
    let Some((line, pointer)) = drawing.split_once('\n') else { return Err("no second line") };
    let caret = pointer.find('^').unwrap_or(usize::MAX);
    if caret > line.chars().count() || pointer.contains('\n') || pointer.len() > 200 {
        return Err("points beside the line");
    }
    if refused.given.get(refused.place.clone()).is_none() || refused.to_string().chars().any(char::is_control) {
        return Err("no place, or a sentence that cannot be shown");
    }
    let fix_start = refused.fix.as_ref().map_or(usize::MAX, |fix| fix.part.start);
    match refused.fixed().map(|fixed| (Rule::read(&fixed), fixed)) {
        Some((Err(again), fixed)) if again.fault == refused.fault && fixed == refused.given => Err("fixes nothing"),
        Some((Err(again), _)) if again.place.start < refused.place.start.min(fix_start) => Err("fixed worse"),
        _ => Ok(()),
    }
}
