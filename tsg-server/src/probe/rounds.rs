//! Which probes begin when, in the time of sockets.
//!
//! Owns that those which come due one after the other begin together: one wake-up serves them all,
//! here and where they are answered. Must never hold one back by more than [`STRIDE`].

use std::time::Duration;

use tokio::time::Instant;
use tsg_core::health::check::Pacing;
use tsg_core::health::rota::{Ended, Rota};
use tsg_core::model::id::InstanceId;
use tsg_core::model::time::Timestamp;

/// From the begin of one round to that of the next at least. Half of the shortest timeout that a check
/// may have, of which none is lost: time is counted from the begin of a probe. Of the shortest
/// interval it is a two-hundredth, so that nobody sees it in a verdict.
const STRIDE: Duration = Duration::from_millis(5);

/// The rota of all targets, and its rounds.
pub struct Rounds {
    rota: Rota,
    /// A moment, and the same on the clock of the rota.
    started: (Instant, Timestamp),
    next_round: Instant,
    /// Filled anew each time.
    due: Vec<u32>,
}

impl Rounds {
    /// Nothing is probed by the prober of this name. It is `now` on both clocks.
    pub fn new(prober: &str, now: (Instant, Timestamp)) -> Self {
        Self { rota: Rota::new(now.1).of(prober), started: now, next_round: now.0, due: Vec::new() }
    }

    /// From now on a check of an instance is probed under this number.
    pub fn set(&mut self, target: u32, (instance, check): (InstanceId, u16), pacing: &Pacing, now: Instant) {
        self.rota.set(target, instance, check, pacing, self.rota_time(now));
    }

    /// A target is not probed any more.
    pub fn remove(&mut self, target: u32) {
        self.rota.remove(target);
    }

    /// The probe of a target is done.
    pub fn done(&mut self, target: u32, ended: Ended, now: Instant) {
        self.rota.done(target, ended, self.rota_time(now));
    }

    /// Adds everybody whose probe is to begin now, and since when it is due.
    pub fn begin(&mut self, now: Instant, out: &mut Vec<(u32, Instant)>) {
        if now < self.next_round {
            return;
        }
        self.due.clear();
        self.rota.due(self.rota_time(now), &mut self.due);
        if !self.due.is_empty() {
            self.next_round = now + STRIDE;
        }
        out.extend(
            self.due.iter().map(|target| (*target, self.rota.due_at(*target).map_or(now, |at| self.instant(at)))),
        );
    }

    /// No probe begins before that.
    pub fn next_at(&self) -> Option<Instant> {
        self.rota.next_due().map(|at| self.instant(at).max(self.next_round))
    }

    fn rota_time(&self, now: Instant) -> Timestamp {
        self.started.1.after(now.saturating_duration_since(self.started.0))
    }

    fn instant(&self, at: Timestamp) -> Instant {
        self.started.0 + at.since(self.started.1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tsg_core::health::check::CheckSpec;
    use uuid::Uuid;

    use super::*;

    const TARGETS: u32 = 2_000;
    const INTERVAL: Duration = Duration::from_secs(10);

    /// The moments at which probes begin that are due within two intervals, with how late each is: whoever
    /// waits for [`Rounds::next_at`] and has its probes done at once.
    fn begun(targets: u32) -> Vec<(Instant, Vec<(u32, Duration)>)> {
        let check: CheckSpec = "tcp:22".parse().unwrap();
        let start = Instant::now();
        let mut rounds = Rounds::new("", (start, Timestamp::EPOCH));
        for target in 0..targets {
            let instance = InstanceId::new(Uuid::from_u128(u128::from(target)));
            rounds.set(target, (instance, 0), &check.pacing, start);
        }
        let (mut begun, mut now) = (Vec::new(), start);
        while now < start + 2 * INTERVAL + STRIDE {
            let mut round = Vec::new();
            rounds.begin(now, &mut round);
            round.iter().for_each(|(target, _)| rounds.done(*target, Ended::Well, now));
            let in_time = round.into_iter().filter(|(_, due)| *due < start + 2 * INTERVAL);
            begun.push((now, in_time.map(|(target, due)| (target, now - due)).collect()));
            let next = rounds.next_at().unwrap();
            assert!(next > now, "there is nothing left to begin");
            now = next;
        }
        begun
    }

    #[test]
    fn those_that_come_due_one_after_the_other_begin_together_and_none_waits_for_longer_than_that() {
        let begun: Vec<_> = begun(TARGETS).into_iter().filter(|(_, round)| !round.is_empty()).collect();
        for ((one, _), (next, _)) in begun.iter().zip(begun.iter().skip(1)) {
            assert!(*next - *one >= STRIDE, "two rounds in one stride");
        }
        let mut probes = BTreeMap::<u32, u32>::new();
        for (target, late) in begun.iter().flat_map(|(_, round)| round) {
            assert!(*late <= STRIDE, "target {target} is {late:?} late");
            *probes.entry(*target).or_default() += 1;
        }
        assert_eq!(probes.len(), TARGETS as usize);
        assert!(probes.values().all(|count| *count == 2), "each once in each interval");
    }

    #[test]
    fn one_that_comes_alone_waits_for_nobody() {
        let late: Vec<_> = begun(1).into_iter().flat_map(|(_, round)| round).map(|(_, late)| late).collect();
        assert_eq!(late, [Duration::ZERO; 2]);
    }
}
