//! The planner's cases: every class, wait, block, victim rank and known defect by name.
//!
//! The cases stand in `tests/planner/cases`. After a change of wording run with `TSG_BLESS=1`, or with a part
//! of a file's name instead of the 1, and read the difference: what changes there changes what people
//! are told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::support::apply::applied;
use crate::support::table::{cases, scene, written};
use tsg_core::plan::PlanError;
use tsg_core::plan::memory::RolloutState;
use tsg_core::plan::output::{Action, Block, Class, GroupStatus, Reason, VictimRank, Wait};

fn case_files() -> BTreeMap<PathBuf, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/planner/cases");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_case_is_planned_and_told_as_written() {
    let blessed = env::var("TSG_BLESS").ok();
    let is_blessed = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy();
        blessed.as_ref().is_some_and(|part| part == "1" || name.contains(part.as_str()))
    };
    let mut wrong = Vec::new();
    for (path, text) in case_files() {
        if is_blessed(&path) {
            fs::write(&path, written(&text)).unwrap();
            continue;
        }
        for case in cases(&text) {
            let told = scene(&case.input).told();
            if told != case.expected {
                wrong.push(format!(
                    "## {}\n{}---- expected\n{}\n---- told\n{told}\n",
                    case.name, case.input, case.expected
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_plans_nothing_more_once_its_plan_was_carried_out() {
    for case in case_files().values().flat_map(|text| cases(text)) {
        let scene = scene(&case.input);
        let Ok(plan) = scene.plan() else { continue };
        let again = applied(&scene, &plan).plan().unwrap();
        assert_eq!(again.actions, [], "{}", case.name);
    }
}

#[test]
fn a_seed_that_was_used_before_is_refused() {
    let empty = scene("group 2");
    let first = empty.plan().unwrap();
    let mut again = applied(&empty, &first);
    (again.seed, again.intent.capacity) = (empty.seed, 3);
    let Action::Create { operation, .. } = first.actions[0].action else { panic!("{first:?}") };
    assert_eq!(again.plan(), Err(PlanError::SeedReused(operation)));
}

/// Names of the variants that the cases show, by the type they belong to.
fn shown() -> BTreeMap<&'static str, Vec<String>> {
    let mut shown: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for case in case_files().values().flat_map(|text| cases(text)) {
        let Ok(plan) = scene(&case.input).plan() else { continue };
        let mut see = |kind, variant: String| shown.entry(kind).or_default().push(variant);
        see("status", plan.report.status.to_string());
        let classes = Class::ALL.into_iter().filter(|class| plan.report.counts.of(*class) > 0);
        classes.for_each(|class| see("class", class.to_string()));
        plan.report.waits.iter().for_each(|wait| see("wait", wait_name(wait).into()));
        plan.report.blocks.iter().for_each(|block| see("block", block_name(block).into()));
        if let Some(rollout) = plan.report.rollout {
            see("rollout", rollout.course.state.to_string());
        }
        for planned in &plan.actions {
            see("action", action_name(&planned.action).into());
            see("reason", reason_name(&planned.reason).into());
            if let Reason::AboveCapacity { rank, .. } = planned.reason {
                see("rank", rank.to_string());
            }
        }
    }
    shown
}

#[test]
fn the_cases_show_every_class_rank_wait_block_action_and_status() {
    let shown = shown();
    let all = |kind: &str, names: Vec<String>| {
        for name in names {
            assert!(shown[kind].contains(&name), "no case shows the {kind} {name:?}");
        }
    };
    all("class", Class::ALL.iter().map(ToString::to_string).collect());
    all("rank", VictimRank::ALL.iter().map(ToString::to_string).collect());
    all("wait", WAITS.iter().map(ToString::to_string).collect());
    all("block", BLOCKS.iter().map(ToString::to_string).collect());
    all("action", ACTIONS.iter().map(ToString::to_string).collect());
    all("reason", REASONS.iter().map(ToString::to_string).collect());
    all("rollout", RolloutState::ALL.iter().map(ToString::to_string).collect());
    use GroupStatus as S;
    let statuses = [S::Converged, S::Converging, S::Blocked, S::Held, S::Frozen, S::Deleting, S::Deleted];
    all("status", statuses.iter().map(ToString::to_string).collect());
}

/// Names in snake case of all variants of a type, and the name of a value. Exhaustive on purpose:
/// a new variant does not compile until it has a name and thereby a case.
macro_rules! named {
    ($all:ident, $name_of:ident, $type:ident { $($variant:ident),* $(,)? }) => {
        const $all: &[&str] = &[$(stringify!($variant)),*];

        fn $name_of(value: &$type) -> &'static str {
            match value {
                $($type::$variant { .. } => stringify!($variant),)*
            }
        }
    };
}

named!(
    WAITS,
    wait_name,
    Wait {
        Answers,
        Evidence,
        Dispatch,
        Provisioning,
        Listing,
        Destruction,
        Absence,
        Stopping,
        Slots,
        Window,
        StartDelay,
        Budget,
        Proving,
        Retirement,
        Turns,
        Spared,
        ReplaceDelay,
        RepairsInFlight,
        Siblings,
        NodeGrace,
        Availability,
        Maintenance,
        Checkpoint,
        Baking,
    }
);

named!(
    BLOCKS,
    block_name,
    Block {
        Frozen,
        CreatesRefused,
        View,
        Protected,
        OutOfContact,
        Unhealthy,
        Orphans,
        TooManyUnhealthy,
        RepairsHeld,
        RepairsSuspended,
        IdentityAtRisk,
        Paused,
        AwaitsPromotion,
        AwaitsContinue,
        RolloutFailed,
        NoRoomForSurge,
        DisruptionCapped,
    }
);

named!(ACTIONS, action_name, Action { Create, Cancel, Delete, Start, Restart, Drain, Stop, Keep, Update });

named!(
    REASONS,
    reason_name,
    Reason {
        BelowCapacity,
        AboveCapacity,
        TearDown,
        ProvisioningFailed,
        ProvisioningOverdue,
        Stopped,
        WouldNotStart,
        Unhealthy,
        StaysUnhealthy,
        NeverHealthy,
        NodeLost,
        NodeDraining,
        NodeRestarted,
        MarkedBroken,
        Succeeds,
        Succeeded,
        ProbeRepair,
        Canary,
        RolledOut,
        RolledBack,
        Reprovisioned,
        RestartAsked,
        Drained,
        ShutDown,
        KeptLongEnough,
        ReturnedLate,
    }
);
