//! What one prober knows of one check of one instance.
//!
//! Owns how facts in a row become a standing: the start window, how many it takes either way, the
//! damping of what changes too often, and when what was heard last says nothing any more. Must
//! never know of another prober, and never take silence for a failure.

use core::time::Duration;

use super::aside::Aside;
use super::check::{CheckSpec, Pacing};
use super::fact::{Failure, Obstruction, Outcome};
use super::last::Told;
use super::spec::{Flapping, HealthSpec};
use crate::model::span::Span;
use crate::model::time::Timestamp;

/// How a check stands, in the order of how bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Standing {
    /// Nobody can tell.
    #[default]
    Unknown,
    /// It has not passed yet, and need not have.
    Starting,
    /// It passes.
    Up,
    /// It passes, and says that it has too much to do.
    Degraded,
    /// It fails.
    Down,
}

/// How many facts it takes, and how old they may be: of one check.
///
/// ```
/// use tsg_core::health::pulse::Thresholds;
/// use tsg_core::health::spec::HealthSpec;
///
/// let health: HealthSpec = serde_json::from_str(r#"{"checks": [{"type": "tcp", "port": 22}]}"#)?;
/// let thresholds = Thresholds::of(&health, &health.checks[0]);
/// assert_eq!(thresholds.stale_ms(), 3 * 10_000 + 5_000, "three intervals and the time a probe may take");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    stale_ms: u32,
    /// How long after the start window the first fact may take.
    first_ms: u32,
    start_ms: u32,
    within_ms: u32,
    /// Failures in a row.
    down_after: u16,
    /// Passes in a row.
    up_after: u16,
    /// Changes that are believed at once.
    changes: u8,
    /// How many times the thresholds may be doubled.
    doublings_max: u8,
}

/// The age up to which a list of the cloud says something whatever the interval of a check is: lists
/// may be two minutes apart, and one or two of them fail.
const LIST_HOLDS: Span = Span::from_mins(6);
/// What is doubled is never more than so many facts in a row.
const IN_A_ROW_MAX: u32 = u16::MAX as u32;

impl Thresholds {
    /// Those of one check of a group.
    pub fn of(health: &HealthSpec, check: &CheckSpec) -> Self {
        let pacing = &check.pacing;
        let slowest = pacing.interval.max(pacing.unhealthy_interval).as_millis();
        let stale = slowest.saturating_mul(health.stale_after.into()).saturating_add(pacing.timeout.as_millis());
        let least = if check.kind.is_listed() { LIST_HOLDS } else { Span::ZERO };
        Self {
            stale_ms: milliseconds(stale.max(least.as_millis())),
            first_ms: milliseconds(stale),
            start_ms: milliseconds(pacing.start_window.as_millis()),
            within_ms: milliseconds(health.flapping.within.as_millis()).max(1),
            down_after: in_a_row(pacing.retries),
            up_after: in_a_row(pacing.healthy_after),
            changes: u8::try_from(health.flapping.changes).unwrap_or(u8::MAX),
            doublings_max: doublings_max(pacing, health.flapping),
        }
    }

    /// The age in milliseconds up to which a fact says something.
    pub const fn stale_ms(&self) -> u32 {
        self.stale_ms
    }

    /// The end of the start window of an instance that began at some time.
    pub(super) fn start_ends_at(&self, began_at: Timestamp) -> Timestamp {
        Timestamp::from_millis(began_at.as_millis().saturating_add(self.start_ms.into()))
    }

    const fn needed(&self, heard: Standing, doublings: u8) -> u32 {
        let once = match heard {
            Standing::Down => self.down_after,
            _ => self.up_after,
        };
        let doubled = (once as u32) << doublings;
        if doubled > IN_A_ROW_MAX { IN_A_ROW_MAX } else { doubled }
    }
}

fn milliseconds(millis: u64) -> u32 {
    u32::try_from(millis).unwrap_or(u32::MAX)
}

fn in_a_row(times: u32) -> u16 {
    u16::try_from(times).unwrap_or(u16::MAX).max(1)
}

