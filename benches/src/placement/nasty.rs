//! Patterns that keep an engine that back-tracks busy for years, and texts of any length for them.
//!
//! Owns how the corpus of the fuzz targets is read here. Must never leave one out that a rule may
//! have.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use tsg_core::placement::cloudapi::AffinityRule;
use tsg_core::placement::rule::Rule;

/// A value that a rule may have, and what its text repeats.
#[derive(Debug, Clone)]
pub struct Nasty {
    /// The name of its file.
    pub name: String,
    rule: Rule,
    affinity: Option<AffinityRule>,
    unit: String,
}

impl Nasty {
    /// All of the corpus that rules may have, by name.
    ///
    /// # Errors
    /// When the corpus is not there.
    pub fn all() -> Result<Vec<Self>, Box<dyn Error>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(corpus())? {
            all.extend(Self::find(&entry?.file_name().to_string_lossy())?);
        }
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// The one of a name; `None` when no rule may have it.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn find(name: &str) -> Result<Option<Self>, Box<dyn Error>> {
        Ok(Self::read(name, &fs::read_to_string(corpus().join(name))?))
    }

    /// The value on the first line, and what follows again and again.
    fn read(name: &str, file: &str) -> Option<Self> {
        let (value, unit) = file.split_once('\n')?;
        let text = format!("role=={value}");
        Some(Self { name: name.to_owned(), rule: text.parse().ok()?, affinity: text.parse().ok(), unit: unit.into() })
    }

    /// Looks at a text of about so many bytes, so many times, as a rule and as an affinity.
    pub fn run(&self, length: usize, turns: u32) {
        let text = self.unit.repeat(length.div_ceil(self.unit.len().max(1)));
        for _ in 0..turns {
            black_box(self.rule.pattern.is_match(black_box(&text)));
            if let Some(affinity) = &self.affinity {
                black_box(affinity.value().is_match(black_box(&text)));
            }
        }
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/placement_pattern")
}
