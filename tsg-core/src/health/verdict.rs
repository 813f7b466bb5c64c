//! What the checks of an instance make of it together.
//!
//! Owns which check decides what: those for repair whether it is healthy, those for discovery
//! whether it is ready. Must never let what nobody can tell change what was known.

use super::check::Purpose;
use super::fact::Failure;
use super::pulse::Standing;
use crate::model::time::Timestamp;
use crate::plan::input::Verdict;

/// What is believed of an instance, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// How it is.
    pub verdict: Verdict,
    /// Since when it is so.
    pub since: Timestamp,
    /// Whether it may be listed.
    pub is_ready: bool,
    /// Since when it may, or may not.
    pub ready_since: Timestamp,
    /// Why it is unhealthy, or not ready.
    pub cause: Option<Cause>,
}

/// A check that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// Its place among the checks of the group.
    pub check: u16,
    /// Why.
    pub failure: Failure,
}

/// What the probers make of one check together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// What the check is for.
    pub purpose: Purpose,
    /// Where it stands.
    pub standing: Standing,
    /// Why it fails, if it does.
    pub failure: Option<Failure>,
}

impl Judgement {
    /// Of an instance that was never seen to be well, before anything is heard.
    pub const fn starting(began_at: Timestamp) -> Self {
        Self { verdict: Verdict::Starting, is_ready: false, ..Self::unknown(began_at) }
    }

    /// Of the same instance once its machine was started again. What failed before has not passed
    /// because of that, and fails for as long as it has.
    #[must_use]
    pub const fn started_again(self, began_at: Timestamp) -> Self {
        if self.verdict.is_failing() {
            Self { verdict: self.verdict.started_again(), is_ready: false, ready_since: began_at, ..self }
        } else {
            Self::starting(began_at)
        }
    }

    /// Of an instance that was well before, while nothing is heard: it is believed to be ready
    /// still.
    pub const fn unknown(since: Timestamp) -> Self {
        Self { verdict: Verdict::Unknown, since, is_ready: true, ready_since: since, cause: None }
    }

    /// What follows from the checks now, in their order.
    ///
    /// ```
    /// use tsg_core::health::check::Purpose;
    /// use tsg_core::health::fact::Failure;
    /// use tsg_core::health::pulse::Standing;
    /// use tsg_core::health::verdict::{Finding, Judgement};
    /// use tsg_core::model::time::Timestamp;
    /// use tsg_core::plan::input::Verdict;
    ///
    /// let at = |second: i64| Timestamp::from_millis(second * 1000);
    /// let up = Finding { purpose: Purpose::Live, standing: Standing::Up, failure: None };
    /// let down = Finding { purpose: Purpose::Ready, standing: Standing::Down, failure: Some(Failure::Status(503)) };
    ///
    /// let began = Judgement::starting(at(0));
    /// let served = began.then(at(20), [up, Finding { purpose: Purpose::Ready, ..up }]);
    /// assert_eq!((served.verdict, served.is_ready), (Verdict::Healthy, true));
    /// let busy = served.then(at(30), [up, down]);
    /// assert_eq!((busy.verdict, busy.since), (Verdict::Degraded, at(30)));
    /// assert_eq!((busy.is_ready, busy.ready_since), (false, at(30)));
    /// assert_eq!(busy.then(at(40), [up, down]), busy, "nothing is new");
    /// let lost = busy.then(at(90), [up, down].map(|of| Finding { standing: Standing::Unknown, ..of }));
    /// assert_eq!((lost.verdict, lost.is_ready, lost.ready_since), (Verdict::Unknown, false, at(30)));
    /// let again = Judgement::unknown(at(100)).then(at(101), [Finding { standing: Standing::Unknown, ..down }]);
    /// assert!(again.is_ready, "it was, before the server was started again");
    /// ```
    #[must_use]
    pub fn then(self, now: Timestamp, findings: impl IntoIterator<Item = Finding>) -> Self {
        let mut summary = Summary::default();
        for (check, finding) in (0_u16..).zip(findings) {
            summary.add(check, finding);
        }
        let verdict = match summary.verdict() {
            Verdict::Starting if self.verdict.is_failing() => Verdict::Recovering,
            verdict => verdict,
        };
        let is_ready = summary.is_ready(self.is_ready);
        let goes_on = verdict == self.verdict || (verdict.is_failing() && self.verdict.is_failing());
        let since = if goes_on { self.since } else { now };
        let ready_since = if is_ready == self.is_ready { self.ready_since } else { now };
        // Nothing was heard of one that recovers: what failed is still why.
        let cause = summary.cause().or(self.cause.filter(|_| verdict == Verdict::Recovering));
        Self { verdict, since, is_ready, ready_since, cause }
    }
}

/// The checks of an instance together.
#[derive(Default)]
struct Summary {
    is_down: bool,
    is_starting: bool,
    is_not_well: bool,
    is_up: bool,
    is_unready: bool,
    is_readiness_unknown: bool,
    live_cause: Option<Cause>,
    ready_cause: Option<Cause>,
}

impl Summary {
    fn add(&mut self, check: u16, finding: Finding) {
        let Finding { purpose, standing, failure } = finding;
        match standing {
            Standing::Unknown => self.is_readiness_unknown |= purpose.is_ready(),
            // It has not failed either: one that was listed before anybody looked stays so.
            Standing::Starting => {
                self.is_starting = true;
                self.is_readiness_unknown |= purpose.is_ready();
            }
            Standing::Up => self.is_up = true,
            Standing::Degraded => self.is_not_well = true,
            Standing::Down => self.add_down(purpose, failure.map(|failure| Cause { check, failure })),
        }
    }

    fn add_down(&mut self, purpose: Purpose, cause: Option<Cause>) {
        self.is_unready |= purpose.is_ready();
        let is_fit = cause.is_some_and(|cause| cause.failure.is_of_readiness_alone());
        if purpose.is_live() && !is_fit {
            self.is_down = true;
            self.live_cause = self.live_cause.or(cause);
        } else {
            self.is_not_well = true;
            self.ready_cause = self.ready_cause.or(cause);
        }
    }

    const fn verdict(&self) -> Verdict {
        if self.is_down {
            Verdict::Unhealthy
        } else if self.is_starting {
            Verdict::Starting
        } else if self.is_not_well {
            Verdict::Degraded
        } else if self.is_up {
            Verdict::Healthy
        } else {
            Verdict::Unknown
        }
    }

    /// What cannot be told stays as it was.
    const fn is_ready(&self, before: bool) -> bool {
        !self.is_unready && (before || !self.is_readiness_unknown)
    }

    fn cause(&self) -> Option<Cause> {
        self.live_cause.or(self.ready_cause)
    }
}
