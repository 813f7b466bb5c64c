//! Every file of the corpus, as it is and with changes drawn at random, without libFuzzer.
//!
//! `TSG_CASES` sets how many changed inputs each target is fed, and `TSG_SEED` which.

use std::path::Path;

/// Changed inputs for each target when nothing else is said.
const CASES: u64 = if cfg!(debug_assertions) { 5_000 } else { 200_000 };
/// Which inputs, when nothing else is said.
const SEED: u64 = 0x7467_7321;
/// The longest input, in bytes.
const LENGTH_MAX: usize = 2_000;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Numbers that look random: xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).expect("a number")).expect("below the limit")
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a file")).collect()
}

/// A file with a few of its parts taken out, doubled, or taken from elsewhere.
fn changed(files: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = files[dice.below(files.len())].clone();
    for _ in 0..=dice.below(4) {
        let other = &files[dice.below(files.len())];
        let (from, at) = (dice.below(other.len()), dice.below(input.len() + 1));
        let part = &other[from..(from + 1 + dice.below(12)).min(other.len())];
        let end = (at + dice.below(12)).min(input.len());
        match dice.below(4) {
            0 => drop(input.splice(at..end, [])),
            1 => drop(input.splice(at..at, part.iter().copied())),
            2 => drop(input.splice(at..end, part.iter().copied())),
            _ => input.insert(at, u8::try_from(32 + dice.below(95)).expect("a character")),
        }
    }
    input.truncate(LENGTH_MAX);
    input
}

fn feed(target: &str, holds: fn(&[u8])) {
    let files = corpus(target);
    files.iter().for_each(|file| holds(file));
    let mut dice = Dice(number("TSG_SEED", SEED) | 1);
    for _ in 0..number("TSG_CASES", CASES) {
        let input = changed(&files, &mut dice);
        // Shown by the test's own output, should the next line panic.
        let shown = Shown(&input);
        holds(&input);
        std::mem::forget(shown);
    }
}

/// Says what the input was when it is dropped by a panic.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        eprintln!("input: {}", self.0.escape_ascii());
    }
}

#[test]
fn rules_hold() {
    feed("placement_rule", tsg_fuzz::placement_rule);
}

#[test]
fn patterns_hold() {
    feed("placement_pattern", tsg_fuzz::placement_pattern);
}
