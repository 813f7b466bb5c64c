//! Who may probe now, when not all can at once.
//!
//! Owns the slots, the queues for them, and who has to give one back. Each lane has a share of the
//! slots that nobody keeps from it: what others use of it beyond their own shares they lose as soon as
//! it is wanted. Must never look at a clock.

use std::collections::{BTreeMap, VecDeque};

use super::files::FileBudget;

/// By what a target draws its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// It answered at once when it was last probed.
    Prompt,
    /// It has not been probed yet.
    New,
    /// It answered, but not at once.
    Late,
    /// It did not answer.
    Silent,
}

/// How busy a prober is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Probes that run by [`Lane::Prompt`].
    pub prompt: usize,
    /// All others that run.
    pub slow: usize,
    /// Targets that wait for a slot.
    pub waiting: usize,
}

/// A slot that somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    lane: Lane,
    number: u64,
}

/// What becomes of a probe that goes on for too long.
#[derive(Debug, PartialEq, Eq)]
pub enum RunOn<R> {
    /// It keeps its slot under this ticket.
    Counted(Ticket),
    /// It has to give it back, and waits for another one in this lane.
    CutOff(Lane, R),
    /// It is over already.
    Over,
}

/// Slots of running probes, and who waits for one.
pub struct Lanes<W, R> {
    slots: usize,
    /// Given back, and not free yet.
    leaving: usize,
    begun: u64,
    prompt: Queue<W, R>,
    new: Queue<W, R>,
    late: Queue<W, R>,
    silent: Queue<W, R>,
}

struct Queue<W, R> {
    /// Slots that it has whenever it wants them.
    share: usize,
    /// Slots that it may have while nobody else wants them.
    max: usize,
    /// In the order in which they began.
    running: BTreeMap<u64, R>,
    waiting: VecDeque<W>,
}

impl Lane {
    const ALL: [Self; 4] = [Self::Prompt, Self::New, Self::Late, Self::Silent];

    /// What a probe that goes on for too long is counted as from then on.
    const fn out_of_patience(self) -> Self {
        match self {
            Self::Prompt | Self::Late => Self::Late,
            Self::New | Self::Silent => Self::Silent,
        }
    }
}

impl<W, R> Queue<W, R> {
    const fn new(share: usize, max: usize) -> Self {
        Self { share, max, running: BTreeMap::new(), waiting: VecDeque::new() }
    }

    /// Slots that it has a right to, and waits for.
    fn claims(&self) -> usize {
        self.waiting.len().min(self.share.saturating_sub(self.running.len()))
    }

    fn can_begin(&self) -> bool {
        !self.waiting.is_empty() && self.running.len() < self.max
    }

    fn excess(&self) -> usize {
        self.running.len().saturating_sub(self.share)
    }
}

impl<W, R> Lanes<W, R> {
    /// All free.
    pub const fn new(budget: FileBudget) -> Self {
        let FileBudget { in_flight, slow } = budget;
        let eighth = in_flight / 8;
        Self {
            slots: in_flight,
            leaving: 0,
            begun: 0,
            prompt: Queue::new(in_flight - slow - 2 * eighth, in_flight),
            new: Queue::new(eighth, in_flight),
            late: Queue::new(eighth, in_flight),
            // They keep a slot for as long as a probe may take, and what they leave keeps connections.
            silent: Queue::new(slow, slow),
        }
    }

    /// Who runs and who waits.
    pub fn load(&self) -> Load {
        let prompt = self.prompt.running.len();
        let waiting = self.queues().iter().map(|queue| queue.waiting.len()).sum();
        Load { prompt, slow: self.slots - self.free() - prompt, waiting }
    }

    /// Slots that nobody has.
    pub fn free(&self) -> usize {
        let running: usize = self.queues().iter().map(|queue| queue.running.len()).sum();
        self.slots.saturating_sub(running + self.leaving)
    }

    /// Whether anybody waits for one that runs out of patience.
    pub fn is_pressed(&self) -> bool {
        !self.prompt.waiting.is_empty() || !self.new.waiting.is_empty()
    }

    /// Queues for a slot.
    pub fn wait(&mut self, lane: Lane, who: W) {
        self.queue(lane).waiting.push_back(who);
    }

    /// Queues again, before all others: it was cut off.
    pub fn wait_again(&mut self, lane: Lane, who: W) {
        self.queue(lane).waiting.push_front(who);
    }

