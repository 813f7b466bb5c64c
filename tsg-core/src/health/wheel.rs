//! Timers, each of which is set, moved and let go in the same short time, however many there are.
//!
//! Owns a hierarchy of wheels whose slots are lists through one table of timers. Must never ask
//! the time, and never hand out a timer before its time.

use alloc::vec;
use alloc::vec::Vec;

use crate::model::time::Timestamp;

/// A wheel has so many slots, as a power of two.
const BITS: u32 = 10;
const SLOTS: usize = 1 << BITS;
/// A slot of each wheel is as long as the whole wheel below it; those of the lowest one take a
/// millisecond, the highest one takes 35,000 years.
const LEVELS: usize = 5;
const TICK_MAX: u64 = (1 << (BITS * LEVELS as u32)) - 1;

/// No timer.
const NONE: u32 = u32::MAX;
/// Stands in for when a timer is due that is not set.
const UNSET: u64 = u64::MAX;

/// Timers by small numbers, to the millisecond.
///
/// The time that it is given must not go back: while it does, nothing is due.
///
/// ```
/// use tsg_core::health::wheel::Wheel;
/// use tsg_core::model::time::Timestamp;
///
/// let at = |milli: i64| Timestamp::from_millis(milli);
/// let mut wheel = Wheel::new(at(0));
/// wheel.set(7, at(30_000));
/// wheel.set(8, at(10_000));
/// wheel.set(9, at(20_000));
/// wheel.cancel(9);
///
/// let mut due = Vec::new();
/// wheel.advance(at(29_999), &mut due);
/// assert_eq!(due, [8]);
/// wheel.advance(at(86_400_000), &mut due);
/// assert_eq!(due, [8, 7]);
/// ```
#[derive(Debug, Clone)]
pub struct Wheel {
    /// The time of tick 0.
    origin: Timestamp,
    /// Everything up to this tick was handed out.
    elapsed: u64,
    /// The first timer of each slot, wheel by wheel.
    first: Vec<u32>,
    /// Slots that are not empty.
    filled: [Slots; LEVELS],
    /// By number.
    timers: Vec<Timer>,
    set: u32,
}

/// One timer: 16 bytes.
#[derive(Debug, Clone, Copy)]
struct Timer {
    /// The tick.
    due: u64,
    next: u32,
    previous: u32,
}

impl Timer {
    const UNSET: Self = Self { due: UNSET, next: NONE, previous: NONE };
}

impl Wheel {
    /// Without any timer.
    pub fn new(now: Timestamp) -> Self {
        Self {
            // So that what is due now lies ahead.
            origin: Timestamp::from_millis(now.as_millis().saturating_sub(1)),
            elapsed: 0,
            first: vec![NONE; SLOTS * LEVELS],
            filled: [Slots::default(); LEVELS],
            timers: Vec::new(),
            set: 0,
        }
    }

    /// How many timers are set.
    pub const fn set_count(&self) -> u32 {
        self.set
    }

    /// Sets a timer, or moves it; one whose time is over is due a millisecond after everything that
    /// was handed out.
    pub fn set(&mut self, timer: u32, at: Timestamp) {
        self.cancel(timer);
        let place = timer as usize;
        if place >= self.timers.len() {
            self.timers.resize(place + 1, Timer::UNSET);
        }
        let due = self.tick_of(at).clamp(self.elapsed + 1, TICK_MAX);
        self.set += 1;
        self.link(timer, due);
    }

    /// Lets a timer go, if it is set.
    pub fn cancel(&mut self, timer: u32) {
        let Some(known) = self.timers.get_mut(timer as usize).filter(|known| known.due != UNSET) else { return };
        let Timer { due, next, previous } = core::mem::replace(known, Timer::UNSET);
        self.set -= 1;
        if let Some(next) = self.timers.get_mut(next as usize) {
            next.previous = previous;
        }
        match self.timers.get_mut(previous as usize) {
            Some(previous) => previous.next = next,
            None => self.set_first(Slot::of(due, self.elapsed), next),
        }
    }

    /// Hands out the timers that are due by now, the earliest first.
    pub fn advance(&mut self, now: Timestamp, out: &mut Vec<u32>) {
        let target = self.tick_of(now).min(TICK_MAX - 1);
        while let Some((slot, start)) = self.next_slot().filter(|(_, start)| *start <= target) {
            self.elapsed = start;
            self.empty(slot, out);
        }
        self.elapsed = self.elapsed.max(target);
    }

