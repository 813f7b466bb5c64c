//! What several probers make of one check together.
//!
//! Owns who has a vote, and how many it takes. Must never let one prober speak for all while
//! others can tell, and never count those that are silent.

use super::fact::Failure;
use super::pulse::{Pulse, Standing, Thresholds};
use crate::model::time::Timestamp;

/// Whether a prober can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ability {
    /// It reaches its control targets.
    #[default]
    Able,
    /// It does not reach them, so that it can say nothing about others.
    Abstains,
}

/// What is heard of one check of one instance, prober by prober.
///
/// The worst standing is taken that as many probers as the quorum, and more than half, stand for or
/// find worse. Fewer than the quorum are enough where no more can tell.
///
/// ```
/// use tsg_core::health::fact::{Failure, Outcome};
/// use tsg_core::health::pulse::{Pulse, Standing, Thresholds};
/// use tsg_core::health::quorum::{Ability, Poll};
/// use tsg_core::health::spec::HealthSpec;
/// use tsg_core::model::time::Timestamp;
///
/// let health: HealthSpec = serde_json::from_str(r#"{"checks": [{"type": "tcp", "port": 22}]}"#)?;
/// let (thresholds, now) = (Thresholds::of(&health, &health.checks[0]), Timestamp::from_millis(40_000));
/// let heard = |outcome| {
///     let mut pulse = Pulse::unknown(Timestamp::EPOCH);
///     [10_000, 20_000, 30_000].map(|at| pulse.note(outcome, Timestamp::from_millis(at), &thresholds));
///     pulse
/// };
/// let (fails, passes) = (heard(Outcome::Failed(Failure::Refused)), heard(Outcome::Passed));
///
/// let mut poll = Poll::new(now, &thresholds);
/// [&fails, &passes, &passes].map(|pulse| poll.hear(pulse, Ability::Able));
/// assert_eq!(poll.standing(health.quorum), Standing::Up, "one of three is cut off");
///
/// let mut poll = Poll::new(now, &thresholds);
/// poll.hear(&fails, Ability::Able);
/// poll.hear(&passes, Ability::Abstains);
/// assert_eq!(poll.standing(health.quorum), Standing::Down, "nobody else can tell");
/// assert_eq!(poll.failure(), Some(Failure::Refused));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Poll<'t> {
    now: Timestamp,
    thresholds: &'t Thresholds,
    voters: u32,
    down: u32,
    degraded: u32,
    up: u32,
    starting: u32,
    /// Whether anybody has ever seen it past its start.
    has_begun: bool,
    /// Whether its start is not over, as far as anybody can tell.
    may_start: bool,
    failure: Option<Failure>,
    holds_until: Option<Timestamp>,
}

impl<'t> Poll<'t> {
    /// Nobody was heard yet.
    pub const fn new(now: Timestamp, thresholds: &'t Thresholds) -> Self {
        Self {
            now,
            thresholds,
            voters: 0,
            down: 0,
            degraded: 0,
            up: 0,
            starting: 0,
            has_begun: false,
            may_start: false,
            failure: None,
            holds_until: None,
        }
    }

    /// What one prober knows.
    pub fn hear(&mut self, pulse: &Pulse, ability: Ability) {
        let standing = pulse.standing(self.now, self.thresholds);
        if standing != Standing::Unknown {
            self.note_end(pulse.stands_until(self.thresholds));
        }
        self.has_begun |= pulse.is_heard() && standing != Standing::Starting;
        self.may_start |= standing == Standing::Starting;
        if ability == Ability::Able && pulse.is_fresh(self.now, self.thresholds) {
            self.note_end(pulse.stale_at(self.thresholds));
            self.count(standing, pulse);
        }
    }

    fn note_end(&mut self, at: Timestamp) {
        self.holds_until = Some(self.holds_until.map_or(at, |other| other.min(at)));
    }

    fn count(&mut self, standing: Standing, pulse: &Pulse) {
        self.voters += 1;
        match standing {
            Standing::Unknown => {}
            Standing::Starting => self.starting += 1,
            Standing::Up => self.up += 1,
            Standing::Degraded => self.degraded += 1,
            Standing::Down => {
                self.down += 1;
                self.failure = self.failure.or(pulse.failure());
            }
        }
    }

    /// What they make of it together.
    pub fn standing(&self, quorum: u32) -> Standing {
        let needed = quorum.clamp(1, self.voters.max(1));
        let agree = |count: u32| count >= needed && 2 * count > self.voters;
        if agree(self.down) {
            Standing::Down
        } else if agree(self.down + self.degraded) {
            Standing::Degraded
        } else if self.up + self.degraded > 0 {
            Standing::Up
        } else if self.is_starting() {
            Standing::Starting
        } else {
            Standing::Unknown
        }
    }

    /// Nobody finds that it passes: whether that is because it need not yet.
    const fn is_starting(&self) -> bool {
        let nobody_tells = self.voters == 0 && !self.has_begun && self.may_start;
        self.starting > 0 || nobody_tells
    }

    /// Why it fails, as the first prober says that finds so.
    pub const fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// When it may stand elsewhere without anything being heard.
    pub const fn holds_until(&self) -> Option<Timestamp> {
        self.holds_until
    }
}
