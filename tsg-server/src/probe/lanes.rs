//! Who may probe now, when not all can at once.
//!
//! Owns the slots and the queues for them. Targets that are known to answer and all others use
//! separate shares, so that black holes only ever wait for one another. Must never look at a
//! clock.

use std::collections::VecDeque;

use super::files::FileBudget;

/// By what a target draws its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// It answered in time when it was last probed.
    Prompt,
    /// It did not, or has not been probed yet.
    Slow,
}

/// How busy a prober is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Probes that run by [`Lane::Prompt`].
    pub prompt: usize,
    /// Probes that run by [`Lane::Slow`].
    pub slow: usize,
    /// Targets that wait for a slot.
    pub waiting: usize,
}

/// Slots of running probes, and who waits for one.
pub struct Lanes<W> {
    in_flight_max: usize,
    slow_max: usize,
    prompt: usize,
    slow: usize,
    waiting_prompt: VecDeque<W>,
    waiting_slow: VecDeque<W>,
}

impl<W> Lanes<W> {
    /// All free.
    pub const fn new(budget: FileBudget) -> Self {
        Self {
            in_flight_max: budget.in_flight,
            slow_max: budget.slow,
            prompt: 0,
            slow: 0,
            waiting_prompt: VecDeque::new(),
            waiting_slow: VecDeque::new(),
        }
    }

    /// Who runs and who waits.
    pub fn load(&self) -> Load {
        let waiting = self.waiting_prompt.len() + self.waiting_slow.len();
        Load { prompt: self.prompt, slow: self.slow, waiting }
    }

    /// Slots that nobody has.
    pub const fn free(&self) -> usize {
        self.in_flight_max.saturating_sub(self.prompt + self.slow)
    }

    /// Queues for a slot.
    pub fn wait(&mut self, lane: Lane, who: W) {
        match lane {
            Lane::Prompt => self.waiting_prompt.push_back(who),
            Lane::Slow => self.waiting_slow.push_back(who),
        }
    }

    /// The next one that gets a slot, and has it.
    pub fn admit(&mut self) -> Option<(Lane, W)> {
        if self.free() == 0 {
            return None;
        }
        if let Some(who) = self.waiting_prompt.pop_front() {
            self.prompt += 1;
            return Some((Lane::Prompt, who));
        }
        if self.slow >= self.slow_max {
            return None;
        }
        let who = self.waiting_slow.pop_front()?;
        self.slow += 1;
        Some((Lane::Slow, who))
    }

    /// A probe that was thought to be prompt is not: its slot is counted among the others, even
    /// if these are all taken.
    pub const fn slow_down(&mut self) {
        self.prompt = self.prompt.saturating_sub(1);
        self.slow += 1;
    }

    /// A probe is over.
    pub const fn leave(&mut self, lane: Lane) {
        match lane {
            Lane::Prompt => self.prompt = self.prompt.saturating_sub(1),
            Lane::Slow => self.slow = self.slow.saturating_sub(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_holes_wait_for_one_another_and_nobody_waits_for_them() {
        let mut lanes = Lanes::new(FileBudget { in_flight: 4, slow: 2 });
        (0..5).for_each(|number| lanes.wait(Lane::Slow, number));
        assert_eq!((lanes.admit(), lanes.admit(), lanes.admit()), (Some((Lane::Slow, 0)), Some((Lane::Slow, 1)), None));
        lanes.wait(Lane::Prompt, 10);
        lanes.wait(Lane::Prompt, 11);
        lanes.wait(Lane::Prompt, 12);
        let admitted = (lanes.admit(), lanes.admit(), lanes.admit());
        assert_eq!(admitted, (Some((Lane::Prompt, 10)), Some((Lane::Prompt, 11)), None), "four files in all");
        lanes.leave(Lane::Slow);
        assert_eq!(lanes.admit(), Some((Lane::Prompt, 12)), "who answers goes first");
        lanes.leave(Lane::Prompt);
        assert_eq!(lanes.admit(), Some((Lane::Slow, 2)));
    }

    #[test]
    fn a_prompt_target_that_falls_silent_takes_the_place_of_a_slow_one() {
        let mut lanes = Lanes::new(FileBudget { in_flight: 4, slow: 1 });
        lanes.wait(Lane::Prompt, 0);
        assert!(lanes.admit().is_some());
        lanes.slow_down();
        lanes.wait(Lane::Slow, 1);
        assert_eq!((lanes.admit(), lanes.load()), (None, Load { prompt: 0, slow: 1, waiting: 1 }));
        lanes.leave(Lane::Slow);
        assert_eq!(lanes.admit(), Some((Lane::Slow, 1)));
        assert_eq!(lanes.load().waiting, 0);
    }
}
