//! Timers, each of which is set, moved and let go in the same short time, however many there are.
//!
//! Owns a hierarchy of wheels. The timers of a slot stand side by side in chunks of a cache line, so
//! that nobody waits for memory from one timer to the next. Must never ask the time, and never hand
//! out a timer before its time.

use alloc::vec;
use alloc::vec::Vec;

use crate::model::time::Timestamp;

/// The lowest wheel has a slot for each millisecond of a quarter of a minute, so that a timer for
/// ten seconds is put at once where it is handed out.
const FINE_BITS: u32 = 14;
const FINE: usize = 1 << FINE_BITS;
/// A slot of each other wheel is as long as the whole wheel below it; the highest one takes 35,000
/// years.
const COARSE_BITS: u32 = 12;
const COARSE: usize = 1 << COARSE_BITS;
const LEVELS: usize = 4;
const TICK_MAX: u64 = (1 << shift(LEVELS)) - 1;
/// Of all wheels.
const SLOTS: usize = FINE + (LEVELS - 1) * COARSE;

/// How long a slot of a wheel is, as a power of two.
const fn shift(level: usize) -> u32 {
    match level {
        0 => 0,
        _ => FINE_BITS + COARSE_BITS * (level as u32 - 1),
    }
}

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
    /// The first chunk of each slot, wheel by wheel. It may have room; those that follow are full.
    first: Vec<u32>,
    /// Slots that are not empty.
    filled: Slots,
    chunks: Vec<Chunk>,
    /// The first one of those in which nothing stands.
    spare: u32,
    /// By number.
    timers: Vec<Timer>,
    set: u32,
}

/// No chunk: the first one, in which nothing ever stands, and which counts as full.
const NONE: u32 = 0;
/// Timers that a chunk has room for.
const ROOM: u16 = 14;

/// Timers of one slot.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Chunk {
    timers: [u32; ROOM as usize],
    next: u32,
    slot: u16,
    count: u16,
}

const _: () = assert!(size_of::<Chunk>() == 64, "a cache line");

/// Stands where nobody is to put a timer.
const FULL: Chunk = Chunk { timers: [0; ROOM as usize], next: NONE, slot: 0, count: ROOM };

/// One timer: 16 bytes. It says something only until it was handed out.
#[derive(Debug, Clone, Copy)]
struct Timer {
    /// The tick. While it lies ahead the timer is set, so that nobody has to touch it to hand it out.
    due: u64,
    chunk: u32,
    /// Its place there.
    place: u16,
}

/// What is not set lies behind.
const UNSET: Timer = Timer { due: 0, chunk: NONE, place: 0 };

