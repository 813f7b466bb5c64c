//! Which probe is due when.
//!
//! Owns that targets are spread evenly over their intervals and stay where they are: each is due at
//! moments that follow from its id and the prober's name alone, whatever else there is and whenever
//! anybody began to look. Must never let a slow target move another one, nor itself.

use alloc::vec::Vec;

use super::check::Pacing;
use super::wheel::Wheel;
use crate::model::id::InstanceId;
use crate::model::span::Span;
use crate::model::time::Timestamp;

/// When a check of an instance is due within its interval, counted from the first moment of 1970.
///
/// ```
/// use tsg_core::health::rota::phase;
/// use tsg_core::model::id::InstanceId;
/// use tsg_core::model::span::Span;
///
/// let instance = InstanceId::new(uuid::Uuid::from_u128(7));
/// let (first, second) = (phase(instance, 0, Span::from_secs(10)), phase(instance, 1, Span::from_secs(10)));
/// assert!(first < Span::from_secs(10) && second < Span::from_secs(10) && first != second);
/// ```
pub const fn phase(instance: InstanceId, check: u16, interval: Span) -> Span {
    phase_of(0, instance, check, interval)
}

const fn phase_of(prober: u64, instance: InstanceId, check: u16, interval: Span) -> Span {
    let (high, low) = instance.uuid().as_u64_pair();
    let hash = mixed(mixed(mixed(high) ^ low) ^ check as u64 ^ prober);
    Span::from_millis(((hash as u128 * interval.as_millis() as u128) >> 64) as u64)
}

/// The finish of SplitMix64: every bit of the input reaches every bit of the output.
const fn mixed(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// How a probe ended, as far as the next one goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The target is well, or nobody could tell.
    Well,
    /// The target failed.
    Failing,
}

/// What is probed regularly, by small numbers.
///
/// ```
/// use tsg_core::health::check::CheckSpec;
/// use tsg_core::health::rota::{Ended, Rota};
/// use tsg_core::model::id::InstanceId;
/// use tsg_core::model::time::Timestamp;
///
/// let check: CheckSpec = "tcp:22".parse()?;
/// let instance = InstanceId::new(uuid::Uuid::from_u128(7));
/// let at = |milli: i64| Timestamp::from_millis(milli);
///
/// let mut rota = Rota::new(at(0));
/// rota.set(3, instance, 0, &check.pacing, at(0));
/// let (first, mut due) = (rota.due_at(3).unwrap(), Vec::new());
/// assert!(first < at(10_000));
/// rota.due(first, &mut due);
/// assert_eq!(due, [3]);
/// // However long it took: the next one is due ten seconds after this one was.
/// rota.done(3, Ended::Well, at(first.as_millis() + 4_000));
/// assert_eq!(rota.due_at(3), Some(at(first.as_millis() + 10_000)));
/// # Ok::<(), tsg_core::health::invalid::InvalidHealth>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rota {
    wheel: Wheel,
    /// By number.
    beats: Vec<Beat>,
    /// Whose it is.
    prober: u64,
}

/// One target: 32 bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Beat {
    /// When its probe is or was due.
    due_at: Timestamp,
    interval_ms: u32,
    unhealthy_ms: u32,
    phase_ms: u32,
    /// Failures in a row after which it is down.
    retries: u16,
    failures: u16,
    is_set: bool,
}

impl Rota {
    /// Nothing is probed.
    pub fn new(now: Timestamp) -> Self {
        Self { wheel: Wheel::new(now), beats: Vec::new(), prober: 0 }
    }

    /// Of the prober of this name: several that ask the same target ask it at moments of their own.
    ///
    /// ```
    /// use tsg_core::health::check::CheckSpec;
    /// use tsg_core::health::rota::Rota;
    /// use tsg_core::model::id::InstanceId;
    /// use tsg_core::model::time::Timestamp;
    ///
    /// let check: CheckSpec = "tcp:22".parse()?;
    /// let first = |name: &str| {
    ///     let mut rota = Rota::new(Timestamp::EPOCH).of(name);
    ///     rota.set(0, InstanceId::new(uuid::Uuid::from_u128(7)), 0, &check.pacing, Timestamp::EPOCH);
    ///     rota.due_at(0)
    /// };
    /// assert!(first("near") == first("near") && first("near") != first("far"));
    /// # Ok::<(), tsg_core::health::invalid::InvalidHealth>(())
    /// ```
    #[must_use]
    pub fn of(mut self, prober: &str) -> Self {
        self.prober = prober.bytes().fold(0, |hash, byte| mixed(hash ^ u64::from(byte)));
        self
    }

