//! Draws rules, texts that look like rules, and rules with mistakes in them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;
use tsg_core::placement::rule::{Criterion, Glob, GroupKind, Operator, Pattern, Rule, Scope};
use uuid::Uuid;

/// Inputs that each property is tried on when nothing else is said.
const CASES: u32 = if cfg!(debug_assertions) { 500 } else { 100_000 };
/// Which inputs, when nothing else is said.
const SEED: u64 = 0x7467_7321;

/// How many inputs, and which.
pub fn config() -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let cases = number("TSG_CASES").map_or(CASES, |cases| u32::try_from(cases).expect("a small number"));
    let rng_seed = RngSeed::Fixed(number("TSG_SEED").unwrap_or(SEED));
    ProptestConfig { failure_persistence: None, rng_seed, ..ProptestConfig::with_cases(cases) }
}

/// Up to twelve of these characters.
pub fn value_text(characters: &'static str) -> impl Strategy<Value = String> {
    let characters: Vec<char> = characters.chars().collect();
    vec(select(characters), 0..12).prop_map(String::from_iter)
}

const TAG: &str = "abzAZ059_-./:";

fn tag() -> impl Strategy<Value = String> {
    let word = select(vec!["service", "rack", "platform", "instance", "cn", "role", "node", "_", "9"]);
    let free = (select(vec!['a', 'Z', '_', '7']), value_text(TAG)).prop_map(|(first, rest)| format!("{first}{rest}"));
    prop_oneof![word.prop_map(str::to_owned), free]
}

fn kind() -> impl Strategy<Value = GroupKind> {
    prop_oneof![
        Just("deployment".to_owned()),
        vec(select(vec!['a', 'Z', '0', '_', '-']), 1..8).prop_map(String::from_iter)
    ]
    .prop_map(GroupKind)
}

fn criterion() -> impl Strategy<Value = Criterion> {
    prop_oneof![
        Just(Criterion::Service),
        tag().prop_map(Criterion::ServiceTag),
        kind().prop_map(Criterion::Group),
        (kind(), tag()).prop_map(|(kind, tag)| Criterion::GroupTag(kind, tag)),
        Just(Criterion::Volume),
        tag().prop_map(Criterion::VolumeTag),
        Just(Criterion::Instance),
        tag().prop_map(Criterion::InstanceTag),
        Just(Criterion::Node),
        tag().prop_filter("cn:platform is another criterion", |tag| tag != "platform").prop_map(Criterion::NodeTag),
        Just(Criterion::Platform),
    ]
}

/// Anything that can be seen, and much that means something elsewhere.
fn exact() -> impl Strategy<Value = String> {
    let seen = any::<char>().prop_filter("a control character", |character| !character.is_control());
    let special = select("\"\\/*'`{}<>=!~ ^$|()[]?.,;:äß√\u{202e}".chars().collect::<Vec<_>>());
    vec(prop_oneof![2 => special, 1 => seen, 2 => select(vec!['a', 'b', '-', '0'])], 0..16).prop_map(String::from_iter)
}

fn source() -> impl Strategy<Value = String> {
    let parts =
        ["a", "b", "/", "\\/", "^", "$", ".", "\\d", "[a-c/]", "x*", "y+?", "(z|w)", "\"", " ", "ü", "{{", "\\\\"];
    vec(select(parts.to_vec()), 1..8).prop_map(|parts| parts.concat())
}