impl Wheel {
    /// Without any timer.
    pub fn new(now: Timestamp) -> Self {
        Self {
            // So that what is due now lies ahead.
            origin: Timestamp::from_millis(now.as_millis().saturating_sub(1)),
            elapsed: 0,
            first: vec![NONE; SLOTS],
            filled: Slots::default(),
            chunks: vec![FULL],
            spare: NONE,
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
    #[inline]
    pub fn set(&mut self, timer: u32, at: Timestamp) {
        match self.timers.get(timer as usize) {
            Some(known) if !self.is_set(known) => {}
            _ => self.make_way(timer),
        }
        let due = self.tick_of(at).max(self.elapsed + 1).min(TICK_MAX);
        self.set += 1;
        self.link(timer, due);
    }

    /// For a timer that is new or still set. Apart from the usual case, which is smaller without it.
    #[inline(never)]
    fn make_way(&mut self, timer: u32) {
        if timer as usize >= self.timers.len() {
            self.timers.resize(timer as usize + 1, UNSET);
        }
        self.cancel(timer);
    }

    /// Lets a timer go, if it is set.
    pub fn cancel(&mut self, timer: u32) {
        let Some(known) = self.timers.get(timer as usize).filter(|known| self.is_set(known)) else { return };
        let Timer { chunk, place, .. } = *known;
        self.timers[timer as usize] = UNSET;
        self.set -= 1;
        // The last one of the slot fills the gap.
        let last = self.pop(self.chunks[chunk as usize].slot);
        if last != timer {
            self.chunks[chunk as usize].timers[usize::from(place)] = last;
            let moved = &mut self.timers[last as usize];
            (moved.chunk, moved.place) = (chunk, place);
        }
    }

    /// Hands out the timers that are due by now, the earliest first.
    pub fn advance(&mut self, now: Timestamp, out: &mut Vec<u32>) {
        let target = self.tick_of(now).min(TICK_MAX - 1);
        loop {
            // What begins at the same moment on a higher wheel goes first: it has to be spread.
            let coarse = self.next_coarse().filter(|(_, start)| *start <= target);
            let before = coarse.map_or(target + 1, |(_, start)| start);
            while let Some((slot, start)) = self.next_fine().filter(|(_, start)| *start < before) {
                self.elapsed = start;
                self.hand_out(slot, out);
            }
            let Some((slot, start)) = coarse else { break };
            self.elapsed = start;
            self.spread(slot);
        }
        self.elapsed = self.elapsed.max(target);
    }

    /// Nothing is due before that. It may be a little early where the next one is far away.
    pub fn next_at(&self) -> Option<Timestamp> {
        let next = [self.next_fine(), self.next_coarse()].into_iter().flatten();
        let start = next.map(|(_, start)| start).min()?;
        let since_origin = i64::try_from(start).unwrap_or(i64::MAX);
        Some(Timestamp::from_millis(self.origin.as_millis().saturating_add(since_origin)))
    }

    #[inline]
    const fn is_set(&self, timer: &Timer) -> bool {
        timer.due > self.elapsed
    }

    #[inline]
    fn tick_of(&self, at: Timestamp) -> u64 {
        let (at, origin) = (at.as_millis(), self.origin.as_millis());
        if at > origin { at.abs_diff(origin) } else { 0 }
    }

    #[inline(always)]
    fn link(&mut self, timer: u32, due: u64) {
        let slot = slot_of(due, self.elapsed);
        let number = self.first[slot];
        let chunk = &mut self.chunks[number as usize];
        let place = chunk.count;
        if let Some(room) = chunk.timers.get_mut(usize::from(place)) {
            *room = timer;
            chunk.count = place + 1;
            self.timers[timer as usize] = Timer { due, chunk: number, place };
        } else {
            self.open(slot, timer, due);
        }
    }

    /// Links the first timer of a chunk, which stands in front of the others of its slot.
    #[inline(never)]
    fn open(&mut self, slot: usize, timer: u32, due: u64) {
        let number = self.take_spare();
        let chunk = &mut self.chunks[number as usize];
        chunk.timers[0] = timer;
        (chunk.slot, chunk.count) = (slot as u16, 1);
        chunk.next = core::mem::replace(&mut self.first[slot], number);
        self.filled.insert(slot);
        self.timers[timer as usize] = Timer { due, chunk: number, place: 0 };
    }

    fn take_spare(&mut self) -> u32 {
        if self.spare == NONE {
            self.chunks.push(FULL);
            return self.chunks.len() as u32 - 1;
        }
        let number = self.spare;
        self.spare = self.chunks[number as usize].next;
        number
    }

    /// Takes the last one out of a slot.
    fn pop(&mut self, slot: u16) -> u32 {
        let number = self.first[usize::from(slot)];
        let chunk = &mut self.chunks[number as usize];
        chunk.count -= 1;
        let (last, next) = (chunk.timers[usize::from(chunk.count)], chunk.next);
        if chunk.count == 0 {
            self.let_go(number);
            self.first[usize::from(slot)] = next;
            if next == NONE {
                self.filled.remove(slot.into());
            }
        }
        last
    }

    /// Nothing stands in a chunk any more.
    fn let_go(&mut self, number: u32) {
        self.chunks[number as usize].next = core::mem::replace(&mut self.spare, number);
    }

    /// The next slot with timers of the lowest wheel, and its tick. It reaches as far ahead as it is
    /// long, wherever it began.
    #[inline]
    fn next_fine(&self) -> Option<(usize, u64)> {
        let present = self.elapsed as usize % FINE;
        let slot = self.filled.first_of(present, FINE).or_else(|| self.filled.first_of(0, present))?;
        Some((slot, self.elapsed + (slot.wrapping_sub(present) % FINE) as u64))
    }

    /// That of the others, and the tick at which it begins. Those of a lower wheel come before those
    /// of a higher one, whose present slot is spread over the lower ones already.
    fn next_coarse(&self) -> Option<(usize, u64)> {
        (1..LEVELS).find_map(|level| {
            let (shift, base) = (shift(level), first_slot(level));
            let present = (self.elapsed >> shift) as usize % COARSE;
            let slot = self.filled.first_of(base + present + 1, base + COARSE)?;
            let whole = self.elapsed >> (shift + COARSE_BITS) << (shift + COARSE_BITS);
            Some((slot, whole | ((slot - base) as u64) << shift))
        })
    }

    fn hand_out(&mut self, slot: usize, out: &mut Vec<u32>) {
        let mut number = self.empty(slot);
        while number != NONE {
            let chunk = &self.chunks[number as usize];
            let (count, next) = (chunk.count, chunk.next);
            // A whole row is copied in a few instructions, whatever stands in it.
            let end = out.len() + usize::from(count);
            out.extend_from_slice(&chunk.timers);
            out.truncate(end);
            self.set -= u32::from(count);
            self.let_go(number);
            number = next;
        }
    }

    /// Takes all chunks out of a slot; the first of them.
    fn empty(&mut self, slot: usize) -> u32 {
        self.filled.remove(slot);
        core::mem::replace(&mut self.first[slot], NONE)
    }

    /// Spreads a slot over the wheels below.
    fn spread(&mut self, slot: usize) {
        let mut number = self.empty(slot);
        while number != NONE {
            let chunk = self.chunks[number as usize];
            self.let_go(number);
            for timer in &chunk.timers[..usize::from(chunk.count)] {
                self.link(*timer, self.timers[*timer as usize].due);
            }
            number = chunk.next;
        }
    }
}

/// Where a timer stands: on the lowest wheel if it is due within one round of it, otherwise on the
/// wheel of the highest digit in which it differs from now.
#[inline]
const fn slot_of(due: u64, elapsed: u64) -> usize {
    if due - elapsed < FINE as u64 {
        return due as usize % FINE;
    }
    coarse_slot_of(due, elapsed)
}

#[inline(never)]
const fn coarse_slot_of(due: u64, elapsed: u64) -> usize {
    let level = 1 + (((due ^ elapsed).ilog2() - FINE_BITS) / COARSE_BITS) as usize;
    first_slot(level) + (due >> shift(level)) as usize % COARSE
}

/// The first slot of a wheel that is not the lowest.
const fn first_slot(level: usize) -> usize {
    FINE + (level - 1) * COARSE
}

/// A set of slots.
#[derive(Debug, Clone)]
struct Slots {
    words: Vec<u64>,
    /// Words that are not empty.
    summary: [u64; SLOTS / 64 / 64],
}

const _: () = assert!(FINE.is_multiple_of(64 * 64) && COARSE.is_multiple_of(64 * 64), "no two wheels share a word");

impl Default for Slots {
    fn default() -> Self {
        Self { words: vec![0; SLOTS / 64], summary: [0; SLOTS / 64 / 64] }
    }
}

impl Slots {
    fn insert(&mut self, slot: usize) {
        self.words[slot / 64] |= 1 << (slot % 64);
        self.summary[slot / 64 / 64] |= 1 << (slot / 64 % 64);
    }

    fn remove(&mut self, slot: usize) {
        let word = &mut self.words[slot / 64];
        *word &= !(1 << (slot % 64));
        if *word == 0 {
            self.summary[slot / 64 / 64] &= !(1 << (slot / 64 % 64));
        }
    }

    /// The first one from a place up to another.
    #[inline]
    fn first_of(&self, from: usize, end: usize) -> Option<usize> {
        let word = self.words.get(from / 64).map_or(0, |word| word & (u64::MAX << (from % 64)));
        let found = if word == 0 { self.next_word(from / 64 + 1, end)? } else { from / 64 * 64 + lowest(word) };
        (found < end).then_some(found)
    }

    /// The first one of the words from a place on, up to an end.
    fn next_word(&self, from: usize, end: usize) -> Option<usize> {
        let of_words = from / 64..end.div_ceil(64 * 64);
        let masks = core::iter::once(u64::MAX << (from % 64)).chain(core::iter::repeat(u64::MAX));
        let mut summary = of_words.zip(masks).map(|(place, mask)| (place, self.summary[place] & mask));
        let (place, word) = summary.find(|(_, word)| *word != 0)?;
        let place = place * 64 + lowest(word);
        Some(place * 64 + lowest(self.words[place]))
    }
}

const fn lowest(word: u64) -> usize {
    word.trailing_zeros() as usize
}
