//! Reproducible randomness. Owns one small generator; must never be used for anything secret.

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// Begins a series.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub const fn below(&mut self, bound: u32) -> u32 {
        (((self.draw() >> 32) * bound as u64) >> 32) as u32
    }

    /// 128 bits.
    pub const fn draw_wide(&mut self) -> u128 {
        (self.draw() as u128) << 64 | self.draw() as u128
    }

    /// Puts things into a random order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            let place = self.below(u32::try_from(last + 1).unwrap_or(u32::MAX)) as usize;
            things.swap(last, place);
        }
    }
}
