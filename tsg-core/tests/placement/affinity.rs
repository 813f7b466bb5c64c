//! CloudAPI's own affinity rules: its messages to the letter, and what each rule matches.

use crate::language::{config, text};
use proptest::prelude::{prop_assert_eq, proptest};
use tsg_core::model::tag::{TagValue, Tags};
use tsg_core::placement::cloudapi::{
    AffinityRule, AffinityValue, InvalidAffinity, InvalidJsExpression, JsExpression, Machine, Subject,
};
use tsg_core::placement::rule::Operator;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x7d3e_1f0a_0c1b_4b7e_9d7a_2f1f_1f1f_1f1f);

fn read(text: &str) -> AffinityRule {
    text.parse().unwrap_or_else(|refused: InvalidAffinity| panic!("{text}: {refused}"))
}

fn refused(text: &str) -> InvalidAffinity {
    text.parse::<AffinityRule>().expect_err(text)
}

#[test]
fn refusals_are_cloudapis_own_words() {
    let (key, value) = (r"/^[a-z_][a-z0-9\-_.]+$/i", r"/^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i");
    let no_operator =
        |rule: &str| format!(r#"could not find operator in affinity rule: expected one of "==", "!=": '{rule}'"#);
    let bad_key =
        |rule: &str, given: &str| format!("invalid key in affinity rule: '{rule}': '{given}' does not match {key}");
    let bad_value =
        |rule: &str, given: &str| format!("invalid value in affinity rule: '{rule}': '{given}' does not match {value}");
    let cases = [
        ("foo", no_operator("foo")),
        ("", no_operator("")),
        ("role=web", no_operator("role=web")),
        ("role!web", no_operator("role!web")),
        ("x==a", bad_key("x==a", "x")),
        ("==a", bad_key("==a", "")),
        ("role ==a", bad_key("role ==a", "role ")),
        ("1role==a", bad_key("1role==a", "1role")),
        ("docker:label:role==a", bad_key("docker:label:role==a", "docker:label:role")),
        ("rôle==a", bad_key("rôle==a", "rôle")),
        // "==" is looked for first, wherever it is.
        ("role!=a==b", bad_key("role!=a==b", "role!=a")),
        ("role==", bad_value("role==", "")),
        ("role==~", bad_value("role==~", "")),
        ("role!=~", bad_value("role!=~", "")),
        ("role==~~a", bad_value("role==~~a", "~a")),
        ("role===a", bad_value("role===a", "=a")),
        ("role==a==b", bad_value("role==a==b", "a==b")),
        ("role!==a", bad_key("role!==a", "role!")),
        ("role==a,b", bad_value("role==a,b", "a,b")),
        ("role==\"a\"", bad_value("role==\"a\"", "\"a\"")),
        ("role==a@b", bad_value("role==a@b", "a@b")),
        ("role==ä", bad_value("role==ä", "ä")),
        // The key is judged before the value.
        ("x==", bad_key("x==", "x")),
    ];
    for (rule, expected) in cases {
        // `!==` holds an "==", so its key ends in "!".
        assert_eq!(refused(rule).to_string(), expected, "{rule}");
    }
}

#[test]
fn a_rule_is_read_in_its_parts_and_written_as_it_was() {
    let (near, far) = (Operator::TOGETHER, Operator::APART);
    let cases = [
        ("instance==web", Subject::Machine, near, "web"),
        ("container!=web", Subject::Machine, far, "web"),
        ("image==web", Subject::Image, near, "web"),
        ("role==~web", Subject::Tag("role"), near.softened(), "web"),
        ("role!=~web", Subject::Tag("role"), far.softened(), "web"),
        ("inst==web", Subject::Tag("inst"), near, "web"),
        ("Instance==web", Subject::Tag("Instance"), near, "web"),
        ("_x.y-Z==~a b\u{a0}\u{feff}", Subject::Tag("_x.y-Z"), near.softened(), "a b\u{a0}\u{feff}"),
        ("role== web", Subject::Tag("role"), near, " web"),
    ];
    for (text, subject, operator, value) in cases {
        let rule = read(text);
        assert_eq!((rule.subject(), rule.operator(), rule.to_string().as_str()), (subject, operator, text));
        assert_eq!(rule.value(), &AffinityValue::Exact(value.into()), "{text}");
    }
}

#[test]
fn values_are_exact_globs_or_expressions() {
    let is = |value: &str, text: &str| read(&format!("role=={value}")).value().is_match(text);
    assert!(is("web", "web") && !is("web", "web1") && !is("w.b", "web"));
    assert!(is("web*", "web") && is("web*", "web-1") && !is("web*", "a-web"));
    assert!(is("*", "") && is("*b", "ab") && !is("*b", "abc"));
    // A star does not reach across a line's end, and nothing but the star is escaped.
    assert!(!is("a*", "a\nb"));
    assert!(is("w.b*", "web") && is("a|b*", "a-anything") && is("a|b*", "anything-b") && !is("a|b*", "cax"));
    assert!(is("[ab]*", "b-1") && is("a?*", "b"));
    // Between slashes, three characters at least, and anywhere.
    assert!(is("/e/", "web") && is("/^w/", "web") && !is("/^e/", "web") && is("/W|e/", "web"));
    assert!(is("//", "//") && !is("//", "a") && is("/", "/") && is("/a", "/a") && is("/a/b/", "xa/bx"));
    assert!(is("/a*/", "b"), "an expression, not a glob");
}

#[test]
fn machines_are_matched_by_id_name_docker_id_or_tag() {
    let docker = "0a1b".repeat(16);
    let tags: Tags = [
        ("role".to_owned(), "web".into()),
        ("port".to_owned(), TagValue::Number(8080.0)),
        ("share".to_owned(), TagValue::Number(0.5)),
        ("up".to_owned(), TagValue::Bool(true)),
        ("docker:label:tier".to_owned(), "gold".into()),
    ]
    .into();
    let machine = Machine { id: ID, name: "web-1", docker_id: Some(&docker), tags: &tags };
    let yes = [
        "instance==7d3e1f0a-0c1b-4b7e-9d7a-2f1f1f1f1f1f",
        "container!=web-1",
        "instance==web*",
        "instance==/b-\\d/",
        "instance==0a1b0a1b",
        &format!("instance=={docker}"),
        "role==web",
        "role!=/^w/",
        "port==8080",
        "share==0.5",
        "up==true",
        "tier==gold",
        "tier==~g*",
    ];
    for rule in yes {
        assert!(read(rule).is_match(&machine), "{rule}");
    }
    let no = [
        "instance==7d3e1f0a-0c1b-4b7e-9d7a-2f1f1f1f1f10",
        "instance==web",
        "instance==1b0a",
        "instance==0a1b*",
        "image==web-1",
        "role==db",
        "port==808",
        "up==True",
        "Role==web",
        "name==web-1",
    ];
    for rule in no {
        assert!(!read(rule).is_match(&machine), "{rule}");
    }
    assert_eq!(read("instance==7d3e1f0a-0c1b-4b7e-9d7a-2f1f1f1f1f1f").machine_id(), Some(ID));
    assert_eq!(read("role==7d3e1f0a-0c1b-4b7e-9d7a-2f1f1f1f1f1f").machine_id(), None);
    assert_eq!(read("instance==7d3e1f0a0c1b4b7e9d7a2f1f1f1f1f1f").machine_id(), None);
}

#[test]
fn only_a_hard_rule_without_a_match_is_complained_of() {
    let cases = [
        ("instance==x", Some(r#"no active containers found matching "x" for affinity "instance==x""#)),
        ("container==/x/", Some(r#"no active containers found matching "/x/" for affinity "container==/x/""#)),
        ("tier==a*", Some(r#"no active containers found matching tag "tier=a*" for affinity "tier==a*""#)),
        ("tier!=a", None),
        ("tier==~a", None),
        ("image==x", None),
    ];
    for (rule, expected) in cases {
        assert_eq!(read(rule).unmatched().as_deref(), expected);
    }
}

/// What JavaScript matches, told by a JavaScript engine.
#[test]
fn expressions_are_javascripts() {
    let yes = [
        (r"^a.c$", "abc"),
        (r"[]a]|b", "b"),
        (r"[^]", "\n"),
        (r"a[[]b", "a[b"),
        (r"[a\-z]+$", "a-z"),
        (r"^[\w-]+$", "a-_9"),
        (r"^[\d-x]+$", "1-x"),
        (r"[\b]", "\u{8}"),
        (r"\q\A\z", "qAz"),
        (r"a]b", "a]b"),
        (r"^(?:a|b)+?c$", "abac"),
        (r"\/\.\-", "/.-"),
        (r"\ba\b", "b a"),
        (r"a\tb", "a\tb"),
        (r"()*a||b", ""),
        (r"[a-]$", "-"),
        (r"^[a-a]$", "a"),
        (r"[--0]", "."),
    ];
    for (expression, text) in yes {
        assert!(JsExpression::new(expression).unwrap().is_match(text), "{expression} {text:?}");
    }
    let no = [
        (r"^a.c$", "a\rc"),
        (r"[]", "a"),
        (r"[^a]", "a"),
        (r"^[\d-x]+$", "5w"),
        (r"[b\d--a]", "^"),
        (r"\A", "a"),
        (r"\ba\b", "ba"),
    ];
    for (expression, text) in no {
        assert!(!JsExpression::new(expression).unwrap().is_match(text), "{expression} {text:?}");
    }
    let refused = [
        (r"(a)\1", InvalidJsExpression::BackReference),
        (r"(?i)a", InvalidJsExpression::Group),
        (r"*a", InvalidJsExpression::NothingToRepeat),
        (r"a**", InvalidJsExpression::NothingToRepeat),
        (r"a+*", InvalidJsExpression::NothingToRepeat),
        (r"a???", InvalidJsExpression::NothingToRepeat),
        (r"^*", InvalidJsExpression::NothingToRepeat),
        (r"(|*)", InvalidJsExpression::NothingToRepeat),
        (r"[a", InvalidJsExpression::Set),
        (r"[z-a]", InvalidJsExpression::Set),
        ("a\\", InvalidJsExpression::Escape),
        (r"\x41", InvalidJsExpression::Escape),
        (r"[\1]", InvalidJsExpression::Escape),
        (r"(a", InvalidJsExpression::Parentheses),
        (r"a)", InvalidJsExpression::Parentheses),
    ];
    for (expression, fault) in refused {
        assert_eq!(JsExpression::new(expression).unwrap_err(), fault, "{expression}");
    }
    assert_eq!(
        JsExpression::new(&format!("{}a{}", "(".repeat(40), ")".repeat(40))).unwrap_err(),
        InvalidJsExpression::TooLarge
    );
    let fault = refused_expression("role==/(a)\\1/");
    assert!(fault.contains("'role==/(a)\\1/' cannot be used as an expression: it refers back"), "{fault}");
}

fn refused_expression(rule: &str) -> String {
    let refused = refused(rule);
    assert!(matches!(refused, InvalidAffinity::Expression { .. }));
    refused.to_string()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_is_read_is_written_as_it_was(text in text()) {
        if let Ok(rule) = text.parse::<AffinityRule>() {
            prop_assert_eq!(rule.to_string(), text);
        }
    }
}