    /// The next one that may begin. Whoever has a right to a slot goes before those that would borrow
    /// one.
    pub fn next(&mut self) -> Option<(Lane, W)> {
        if self.free() == 0 {
            return None;
        }
        let has_claim = |lane: &Lane| self.queue_of(*lane).claims() > 0;
        let can_begin = |lane: &Lane| self.queue_of(*lane).can_begin();
        let lane = Lane::ALL.into_iter().find(has_claim).or_else(|| Lane::ALL.into_iter().find(can_begin))?;
        self.queue(lane).waiting.pop_front().map(|who| (lane, who))
    }

    /// It begins.
    pub fn begin(&mut self, lane: Lane, running: R) -> Ticket {
        self.begun += 1;
        let ticket = Ticket { lane, number: self.begun };
        self.queue(lane).running.insert(ticket.number, running);
        ticket
    }

    /// One has gone on for too long to be counted as it was: its slot is another lane's from then on.
    /// If that has as many as it may have already, the slot is to be given back, and is free once that
    /// one [`Lanes::left`].
    pub fn run_on(&mut self, ticket: Ticket) -> RunOn<R> {
        let Some(running) = self.queue(ticket.lane).running.remove(&ticket.number) else { return RunOn::Over };
        let lane = ticket.lane.out_of_patience();
        let to = self.queue(lane);
        if to.running.len() >= to.max {
            self.leaving += 1;
            return RunOn::CutOff(lane, running);
        }
        to.running.insert(ticket.number, running);
        RunOn::Counted(Ticket { lane, ..ticket })
    }

    /// One that has to give its slot back, since somebody else has a right to it: of the lane that has
    /// most beyond its share the one that began last. The slot is free once that one [`Lanes::left`].
    pub fn take_back(&mut self) -> Option<(Lane, R)> {
        let claims: usize = self.queues().iter().map(|queue| queue.claims()).sum();
        if claims <= self.free() + self.leaving {
            return None;
        }
        let lane = Lane::ALL.into_iter().max_by_key(|lane| self.queue_of(*lane).excess())?;
        if self.queue_of(lane).excess() == 0 {
            return None;
        }
        let (_, running) = self.queue(lane).running.pop_last()?;
        self.leaving += 1;
        Some((lane, running))
    }

    /// One that was cut off is gone.
    pub const fn left(&mut self) {
        self.leaving = self.leaving.saturating_sub(1);
    }

    /// A probe is over.
    pub fn leave(&mut self, ticket: Ticket) {
        self.queue(ticket.lane).running.remove(&ticket.number);
    }

    const fn queues(&self) -> [&Queue<W, R>; 4] {
        [&self.prompt, &self.new, &self.late, &self.silent]
    }

    const fn queue_of(&self, lane: Lane) -> &Queue<W, R> {
        match lane {
            Lane::Prompt => &self.prompt,
            Lane::New => &self.new,
            Lane::Late => &self.late,
            Lane::Silent => &self.silent,
        }
    }

