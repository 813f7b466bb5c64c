//! What `cargo xtask mutants` was asked for. Owns reading the arguments and drawing a sample; must
//! never draw differently for the same seed.

use super::catalogue::Mutant;
use crate::command::Failure;

/// Where mutants are planted when nothing else is said.
const FOLDERS: [&str; 2] = ["tsg-core/src/plan", "tsg-core/src/storm"];
/// Test programs that run side by side when nothing else is said.
const JOBS: usize = 2;

const USAGE: &str = "\
cargo xtask mutants [--only PATH]... [--list] [--iterate] [--sample N [--seed S]] [--cases N] [--skip TEST]...
                    [--without PROGRAM]... [--jobs N]
  --only PATH   plant in this file or folder, for example tsg-core/src/plan/grow.rs
  --list        say what would be planted, and try nothing
  --iterate     go on where another run was stopped: what it caught in files as they are is caught
  --sample N    try N of them, drawn by seed
  --cases N     inputs that each property is tried on; 64 unless told
  --skip TEST   leave out tests with that in their name: some that fail without a mutant
  --without PROGRAM  leave out a program of tests: one that takes minutes for each mutant
  --jobs N      test programs side by side; 2 unless told";

/// Inputs that each property is tried on: as many as make a run a matter of seconds.
const CASES: u32 = 64;

/// The arguments.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// Files and folders to plant in, from the root.
    pub folders: Vec<String>,
    /// Say what there is and stop.
    pub is_list: bool,
    /// Believe earlier runs in what they caught.
    pub is_iterating: bool,
    /// How many to try; all unless set.
    pub sample: Option<usize>,
    /// Which ones to try.
    pub seed: u64,
    /// Inputs that each property is tried on.
    pub cases: u32,
    /// Parts of the names of tests that are left out.
    pub skipped: Vec<String>,
    /// Programs of tests that are left out.
    pub without: Vec<String>,
    /// Test programs side by side.
    pub jobs: usize,
}

impl Default for Options {
    fn default() -> Self {
        let [folders, skipped, without] = [const { Vec::new() }; 3];
        let (is_list, is_iterating, sample, seed) = (false, false, None, 0);
        Self { folders, is_list, is_iterating, sample, seed, cases: CASES, skipped, without, jobs: JOBS }
    }
}

impl Options {
    /// Reads the arguments that follow the command's name.
    pub fn parse(arguments: &[&str]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value = || rest.next().copied().ok_or(Failure::Usage(USAGE));
            match *name {
                "--list" => options.is_list = true,
                "--iterate" => options.is_iterating = true,
                "--only" => options.folders.push(value()?.trim_end_matches('/').to_owned()),
                "--sample" => options.sample = Some(number(value()?)?),
                "--seed" => options.seed = number(value()?)?,
                "--cases" => options.cases = number(value()?)?,
                "--skip" => options.skipped.push(value()?.to_owned()),
                "--without" => options.without.push(value()?.to_owned()),
                "--jobs" => options.jobs = number::<usize>(value()?)?.max(1),
                _ => return Err(Failure::Usage(USAGE)),
            }
        }
        if options.folders.is_empty() {
            options.folders = FOLDERS.map(str::to_owned).to_vec();
        }
        Ok(options)
    }

    /// The mutants to try, in their order.
    pub fn choose<'a>(&self, mutants: impl Iterator<Item = &'a Mutant>) -> Vec<&'a Mutant> {
        let mut chosen: Vec<&Mutant> = mutants.collect();
        if let Some(sample) = self.sample {
            chosen.sort_by_key(|mutant| mixed(self.seed ^ u64::from(mutant.id)));
            chosen.truncate(sample);
            chosen.sort_by_key(|mutant| mutant.id);
        }
        chosen
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, Failure> {
    text.parse().map_err(|_| Failure::Usage(USAGE))
}

/// The output step of SplitMix64: neighbours come out far apart.
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_a_default_and_nonsense_is_refused() {
        let options = Options::parse(&["--only", "tsg-core/src/model/", "--sample", "9"]).unwrap();
        assert_eq!((options.folders, options.sample), (vec!["tsg-core/src/model".to_owned()], Some(9)));
        let options = Options::parse(&["--list", "--iterate", "--jobs", "0"]).unwrap();
        assert_eq!((options.is_list, options.is_iterating, options.jobs), (true, true, 1));
        assert_eq!(options.folders, FOLDERS);
        for nonsense in [&["--sample"][..], &["--sample", "many"], &["--all", "1"]] {
            assert!(Options::parse(nonsense).is_err(), "{nonsense:?}");
        }
    }

    #[test]
    fn a_sample_is_the_same_for_the_same_seed_and_in_order() {
        let mutants: Vec<Mutant> = (1..200).map(|id| Mutant { id, ..Mutant::default() }).collect();
        let draw = |seed| {
            let options = Options { sample: Some(20), seed, ..Options::parse(&[]).unwrap() };
            options.choose(mutants.iter()).iter().map(|mutant| mutant.id).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(7).is_sorted() && draw(7).len() == 20);
    }
}
