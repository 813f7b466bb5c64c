//! Every question about a group gets the answer that the cases say.
//!
//! The cases stand in `tests/planner/cases_why`: a scene as in `tests/planner/cases`, then the questions, one to a
//! line: `why a`, `why group`, `why rollout`. After a change of wording run with `TSG_BLESS=1` and
//! read the difference.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::support::table::{Case, Scene, cases, scene};
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use tsg_core::model::id::OperationId;
use tsg_core::plan::output::Action;
use tsg_core::plan::render::in_words;
use tsg_core::plan::why::{Answer, Prospect, Question, WayOn, why};

fn case_files() -> BTreeMap<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/planner/cases_why");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// A scene and the questions about it, by their words.
fn asked(case: &Case) -> (Scene, Vec<(String, Question)>) {
    let (questions, table): (Vec<&str>, Vec<&str>) = case.input.lines().partition(|line| line.starts_with("why "));
    let scene = scene(&table.join("\n"));
    let question = |line: &str| match line.trim_start_matches("why ") {
        "group" => Question::Group,
        "rollout" => Question::Rollout,
        name => Question::Instance(operation(&scene, name)),
    };
    let questions = questions.into_iter().map(|line| (line.to_string(), question(line))).collect();
    (scene, questions)
}

/// A member's operation, or one that nobody has.
fn operation(scene: &Scene, name: &str) -> OperationId {
    let known = scene.names.iter().find(|(known, _)| known == name);
    known.map_or(OperationId::from_bits(u128::MAX), |(_, operation)| *operation)
}

fn answered(scene: &Scene, question: Question) -> String {
    let mut told = match why(&scene.input(&scene.members), question) {
        Ok(answer) => in_words(&answer, scene.now).to_string(),
        Err(error) => format!("error: {error}"),
    };
    let planned = scene.plan().map(|plan| plan.actions).unwrap_or_default();
    let created = planned.iter().filter(|planned| matches!(planned.action, Action::Create { .. }));
    for (number, planned) in (1..).zip(created) {
        told = told.replace(&planned.action.operation().to_string(), &format!("new{number}"));
    }
    scene.named(&told)
}

fn told(case: &Case) -> String {
    let (scene, questions) = asked(case);
    let mut out = String::new();
    for (words, question) in questions {
        let answer = answered(&scene, question).replace('\n', "\n  ");
        writeln!(out, "{words}?\n  {answer}").unwrap();
    }
    out.trim_end().to_string()
}

fn written(text: &str) -> String {
    let mut out = text.split("## ").next().unwrap_or_default().to_string();
    for case in cases(text) {
        write!(out, "## {}\n{}----\n{}\n\n", case.name, case.input, told(&case)).unwrap();
    }
    out.trim_end().to_string() + "\n"
}

#[test]
fn every_question_is_answered_as_written() {
    let mut wrong = Vec::new();
    for (path, text) in case_files() {
        if env::var_os("TSG_BLESS").is_some() {
            fs::write(&path, written(&text)).unwrap();
            continue;
        }
        for case in cases(&text) {
            let told = told(&case);
            if told != case.expected {
                wrong.push(format!("## {}\n---- expected\n{}\n---- told\n{told}\n", case.name, case.expected));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_instance_waits_for_the_last_of_what_stands_in_its_way() {
    for (table, seconds) in [
        ("group 0\na ready running adopted:50m", Some(600)),
        ("group 1\na ready stopped tried:1/5s", Some(10)),
        // Its own delay is over in 28 s, the pause of the creates later.
        ("group 2 refused:failures/60s\na ready stopped tried:3/60s state:2s", Some(60)),
        ("group 1\na ready running", None),
    ] {
        let scene = scene(table);
        let question = Question::Instance(scene.members[0].operation);
        let Ok(Answer::Instance(answer)) = why(&scene.input(&scene.members), question) else { panic!("{table}") };
        let until = seconds.map(|seconds| scene.now.after(Duration::from_secs(seconds)));
        assert_eq!(answer.until(), until, "{table}");
    }
}

/// The name of a value's variant.
fn variant<T: core::fmt::Debug>(value: &T) -> String {
    let text = format!("{value:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_string()
}

#[test]
fn the_cases_show_every_prospect_and_every_way_on() {
    let mut shown = BTreeSet::new();
    for case in case_files().values().flat_map(|text| cases(text)) {
        let (scene, questions) = asked(&case);
        for (_, question) in questions {
            match why(&scene.input(&scene.members), question) {
                Ok(Answer::Instance(answer)) => _ = shown.insert(variant(&answer.prospect)),
                Ok(Answer::Rollout(answer)) => shown.extend(answer.ways_on.iter().map(variant)),
                _ => {}
            }
        }
    }
    let prospects = PROSPECTS.iter().chain(WAYS);
    let missing: Vec<_> = prospects.filter(|name| !shown.contains(**name)).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

/// Names of all variants of a type. Exhaustive on purpose: a new variant does not compile until
/// it has a name and thereby a case.
macro_rules! named {
    ($all:ident, $type:ident { $($variant:ident),* $(,)? }) => {
        const $all: &[&str] = &[$(stringify!($variant)),*];
        const _: fn(&$type) = |value| match value {
            $($type::$variant { .. } => (),)*
        };
    };
}

named!(
    PROSPECTS,
    Prospect {
        Acted,
        Stays,
        Comes,
        Goes,
        Kept,
        LeftAlone,
        Unresolved,
        Restarts,
        Returns,
        Replaced,
        Removed,
        Surplus,
        Changes
    }
);

named!(WAYS, WayOn { Time, Progress, Promotion, Continuation, Resumption, Thaw, Sight, Room, Permission, Revision });

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn an_answer_never_differs_from_the_plan(scene in crate::support::draw::scene()) {
        let input = scene.input(&scene.members);
        let Ok(plan) = scene.plan() else { return Ok(()) };
        let Answer::Group(group) = why(&input, Question::Group).unwrap() else { panic!("not about the group") };
        prop_assert_eq!(&group.steps, &plan.actions);
        prop_assert_eq!(&group.report, &plan.report);
        prop_assert_eq!(group.looks_again_at, plan.next_wakeup);
        prop_assert!(group.lacking >= group.creates, "{group:#?}");
        prop_assert!(group.creates >= group.lacking || !group.obstacles.is_empty(), "{group:#?}");
        let Answer::Rollout(rollout) = why(&input, Question::Rollout).unwrap() else { panic!("not about the rollout") };
        prop_assert_eq!(rollout.progress, plan.report.rollout);
        for member in &scene.members {
            let answer = why(&input, Question::Instance(member.operation)).unwrap();
            let Answer::Instance(answer) = answer else { panic!("{answer:?}") };
            let planned = plan.actions.iter().find(|planned| planned.action.operation() == member.operation);
            match (answer.prospect, planned) {
                (Prospect::Acted { planned }, Some(expected)) => prop_assert_eq!(&planned, expected),
                (Prospect::Acted { .. }, None) | (_, Some(_)) => prop_assert!(false, "{:?}", answer),
                _ => {}
            }
            prop_assert!(plan.report.counts.of(answer.class) > 0);
            prop_assert!(!in_words(&answer, scene.now).to_string().contains("\n\n"));
        }
        let created = plan.actions.iter().filter(|planned| matches!(planned.action, Action::Create { .. }));
        prop_assert_eq!(created.count(), group.creates as usize);
    }
}
