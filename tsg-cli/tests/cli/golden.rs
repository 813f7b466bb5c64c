//! What people and scripts see of the program itself: help texts, exit codes, completions.
//!
//! The texts are in `data/help`; `TSG_UPDATE_GOLDEN=1` writes them anew, to be read in the diff.

use std::fs;
use std::path::PathBuf;

use crate::support::process::{Said, run, tsg};

/// Every command there is, by its words.
const COMMANDS: [&[&str]; 44] = [
    &[],
    &["demo"],
    &["sim"],
    &["sim", "fault"],
    &["sim", "fault", "list"],
    &["sim", "fault", "add"],
    &["sim", "fault", "clear"],
    &["sim", "manner"],
    &["server"],
    &["account"],
    &["account", "enroll"],
    &["account", "allow"],
    &["account", "list"],
    &["template"],
    &["template", "create"],
    &["template", "list"],
    &["template", "get"],
    &["template", "delete"],
    &["group"],
    &["group", "create"],
    &["group", "list"],
    &["group", "get"],
    &["group", "scale"],
    &["group", "update"],
    &["group", "instances"],
    &["group", "delete"],
    &["group", "plan"],
    &["group", "why"],
    &["placement"],
    &["placement", "check"],
    &["placement", "explain"],
    &["rollout"],
    &["rollout", "status"],
    &["rollout", "pause"],
    &["rollout", "continue"],
    &["rollout", "promote"],
    &["rollout", "abort"],
    &["wait"],
    &["events"],
    &["prober"],
    &["probers"],
    &["reconcile"],
    &["scale"],
    &["completions"],
];

fn say(arguments: &[&str]) -> Said {
    let home = tempfile::tempdir().unwrap();
    run(&mut tsg(home.path(), arguments))
}

fn golden_file(words: &[&str]) -> PathBuf {
    let name = if words.is_empty() { "tsg".to_owned() } else { words.join("-") };
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/data/help").join(format!("{name}.txt"))
}

#[test]
fn help_reads_as_it_was_reviewed() {
    let is_update = std::env::var_os("TSG_UPDATE_GOLDEN").is_some();
    let mut changed = Vec::new();
    for words in COMMANDS {
        let help = say(&[words, &["--help"]].concat()).ok().out;
        let file = golden_file(words);
        if is_update {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &help).unwrap();
        }
        if fs::read_to_string(&file).unwrap_or_default() != help {
            changed.push(format!("{words:?}:\n{help}"));
        }
    }
    assert!(
        changed.is_empty(),
        "help has changed; run with TSG_UPDATE_GOLDEN=1 and read the diff:\n{}",
        changed.concat()
    );
}

/// The help of each command names its subcommands; the list above must have every one of them.
#[test]
fn no_command_is_left_out() {
    for words in COMMANDS {
        let help = say(&[words, &["--help"]].concat()).ok().out;
        let Some((_, listed)) = help.split_once("Commands:\n") else { continue };
        for line in listed.lines().take_while(|line| !line.is_empty()) {
            let Some(name) = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')) else { continue };
            let name = name.split_whitespace().next().unwrap();
            let child = [words, &[name]].concat();
            assert!(name == "help" || COMMANDS.contains(&child.as_slice()), "{child:?} is missing from the list");
        }
    }
}

#[test]
fn help_goes_to_standard_output_and_mistakes_to_standard_error() {
    let version = say(&["--version"]).ok();
    assert_eq!(version.out, format!("tsg {}\n", env!("CARGO_PKG_VERSION")));
    let nothing = say(&[]);
    assert_eq!((nothing.code, nothing.out.is_empty()), (2, true), "{nothing:?}");
    assert!(nothing.err.contains("Usage:"));
}

#[test]
fn every_exit_code_of_the_table_is_the_one_that_scripts_see() {
    let table = say(&["--help"]).ok().out;
    for code in 0..=10 {
        assert!(
            table.lines().any(|line| line.trim_start().starts_with(&format!("{code:<2} "))),
            "{code} is undocumented"
        );
    }
    let no_profile = say(&["group", "list"]);
    assert_eq!((no_profile.code, no_profile.err.contains("TRITON_URL")), (2, true), "{no_profile:?}");
    let as_json = say(&["group", "list", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&as_json.err).unwrap();
    assert_eq!((as_json.out.as_str(), &error["error"]["exit"]), ("", &2.into()));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = say(&["completions", shell]).ok().out;
        assert!(script.contains("instances") && script.contains("reconcile"), "{shell}");
    }
}

/// `tsg … | head -1` must end quietly, whatever is left unsaid.
#[test]
fn a_reader_that_leaves_is_no_error() {
    let home = tempfile::tempdir().unwrap();
    let line = format!("{} completions bash | head -c 1", env!("CARGO_BIN_EXE_tsg"));
    let mut bash = std::process::Command::new("bash");
    bash.args(["-o", "pipefail", "-c", &line])
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", std::env::var_os("PATH").unwrap());
    let said = run(&mut bash);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
}