    /// Nothing is due before that. It may be a little early where the next one is far away.
    pub fn next_at(&self) -> Option<Timestamp> {
        let (_, start) = self.next_slot()?;
        let since_origin = i64::try_from(start).unwrap_or(i64::MAX);
        Some(Timestamp::from_millis(self.origin.as_millis().saturating_add(since_origin)))
    }

    fn tick_of(&self, at: Timestamp) -> u64 {
        let (at, origin) = (at.as_millis(), self.origin.as_millis());
        if at > origin { at.abs_diff(origin) } else { 0 }
    }

    fn link(&mut self, timer: u32, due: u64) {
        let slot = Slot::of(due, self.elapsed);
        let Some(first) = self.first.get_mut(slot.place()) else { return };
        let next = core::mem::replace(first, timer);
        if let Some(next) = self.timers.get_mut(next as usize) {
            next.previous = timer;
        } else if let Some(filled) = self.filled.get_mut(slot.level) {
            filled.fill(slot.index);
        }
        if let Some(known) = self.timers.get_mut(timer as usize) {
            *known = Timer { due, next, previous: NONE };
        }
    }

    fn set_first(&mut self, slot: Slot, timer: u32) {
        if let Some(first) = self.first.get_mut(slot.place()) {
            *first = timer;
        }
        if let Some(filled) = self.filled.get_mut(slot.level).filter(|_| timer == NONE) {
            filled.clear(slot.index);
        }
    }

    /// The next slot with timers, and the tick at which it begins. Those of a lower wheel come
    /// before those of a higher one, whose present slot is spread over the lower ones already.
    fn next_slot(&self) -> Option<(Slot, u64)> {
        self.filled.iter().enumerate().find_map(|(level, filled)| {
            let shift = BITS * level as u32;
            let present = (self.elapsed >> shift) as usize % SLOTS;
            let index = filled.next_from(present + usize::from(level > 0))?;
            let whole = self.elapsed >> (shift + BITS) << (shift + BITS);
            Some((Slot { level, index }, whole | (index as u64) << shift))
        })
    }

    /// Hands out a slot of the lowest wheel, or spreads one of another over the wheels below.
    fn empty(&mut self, slot: Slot, out: &mut Vec<u32>) {
        let mut timer = self.first.get(slot.place()).copied().unwrap_or(NONE);
        self.set_first(slot, NONE);
        while let Some(known) = self.timers.get_mut(timer as usize) {
            let Timer { due, next, .. } = *known;
            if slot.level == 0 {
                *known = Timer::UNSET;
                self.set -= 1;
                out.push(timer);
            } else {
                self.link(timer, due);
            }
            timer = next;
        }
    }
}

/// A slot of one of the wheels.
#[derive(Debug, Clone, Copy)]
struct Slot {
    level: usize,
    index: usize,
}

impl Slot {
    /// Where a timer stands: on the wheel of the highest digit in which it differs from now.
    const fn of(due: u64, elapsed: u64) -> Self {
        let differs = due ^ elapsed;
        let level = match differs >> BITS {
            0 => 0,
            above if above >> BITS == 0 => 1,
            _ => differs.ilog2() / BITS,
        };
        Self { level: level as usize, index: (due >> (BITS * level)) as usize % SLOTS }
    }

    const fn place(self) -> usize {
        self.level * SLOTS + self.index
    }
}

/// A set of slots of one wheel.
#[derive(Debug, Clone, Copy, Default)]
struct Slots {
    /// Words that are not empty.
    summary: u64,
    words: [u64; SLOTS / 64],
}

impl Slots {
    fn fill(&mut self, index: usize) {
        if let Some(word) = self.words.get_mut(index / 64) {
            *word |= 1 << (index % 64);
            self.summary |= 1 << (index / 64);
        }
    }

    fn clear(&mut self, index: usize) {
        let Some(word) = self.words.get_mut(index / 64) else { return };
        *word &= !(1 << (index % 64));
        if *word == 0 {
            self.summary &= !(1 << (index / 64));
        }
    }

    fn next_from(&self, index: usize) -> Option<usize> {
        let (place, bit) = (index / 64, index % 64);
        let here = self.words.get(place)? & (u64::MAX << bit);
        if here != 0 {
            return Some(place * 64 + here.trailing_zeros() as usize);
        }
        let later = self.summary & (u64::MAX << place << 1);
        let place = later.trailing_zeros() as usize;
        let word = self.words.get(place)?;
        Some(place * 64 + word.trailing_zeros() as usize)
    }
}
