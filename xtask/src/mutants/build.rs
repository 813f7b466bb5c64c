//! Compiles the copy. Owns finding out which mutants do not compile, all from one build; must never
//! take out a mutant that the compiler does not point at.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::catalogue::Catalogue;
use super::failure;
use super::splice::{Spliced, splice};
use super::tree::Tree;
use crate::command::{Failure, say};

/// Builds until nothing is wrong any more, at most: types are checked before borrows, and what one
/// check finds wrong hides from the next.
const ROUNDS_MAX: u32 = 12;

#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Message>,
    target: Option<Target>,
    executable: Option<PathBuf>,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    rendered: Option<String>,
    spans: Vec<Pointed>,
}

#[derive(Deserialize)]
struct Pointed {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// A program of tests.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Plants all mutants that compile, and answers how many do not.
pub fn make_viable(tree: &Tree, catalogue: &mut Catalogue) -> Result<usize, Failure> {
    let planted = catalogue.mutants().count();
    say(&format!("mutants: {planted} found; finding out which of them compile"));
    for _ in 0..ROUNDS_MAX {
        let spliced = plant(tree, catalogue)?;
        let (is_built, lines) = cargo(tree, &["check", "--lib"])?;
        if is_built {
            return Ok(planted - catalogue.mutants().count());
        }
        let mut wrong = BTreeSet::new();
        let errors = lines.into_iter().filter_map(|line| line.message).filter(|message| message.level == "error");
        for error in errors.filter(|error| !error.spans.is_empty()) {
            let blamed = blamed(&error.spans, &spliced);
            if blamed.is_empty() {
                return Err(failure(format!("the copy does not compile:\n{}", error.rendered.unwrap_or_default())));
            }
            wrong.extend(blamed);
        }
        if wrong.is_empty() {
            return Err(failure("the copy does not compile, and the compiler does not say where"));
        }
        say(&format!("mutants: {} do not compile", wrong.len()));
        catalogue.remove(&wrong);
    }
    Err(failure("the copy still does not compile after many rounds"))
}

/// Builds all tests, and answers their programs but for those to be left out.
pub fn test_programs(tree: &Tree, without: &[String]) -> Result<Vec<Program>, Failure> {
    say("mutants: building the tests");
    let (is_built, lines) = cargo(tree, &["test", "--lib", "--tests", "--no-run"])?;
    if !is_built {
        let errors = lines.into_iter().filter_map(|line| line.message?.rendered).collect::<String>();
        return Err(failure(format!("the tests do not compile:\n{errors}")));
    }
    let programs = lines.into_iter().filter(|line| line.profile.as_ref().is_some_and(|profile| profile.test));
    let programs = programs.filter_map(|line| Some(Program { name: line.target?.name, path: line.executable? }));
    Ok(programs.filter(|program| !without.contains(&program.name)).collect())
}

/// Writes the sources with what is planted in them.
fn plant(tree: &Tree, catalogue: &Catalogue) -> Result<BTreeMap<String, Spliced>, Failure> {
    let mut all = BTreeMap::new();
    for file in &catalogue.files {
        let mut spliced = splice(&file.text, &file.sites);
        if file.path == "tsg-core/src/lib.rs" {
            spliced.text.push_str("\n#[doc(hidden)]\npub mod mutant_switch;\n");
        }
        tree.write(Path::new(&file.path), spliced.text.as_bytes())?;
        all.insert(file.path.clone(), spliced);
    }
    Ok(all)
}

/// The mutants that an error is about: those whose text it points into, or else all of the
/// innermost place that it points at.
fn blamed(spans: &[Pointed], spliced: &BTreeMap<String, Spliced>) -> BTreeSet<u32> {
    let of = |span: &Pointed, is_arm: bool| -> Vec<u32> {
        let spots = spliced.get(&span.file_name).into_iter().flat_map(|spliced| &spliced.spots);
        let around = spots.filter(|spot| spot.is_arm == is_arm && !spot.mutants.is_empty());
        let around = around.filter(|spot| holds(&spot.range, span));
        around.min_by_key(|spot| spot.range.len()).map(|spot| spot.mutants.clone()).unwrap_or_default()
    };
    let primary = || spans.iter().filter(|span| span.is_primary);
    let arms: BTreeSet<u32> = primary().flat_map(|span| of(span, true)).collect();
    if !arms.is_empty() {
        return arms;
    }
    let arms: BTreeSet<u32> = spans.iter().flat_map(|span| of(span, true)).collect();
    if arms.is_empty() { primary().flat_map(|span| of(span, false)).collect() } else { arms }
}

fn holds(range: &Range<usize>, span: &Pointed) -> bool {
    range.start <= span.byte_start && span.byte_end <= range.end
}

/// Runs cargo in the copy; what it says comes line by line.
fn cargo(tree: &Tree, arguments: &[&str]) -> Result<(bool, Vec<Line>), Failure> {
    let output = Command::new("cargo")
        .args(arguments)
        .args(["--package", "tsg-core", "--offline", "--quiet", "--message-format", "json"])
        .args(["--config", "profile.dev.package.tsg-core.opt-level=2"])
        .env("CARGO_TARGET_DIR", &tree.target)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "2")
        .env("CARGO_INCREMENTAL", "0")
        .env("RUSTFLAGS", "--cap-lints allow")
        .current_dir(&tree.root)
        .output()
        .map_err(|source| Failure::Start { program: "cargo".to_owned(), source })?;
    // Errors come as JSON; what is not about the sources comes here.
    if !output.status.success() && output.stdout.is_empty() {
        return Err(failure(String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let lines = lines.filter(|line| matches!(line.reason.as_str(), "compiler-message" | "compiler-artifact"));
    Ok((output.status.success(), lines.collect()))
}

#[cfg(test)]
mod tests {
    use super::super::splice::Spot;
    use super::*;

    fn pointed(range: Range<usize>, is_primary: bool) -> Pointed {
        Pointed { file_name: "a.rs".into(), byte_start: range.start, byte_end: range.end, is_primary }
    }

    #[test]
    fn the_innermost_mutant_that_is_pointed_at_is_blamed() {
        let spot = |range, mutants: &[u32], is_arm| Spot { range, mutants: mutants.to_vec(), is_arm };
        let spots = vec![
            spot(10..20, &[1], true),
            spot(40..60, &[3], false),
            spot(45..50, &[3], true),
            spot(0..90, &[1, 2], false),
        ];
        let spliced = [("a.rs".to_owned(), Spliced { text: String::new(), spots })].into();
        let blame = |spans: &[Pointed]| blamed(spans, &spliced).into_iter().collect::<Vec<_>>();
        assert_eq!(blame(&[pointed(12..14, true)]), [1]);
        assert_eq!(blame(&[pointed(52..54, true)]), [3], "the innermost place");
        assert_eq!(blame(&[pointed(70..72, true), pointed(46..47, false)]), [3], "a hint at a mutant");
        assert_eq!(blame(&[pointed(70..72, true)]), [1, 2]);
        assert_eq!(blame(&[pointed(95..99, true)]), [0; 0]);
    }
}