/// However often it has changed, what stays as it is for half of `within` is believed. So that what
/// changes more slowly than that still changes a few times within it at most.
fn doublings_max(pacing: &Pacing, flapping: Flapping) -> u8 {
    let slow = Span::from_millis(flapping.within.as_millis() / 2);
    let shortest = pacing.interval.min(pacing.unhealthy_interval).as_millis();
    let once = shortest.saturating_mul(pacing.retries.max(pacing.healthy_after).into()).max(1);
    let times = (slow.as_millis() / once).checked_ilog2().unwrap_or(0);
    u8::try_from(times).unwrap_or(u8::MAX).min(15)
}

/// What one prober knows of one check of one instance: 32 bytes.
///
/// ```
/// use tsg_core::health::fact::{Failure, Outcome};
/// use tsg_core::health::pulse::{Pulse, Standing, Thresholds};
/// use tsg_core::health::spec::HealthSpec;
/// use tsg_core::model::time::Timestamp;
///
/// let health: HealthSpec =
///     serde_json::from_str(r#"{"checks": [{"type": "tcp", "port": 22, "start_window": "1m"}]}"#)?;
/// let thresholds = Thresholds::of(&health, &health.checks[0]);
/// let at = |second: i64| Timestamp::from_millis(second * 1000);
///
/// let mut pulse = Pulse::starting(at(0), &thresholds);
/// assert_eq!(pulse.standing(at(5), &thresholds), Standing::Starting);
/// pulse.note(Outcome::Passed, at(10), &thresholds);
/// assert!(pulse.note(Outcome::Passed, at(20), &thresholds), "two passes in a row");
/// assert_eq!(pulse.standing(at(20), &thresholds), Standing::Up);
/// for second in [30, 40, 50] {
///     pulse.note(Outcome::Failed(Failure::Refused), at(second), &thresholds);
/// }
/// assert_eq!(pulse.standing(at(50), &thresholds), Standing::Down);
/// assert_eq!(pulse.standing(at(300), &thresholds), Standing::Unknown, "nothing was heard for too long");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// When the probe of the newest fact began; before the first one: the last moment at which
    /// one does not count.
    newest: Timestamp,
    /// While it starts: from when on failures count. Afterwards: since when changes are counted.
    anchor: Timestamp,
    /// Of the newest fact that failed.
    failure: Option<Failure>,
    /// Facts in a row that agree with where it stands, or that do not.
    streak: u16,
    /// Changes since `anchor`.
    changes: u8,
    /// How many times the thresholds are doubled.
    doublings: u8,
    standing: Standing,
    /// What the newest fact said; unknown before the first one.
    heading: Standing,
    /// Where it stood for sure last; unknown before it ever did.
    settled: Standing,
    /// Beside what the newest report found.
    aside: Aside,
}

const _: () = assert!(size_of::<Pulse>() <= 32, "a hundred thousand targets fit into a cache");

impl Pulse {
    /// Of an instance that was never seen to be well: it may fail until its start window is over.
    pub fn starting(began_at: Timestamp, thresholds: &Thresholds) -> Self {
        Self { standing: Standing::Starting, anchor: thresholds.start_ends_at(began_at), ..Self::unknown(began_at) }
    }

    /// Of an instance that has been well before: of where it stands nothing is known.
    pub fn unknown(began_at: Timestamp) -> Self {
        Self {
            newest: Timestamp::from_millis(began_at.as_millis().saturating_sub(1)),
            anchor: began_at,
            failure: None,
            streak: 0,
            changes: 0,
            doublings: 0,
            standing: Standing::Unknown,
            heading: Standing::Unknown,
            settled: Standing::Unknown,
            aside: Aside::NONE,
        }
    }

    /// Whether any fact has come in.
    pub const fn is_heard(&self) -> bool {
        !matches!(self.heading, Standing::Unknown)
    }

