//! Compiled into the copy that mutants are planted in: says which of them is on.
//!
//! `TSG_MUTANT` is the number of the one that is on. `TSG_MUTANT_REACHED` names a file that takes
//! the number of each switch that was asked for, once.

extern crate std;

use std::fs::File;
use std::io::Write as _;
use std::string::ToString as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

struct Switches {
    on: u32,
    reached: Option<(File, std::vec::Vec<AtomicBool>)>,
}

/// More than there are mutants.
const MOST: usize = 1 << 17;

static SWITCHES: OnceLock<Switches> = OnceLock::new();

fn read() -> Switches {
    let on = std::env::var("TSG_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let file = std::env::var_os("TSG_MUTANT_REACHED")
        .and_then(|path| File::options().append(true).create(true).open(path).ok());
    let reached = file.map(|file| (file, (0..MOST).map(|_| AtomicBool::new(false)).collect()));
    Switches { on, reached }
}

/// Whether this mutant is on.
pub fn on(id: u32) -> bool {
    let switches = SWITCHES.get_or_init(read);
    if let Some((file, reached)) = &switches.reached {
        if !reached[id as usize].swap(true, Ordering::Relaxed) {
            let mut line = id.to_string();
            line.push('\n');
            let _ = (&*file).write_all(line.as_bytes());
        }
    }
    switches.on == id
}

/// A value that has a neighbour.
pub trait Next {
    /// The neighbour.
    fn next(self) -> Self;
}

macro_rules! next {
    ($($number:ty),*) => {
        $(impl Next for $number {
            fn next(self) -> Self {
                self.wrapping_add(1)
            }
        })*
    };
}

next!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, isize);

impl Next for core::time::Duration {
    fn next(self) -> Self {
        self.saturating_add(core::time::Duration::from_millis(1))
    }
}

/// What stands for a constant when its mutant is on.
pub fn next<T: Next>(value: T) -> T {
    value.next()
}
