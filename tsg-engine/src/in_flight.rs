//! How many creates may be unanswered at once in one account.
//!
//! Triton places one machine at a time for a whole data centre and gives up on one that waited
//! 180 s. Owns the bound that keeps answers well below that. Pure: must never read a clock.

use core::time::Duration;

/// An answer slower than this shrinks the bound: a quarter of what Triton waits, so that the
/// requests already queued behind it still make it.
const SLOW: Duration = Duration::from_secs(45);
/// An answer faster than this lets the bound grow.
const QUICK: Duration = Duration::from_secs(25);
/// The bound never falls below this, so that there is always something to measure.
const FLOOR: f64 = 4.0;
/// Factor of one slow answer.
const SHRINK: f64 = 0.9;
/// Where it begins: an allocator that takes 5 s for each machine still serves so many in time.
const START: f64 = 32.0;

/// The bound, moved by the latency of answers.
#[derive(Debug, Clone)]
pub(crate) struct CreateBound {
    ceiling: f64,
    bound: f64,
}

impl CreateBound {
    /// A bound that may grow up to `ceiling`.
    pub(crate) fn new(ceiling: u32) -> Self {
        let ceiling = f64::from(ceiling).max(1.0);
        Self { ceiling, bound: START.min(ceiling) }
    }

    /// The bound now.
    pub(crate) fn bound(&self) -> u32 {
        self.bound as u32
    }

    /// An answer came in after so long.
    pub(crate) fn note(&mut self, latency: Duration) {
        if latency > SLOW {
            self.bound = (self.bound * SHRINK).max(FLOOR.min(self.ceiling));
        } else if latency < QUICK {
            self.bound = (self.bound + 1.0).min(self.ceiling);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// A serial allocator that takes `each` and refuses what waited 180 s.
    fn timeouts_with(each: u64, creates: usize) -> (usize, u64) {
        let mut bound = CreateBound::new(100);
        let mut queue: VecDeque<u64> = VecDeque::new();
        let (mut sent, mut done, mut timeouts, mut now, mut free_at) = (0, 0, 0, 0_u64, 0_u64);
        while done < creates {
            if queue.is_empty() {
                free_at = now;
            }
            // Ten requests each second at most.
            for _ in 0..10 {
                if sent < creates && queue.len() < bound.bound() as usize {
                    queue.push_back(now);
                    sent += 1;
                }
            }
            now += 1;
            while let Some(asked_at) = queue.front().copied()
                && free_at + each <= now
            {
                queue.pop_front();
                free_at += each;
                done += 1;
                timeouts += usize::from(free_at - asked_at > 180);
                bound.note(Duration::from_secs(free_at - asked_at));
            }
        }
        (timeouts, now)
    }

    #[test]
    fn a_slow_allocator_stays_busy_and_never_gives_up() {
        for each in [1, 2, 5] {
            let (timeouts, seconds) = timeouts_with(each, 400);
            let best = 400 * each;
            assert_eq!(timeouts, 0, "creates timed out at {each} s each");
            assert!(seconds * 100 <= best * 105, "{seconds} s instead of {best} s at {each} s each");
        }
    }
}