    /// From now on a check of an instance is probed under this number; the number of what is
    /// probed no more may be used again.
    pub fn set(&mut self, target: u32, instance: InstanceId, check: u16, pacing: &Pacing, now: Timestamp) {
        let place = target as usize;
        if place >= self.beats.len() {
            self.beats.resize(place + 1, Beat::default());
        }
        let interval = pacing.interval.max(Span::from_millis(1));
        let beat = Beat::new(phase_of(self.prober, instance, check, interval), pacing);
        self.give(target, beat, beat.first_at(now));
    }

    /// A target is not probed any more.
    pub fn remove(&mut self, target: u32) {
        self.wheel.cancel(target);
        if let Some(beat) = self.beats.get_mut(target as usize) {
            *beat = Beat::default();
        }
    }

    /// When the probe of a target is due, or was while it is made; `None` for one that is not
    /// probed.
    pub fn due_at(&self, target: u32) -> Option<Timestamp> {
        self.beats.get(target as usize).filter(|beat| beat.is_set).map(|beat| beat.due_at)
    }

    /// The targets whose probes are to begin now. Each is due again only when its probe is done.
    pub fn due(&mut self, now: Timestamp, out: &mut Vec<u32>) {
        self.wheel.advance(now, out);
    }

    /// No probe is due before that.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.wheel.next_at()
    }

    /// The probe of a target is done.
    pub fn done(&mut self, target: u32, ended: Ended, now: Timestamp) {
        let Some(beat) = self.beats.get_mut(target as usize).filter(|beat| beat.is_set) else { return };
        beat.due_at = match ended {
            Ended::Well => beat.after_well(now),
            Ended::Failing => beat.after_failure(now),
        };
        self.wheel.set(target, beat.due_at);
    }

    fn give(&mut self, target: u32, beat: Beat, due_at: Timestamp) {
        self.wheel.set(target, due_at);
        if let Some(known) = self.beats.get_mut(target as usize) {
            *known = Beat { due_at, ..beat };
        }
    }
}

impl Beat {
    fn new(phase: Span, pacing: &Pacing) -> Self {
        Self {
            due_at: Timestamp::EPOCH,
            interval_ms: milliseconds(pacing.interval).max(1),
            unhealthy_ms: milliseconds(pacing.unhealthy_interval).max(1),
            phase_ms: milliseconds(phase),
            retries: u16::try_from(pacing.retries).unwrap_or(u16::MAX),
            failures: 0,
            is_set: true,
        }
    }

    /// The first beat from `now` on.
    fn first_at(&self, now: Timestamp) -> Timestamp {
        let (interval, now) = (i64::from(self.interval_ms), now.as_millis());
        let behind = (i64::from(self.phase_ms) - now.rem_euclid(interval)).rem_euclid(interval);
        Timestamp::from_millis(now.saturating_add(behind))
    }

    /// Beats that were missed are missed: to catch up would shift it against all others.
    fn after_well(&mut self, now: Timestamp) -> Timestamp {
        let was_failing = core::mem::take(&mut self.failures) > 0;
        let next = self.due_at.as_millis().saturating_add(self.interval_ms.into());
        if was_failing || next < now.as_millis() {
            self.first_at(now.max(Timestamp::from_millis(self.due_at.as_millis().saturating_add(1))))
        } else {
            Timestamp::from_millis(next)
        }
    }

    /// Until it is known to be down no interval is longer than the usual one, and no beat is missed.
    fn after_failure(&mut self, now: Timestamp) -> Timestamp {
        self.failures = self.failures.saturating_add(1);
        let is_down = self.failures >= self.retries;
        let interval = if is_down { self.unhealthy_ms } else { self.unhealthy_ms.min(self.interval_ms) };
        now.max(Timestamp::from_millis(self.due_at.as_millis().saturating_add(interval.into())))
    }
}

fn milliseconds(span: Span) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}