    /// Why the newest fact that failed did so.
    pub const fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// When the probe of the newest fact began.
    pub fn newest(&self) -> Option<Timestamp> {
        self.is_heard().then_some(self.newest)
    }

    /// The newest fact, if there is one.
    pub(super) fn told(&self, now: Timestamp, thresholds: &Thresholds) -> Option<Told> {
        let outcome = match self.heading {
            Standing::Up => Outcome::Passed,
            Standing::Degraded => Outcome::Degraded,
            Standing::Down => Outcome::Failed(self.failure?),
            Standing::Unknown | Standing::Starting => return None,
        };
        let is_stale = !self.is_fresh(now, thresholds);
        Some(Told { outcome, at: self.newest, took: self.aside.took(), in_a_row: self.streak, is_stale })
    }

    /// Why the prober could not tell when it tried last, if it could not.
    pub(super) fn obstruction(&self) -> Option<Obstruction> {
        self.aside.obstruction()
    }

    /// How many times the thresholds are doubled because it changes too often.
    pub const fn doublings(&self) -> u8 {
        self.doublings
    }

    /// A probe that began at `at` has ended. Facts that are not newer than what is known, and those
    /// of a prober that could not tell, change nothing; but without its heartbeat nothing of what a guest
    /// said before is believed any more. Tells whether it may stand elsewhere now, or stand there for
    /// longer than was known.
    #[inline]
    pub fn note(&mut self, outcome: Outcome, at: Timestamp, thresholds: &Thresholds) -> bool {
        self.hear(outcome, Duration::ZERO, at, thresholds)
    }

    /// The same of a probe that took so long, or zero if that is not known.
    #[inline]
    pub(super) fn hear(&mut self, outcome: Outcome, took: Duration, at: Timestamp, thresholds: &Thresholds) -> bool {
        if at <= self.newest {
            return false;
        }
        // What nearly all facts say.
        if self.is_up_still() && matches!(outcome, Outcome::Passed) && !self.is_gap(at, thresholds) {
            self.newest = at;
            self.streak = self.streak.saturating_add(1);
            self.aside = Aside::of_probe(took);
            return false;
        }
        self.turn(outcome, took, at, thresholds)
    }

    /// Whether it is up, and nothing has said otherwise since. Both in one comparison: it is made for
    /// each fact.
    const fn is_up_still(&self) -> bool {
        const UP: u16 = u16::from_le_bytes([Standing::Up as u8, Standing::Up as u8]);
        u16::from_le_bytes([self.standing as u8, self.heading as u8]) == UP
    }

    /// Whether a fact that is newer comes after too long a silence.
    fn is_gap(&self, at: Timestamp, thresholds: &Thresholds) -> bool {
        // It is newer, so that the bits of the difference are those of a positive one.
        let silent_ms = at.as_millis().wrapping_sub(self.newest.as_millis()).cast_unsigned();
        silent_ms > thresholds.stale_ms.into()
    }

    /// The clock was set back: what was heard later than now counts as heard just before.
    pub(super) fn not_after(&mut self, now: Timestamp) {
        if self.newest > now {
            self.newest = Timestamp::from_millis(now.as_millis().saturating_sub(1));
        }
    }

