//! Random cases that can be had again: numbers from a seed, and which seeds are tried.
//!
//! Owns the generator, for every test that draws placements. Must never know what is drawn.

/// SplitMix64.
pub struct Drawn(u64);

impl Drawn {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    pub fn is(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        (1..things.len()).rev().for_each(|last| things.swap(last, self.below(last + 1)));
    }
}

/// How many cases are tried, and which: `TSG_CASES`, `TSG_SEED`.
pub fn seeds(debug: u64, release: u64) -> impl Iterator<Item = u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let cases = number("TSG_CASES").unwrap_or(if cfg!(debug_assertions) { debug } else { release });
    let first = number("TSG_SEED").unwrap_or(0x7467_7321);
    (0..cases).map(move |case| first.wrapping_add(case.wrapping_mul(0x5851_f42d_4c95_7f2d)))
}