    const fn queue(&mut self, lane: Lane) -> &mut Queue<W, R> {
        match lane {
            Lane::Prompt => &mut self.prompt,
            Lane::New => &mut self.new,
            Lane::Late => &mut self.late,
            Lane::Silent => &mut self.silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 8 for each of those that answer at once, 4 newcomers, 4 late ones and 16 silent ones.
    const BUDGET: FileBudget = FileBudget { in_flight: 32, slow: 16 };

    type Plain = Lanes<u32, u32>;

    /// Begins whatever may.
    fn begin_all(lanes: &mut Plain) -> Vec<(Lane, u32)> {
        let mut begun = Vec::new();
        while let Some((lane, who)) = lanes.next() {
            lanes.begin(lane, who);
            begun.push((lane, who));
        }
        begun
    }

    fn queue(lanes: &mut Plain, lane: Lane, who: std::ops::Range<u32>) {
        who.for_each(|who| lanes.wait(lane, who));
    }

    #[test]
    fn black_holes_wait_for_one_another_and_nobody_waits_for_them() {
        let mut lanes = Plain::new(BUDGET);
        queue(&mut lanes, Lane::Silent, 0..100);
        assert_eq!(begin_all(&mut lanes).len(), 16);
        for (lane, who) in [(Lane::Prompt, 200..204), (Lane::New, 300..304), (Lane::Late, 400..404)] {
            queue(&mut lanes, lane, who.clone());
            assert_eq!(begin_all(&mut lanes), who.map(|who| (lane, who)).collect::<Vec<_>>());
        }
        assert_eq!((lanes.free(), lanes.take_back()), (4, None), "what nobody wants keeps connections");
    }

    #[test]
    fn what_is_borrowed_is_taken_back_from_whoever_began_last_and_begins_again_first() {
        let mut lanes = Plain::new(BUDGET);
        queue(&mut lanes, Lane::Late, 0..40);
        assert_eq!(begin_all(&mut lanes).len(), 32, "nobody else wants them");
        queue(&mut lanes, Lane::Prompt, 100..102);
        assert!(lanes.next().is_none());
        let back = [lanes.take_back(), lanes.take_back(), lanes.take_back()];
        assert_eq!(back, [Some((Lane::Late, 31)), Some((Lane::Late, 30)), None]);
        [31, 30].into_iter().for_each(|who| lanes.wait_again(Lane::Late, who));
        assert!(lanes.next().is_none(), "they are not gone yet");
        lanes.left();
        lanes.left();
        assert_eq!(begin_all(&mut lanes), [(Lane::Prompt, 100), (Lane::Prompt, 101)]);
        lanes.leave(Ticket { lane: Lane::Late, number: 1 });
        assert_eq!(begin_all(&mut lanes), [(Lane::Late, 30)]);
    }

    #[test]
    fn one_that_runs_out_of_patience_is_counted_with_others_of_its_kind_or_cut_off() {
        let mut lanes = Plain::new(BUDGET);
        queue(&mut lanes, Lane::Silent, 0..15);
        queue(&mut lanes, Lane::New, 15..17);
        begin_all(&mut lanes);
        let [one, other] = [1, 2].map(|number| Ticket { lane: Lane::New, number });
        assert_eq!(lanes.run_on(one), RunOn::Counted(Ticket { lane: Lane::Silent, number: 1 }));
        assert_eq!(lanes.run_on(other), RunOn::CutOff(Lane::Silent, 16), "sixteen are all there may be");
        assert_eq!((lanes.run_on(other), lanes.free()), (RunOn::Over, 15));
        lanes.left();
        assert_eq!(lanes.load(), Load { prompt: 0, slow: 16, waiting: 0 });
    }

    /// SplitMix64.
    fn drawn(state: &mut u64) -> usize {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 8) as usize
    }

    fn tickets(lanes: &Plain) -> Vec<Ticket> {
        let of = |lane: Lane| lanes.queue_of(lane).running.keys().map(move |number| Ticket { lane, number: *number });
        Lane::ALL.into_iter().flat_map(of).collect()
    }

    /// Cuts off whoever has to be, and begins whoever may.
    fn settle(lanes: &mut Plain) {
        begin_all(lanes);
        while lanes.take_back().is_some() {
            lanes.left();
            begin_all(lanes);
        }
    }

    /// Something happens: somebody comes, has to wait no longer, goes on for too long, or is over.
    fn step(lanes: &mut Plain, draw: usize) {
        let running = tickets(lanes);
        let one = running.get(draw / 16 % running.len().max(1)).copied();
        match (draw % 16, one) {
            (0..6, _) => lanes.wait(Lane::ALL[draw / 16 % 4], 0),
            (6..11, _) => settle(lanes),
            (11..14, Some(ticket)) => {
                if let RunOn::CutOff(..) = lanes.run_on(ticket) {
                    lanes.left();
                }
            }
            (_, Some(ticket)) => lanes.leave(ticket),
            (_, None) => {}
        }
    }

    #[test]
    fn whatever_happens_no_slot_is_given_twice_and_nobody_waits_for_what_is_theirs() {
        for seed in 0..200 {
            let (mut lanes, mut state) = (Plain::new(BUDGET), seed);
            for _ in 0..400 {
                step(&mut lanes, drawn(&mut state));
                assert!(tickets(&lanes).len() <= 32 && lanes.silent.running.len() <= 16, "seed {seed}");
            }
            settle(&mut lanes);
            let owed: Vec<usize> = lanes.queues().iter().map(|queue| queue.claims()).collect();
            assert_eq!(owed, [0; 4], "seed {seed}");
        }
    }
}