    /// Any other fact that is newer than what is known.
    #[cold]
    #[inline(never)]
    fn turn(&mut self, outcome: Outcome, took: Duration, at: Timestamp, thresholds: &Thresholds) -> bool {
        let (before, was_heard) = (self.standing, self.is_heard());
        let heard = match outcome {
            Outcome::Passed => Standing::Up,
            Outcome::Degraded => Standing::Degraded,
            Outcome::Failed(failure) => {
                self.failure = Some(failure);
                Standing::Down
            }
            Outcome::Unjudged(obstruction) => {
                self.aside = Aside::of_obstruction(obstruction);
                let is_starting = self.standing == Standing::Starting && at < self.anchor;
                if obstruction == Obstruction::NoHeartbeat && !is_starting {
                    (self.streak, self.standing) = (0, Standing::Unknown);
                }
                return self.standing != before;
            }
        };
        let is_gap = self.is_gap(at, thresholds);
        (self.newest, self.aside) = (at, Aside::of_probe(took));
        if is_gap {
            self.lose_track();
        }
        let (agrees, agreed) = (heard == self.standing, self.heading == self.standing);
        if agrees != agreed || (heard == Standing::Down) != (self.heading == Standing::Down) {
            self.streak = 0;
        }
        let is_mixed = core::mem::replace(&mut self.heading, heard) != heard;
        if agrees {
            self.streak = self.streak.saturating_add(1);
        } else if self.counts(heard) {
            self.calm_down(thresholds);
            self.streak = self.streak.saturating_add(1);
            if u32::from(self.streak) >= thresholds.needed(heard, self.doublings) {
                self.settle(heard, thresholds);
                // Those before said something else: of where it stands now this is the first.
                if is_mixed {
                    self.streak = 1;
                }
            }
        }
        is_gap || !was_heard || self.standing != before
    }

    /// Nobody looked for so long that what was is no reason to believe that it still is.
    fn lose_track(&mut self) {
        self.streak = 0;
        if !self.is_in_start_window() {
            self.standing = Standing::Unknown;
        }
    }

    fn is_in_start_window(&self) -> bool {
        self.standing == Standing::Starting && self.newest < self.anchor
    }

    /// Whether a fact counts; the first pass ends the start window.
    fn counts(&mut self, heard: Standing) -> bool {
        let in_window = self.is_in_start_window();
        if in_window && heard != Standing::Down {
            self.anchor = self.newest;
        }
        !in_window || heard != Standing::Down
    }

    fn settle(&mut self, heard: Standing, thresholds: &Thresholds) {
        if self.settled == Standing::Unknown {
            (self.anchor, self.changes) = (self.newest, 0);
        } else if self.settled != heard {
            self.changes = self.changes.saturating_add(1);
            if self.changes > thresholds.changes {
                self.doublings = (self.doublings + 1).min(thresholds.doublings_max);
            }
        }
        (self.standing, self.settled) = (heard, heard);
    }

    /// For each time that it did not change too often, the thresholds are halved once.
    fn calm_down(&mut self, thresholds: &Thresholds) {
        let within = i64::from(thresholds.within_ms);
        let elapsed = self.newest.as_millis().saturating_sub(self.anchor.as_millis());
        if self.settled == Standing::Unknown || elapsed < within {
            return;
        }
        let times = elapsed / within;
        let calm = times - i64::from(self.changes > thresholds.changes);
        self.doublings = self.doublings.saturating_sub(u8::try_from(calm).unwrap_or(u8::MAX));
        self.changes = 0;
        self.anchor = Timestamp::from_millis(self.anchor.as_millis() + times * within);
    }

    /// Whether what was heard last still says something.
    pub fn is_fresh(&self, now: Timestamp, thresholds: &Thresholds) -> bool {
        self.is_heard() && now < self.stale_at(thresholds)
    }

    /// From when on what was heard last says nothing any more.
    pub fn stale_at(&self, thresholds: &Thresholds) -> Timestamp {
        let stale_ms = i64::from(thresholds.stale_ms) + 1;
        Timestamp::from_millis(self.newest.as_millis().saturating_add(stale_ms))
    }

    /// Until when it stands where it does if nothing more is heard.
    pub fn stands_until(&self, thresholds: &Thresholds) -> Timestamp {
        let silent_from = self.stale_at(thresholds);
        match (self.standing, self.is_heard()) {
            // The first fact may take its time.
            (Standing::Starting, false) => {
                Timestamp::from_millis(self.anchor.as_millis().saturating_add(thresholds.first_ms.into()))
            }
            (Standing::Starting, true) => silent_from.max(self.anchor),
            _ => silent_from,
        }
    }

    /// Where it stands.
    pub fn standing(&self, now: Timestamp, thresholds: &Thresholds) -> Standing {
        if now < self.stands_until(thresholds) { self.standing } else { Standing::Unknown }
    }
}