fn pattern(criterion: &Criterion) -> impl Strategy<Value = Pattern> + use<> {
    let day = (2000_u32..2100, 1_u32..13, 1_u32..32, 0_u32..24, 0_u32..60);
    let image =
        day.prop_map(|(year, month, day, hour, second)| format!("{year}{month:02}{day:02}T{hour:02}00{second:02}Z"));
    let is_by_name = criterion.is_by_name();
    let usual = prop_oneof![
        3 => exact().prop_map(Pattern::Exact),
        1 => any::<u128>().prop_map(|bits| Pattern::Exact(Uuid::from_u128(bits).to_string())),
        2 => (value_text("ab-./+*"), value_text("a*")).prop_map(|(first, last)| Glob::new(&format!("{first}*{last}"))).prop_map(Pattern::Glob),
        2 => source().prop_filter_map("no expression", |source| source.parse().ok().map(Pattern::Expression)),
        1 => any::<u128>().prop_map(move |bits| match is_by_name {
            true => Pattern::Uuid(Uuid::from_u128(bits)),
            false => Pattern::Exact(Uuid::from_u128(bits).to_string()),
        }),
    ];
    match criterion {
        Criterion::Platform => image.prop_map(|image| Pattern::AtLeast(image.parse().unwrap())).boxed(),
        _ => usual.prop_filter("a glob that begins like an expression", |pattern| !is_slashed(pattern)).boxed(),
    }
}

/// A glob with a slash at its beginning would be read as an expression.
fn is_slashed(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::Glob(glob) if glob.as_str().starts_with('/'))
}

/// A rule that can be written.
pub fn rule() -> impl Strategy<Value = Rule> {
    let scope_and_operator = (select(Scope::ALL.to_vec()), select(Operator::ALL.to_vec()));
    (criterion(), scope_and_operator).prop_flat_map(|(criterion, (scope, operator))| {
        pattern(&criterion).prop_map(move |pattern| {
            // Platform images are only ever compared in one direction.
            let direction =
                if criterion == Criterion::Platform { Operator::TOGETHER.direction } else { operator.direction };
            Rule { scope, criterion: criterion.clone(), operator: Operator { direction, ..operator }, pattern }
        })
    })
}

/// Texts of the parts of rules, in any order, with anything in between.
pub fn text() -> impl Strategy<Value = String> {
    let parts = [
        "service",
        "group",
        "project",
        "volume",
        "instance",
        "container",
        "cn",
        "platform",
        "rack",
        "dc",
        "node",
        "role",
        "deployment",
        ":",
        "==",
        "!=",
        "~",
        ">=",
        "!==",
        "=",
        "!",
        "<",
        "*",
        "/",
        "\"",
        "\\",
        " ",
        "\t",
        "{{",
        ",",
        "?",
        "(",
        ")",
        "[",
        "]",
        "^",
        "|",
        "web",
        "20260101T000000Z",
        "7d3e1f0a-0c1b-4b7e-9d7a-2f1f1f1f1f1f",
        "ü",
        "\u{0}",
        "\u{202e}",
        "'",
        "≠",
    ];
    let part =
        prop_oneof![6 => select(parts.to_vec()).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop_oneof![
        9 => vec(part, 0..12).prop_map(|parts| parts.concat()),
        1 => vec(any::<char>(), 0..1200).prop_map(String::from_iter),
    ]
}

/// Rules with one to three characters too many, too few, or other ones.
pub fn mutated() -> impl Strategy<Value = String> {
    let change = (any::<Index>(), option::of(any::<Index>()), 0_u8..3);
    let strange = "=!~<>:/\"\\*{[( ),'\t\u{0}ü".chars().collect::<Vec<_>>();
    (rule(), vec(change, 1..4)).prop_map(move |(rule, changes)| {
        let mut characters: Vec<char> = rule.to_string().chars().collect();
        for (at, with, kind) in changes {
            let at = at.index(characters.len() + 1);
            let with = with.map_or('x', |with| *with.get(&strange));
            match kind {
                0 => characters.insert(at, with),
                1 => characters.truncate(at),
                _ if at < characters.len() => characters[at] = with,
                _ => characters.push(with),
            }
        }
        characters.into_iter().collect()
    })
}

/// What a glob is, without regard to time.
pub fn naive_glob_match(glob: &[u8], text: &[u8]) -> bool {
    match glob.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skipped| naive_glob_match(rest, &text[skipped..])),
        Some((first, rest)) => text.first() == Some(first) && naive_glob_match(rest, &text[1..]),
    }
}
