//! The probers of an account beside the server's own.
//!
//! Owns their names, their numbers, and who has fallen silent. Must never let two processes speak
//! under one name at once.

use std::collections::BTreeMap;
use std::time::Duration;

use tsg_core::model::time::Timestamp;
use uuid::Uuid;

use crate::remote::{ProberName, Push, SILENT_AFTER, Standing};

/// Probers of one account at most, beside the server's own.
const MEMBERS_MAX: usize = 8;
/// One that is silent for so long is gone.
const GONE_AFTER: Duration = Duration::from_secs(600);

/// The probers of an account.
pub struct Panel {
    members: BTreeMap<ProberName, Member>,
    /// The first of their numbers.
    first: u16,
}

/// One prober.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its number in the ward.
    pub number: u16,
    /// Whether it can be believed.
    pub standing: Standing,
    /// When it was heard of last, on two clocks.
    pub heard_at: Timestamp,
    heard: Duration,
    run: Uuid,
    /// The newest of its facts.
    newest: Option<u64>,
    /// Checks that it makes.
    pub targets: u32,
    /// Facts of it that were not taken, so far.
    pub ignored: u64,
}

/// Why a prober is not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotHeard {
    /// There are as many as there may be.
    TooMany,
    /// Another one of its name was heard of just before; it may be silent after this time.
    NameTaken(Duration),
}

/// A moment, on the clock of the wall and on one that is never set.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// As records carry it.
    pub at: Timestamp,
    /// For waits.
    pub monotonic: Duration,
}

/// What became of a prober of which nothing was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// It has no vote any more.
    Silent(u16),
    /// Its number may be given to another one.
    Gone(u16),
}

impl Panel {
    /// Nobody yet; their numbers will begin with this one.
    pub const fn new(first: u16) -> Self {
        Self { members: BTreeMap::new(), first }
    }

    /// A prober tells something.
    ///
    /// # Errors
    /// It is one too many, or not the only one of its name.
    pub fn hear(&mut self, name: &ProberName, push: &Push, now: Moment) -> Result<&mut Member, NotHeard> {
        if let Some(member) = self.members.get(name) {
            let silent_in = (member.heard + SILENT_AFTER).saturating_sub(now.monotonic);
            if member.run != push.run && !silent_in.is_zero() {
                return Err(NotHeard::NameTaken(silent_in));
            }
        }
        let number = self.members.get(name).map_or_else(|| self.free_number(), |member| Some(member.number));
        let number = number.ok_or(NotHeard::TooMany)?;
        let standing = if push.is_able { Standing::Able } else { Standing::Unable };
        let (heard_at, heard, run, targets) = (now.at, now.monotonic, push.run, push.targets);
        let new = Member { number, standing, heard_at, heard, run, newest: None, targets, ignored: 0 };
        let member = self.members.entry(name.clone()).or_insert(new);
        let newest = member.newest.filter(|_| member.run == run);
        *member = Member { newest, ignored: member.ignored, ..new };
        Ok(member)
    }

    fn free_number(&self) -> Option<u16> {
        let numbers = (self.first..).take(MEMBERS_MAX);
        let is_free = |number: &u16| self.members.values().all(|member| member.number != *number);
        numbers.into_iter().find(is_free)
    }

    /// One has ended. Its number.
    pub fn remove(&mut self, name: &ProberName) -> Option<u16> {
        self.members.remove(name).map(|member| member.number)
    }

    /// Lets time pass: of whom nothing is heard any more.
    pub fn advance(&mut self, now: Duration) -> Vec<Lapse> {
        let mut lapsed = Vec::new();
        self.members.retain(|_, member| {
            let silent_for = now.saturating_sub(member.heard);
            if silent_for >= GONE_AFTER {
                lapsed.push(Lapse::Gone(member.number));
            } else if silent_for >= SILENT_AFTER && member.standing != Standing::Silent {
                member.standing = Standing::Silent;
                lapsed.push(Lapse::Silent(member.number));
            }
            silent_for < GONE_AFTER
        });
        lapsed
    }

    /// All of them, by name.
    pub fn members(&self) -> impl Iterator<Item = (&ProberName, &Member)> {
        self.members.iter()
    }
}

impl Member {
    /// Whether a fact was not told before.
    pub fn is_news(&mut self, number: u64) -> bool {
        let is_news = self.newest.is_none_or(|newest| number > newest);
        if is_news {
            self.newest = Some(number);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProberName {
        text.parse().unwrap()
    }

    fn push(run: u128) -> Push {
        Push { run: Uuid::from_u128(run), is_able: true, targets: 3, facts: Vec::new() }
    }

    fn at(seconds: u64) -> Moment {
        Moment {
            at: Timestamp::from_millis(0).after(Duration::from_secs(seconds)),
            monotonic: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn one_that_falls_silent_is_gone_later_and_its_number_is_free_again() {
        let mut panel = Panel::new(2);
        assert_eq!(panel.hear(&name("a"), &push(1), at(0)).unwrap().number, 2);
        assert_eq!(panel.hear(&name("b"), &push(2), at(5)).unwrap().number, 3);
        assert_eq!(panel.advance(Duration::from_secs(29)), []);
        assert_eq!(panel.advance(Duration::from_secs(30)), [Lapse::Silent(2)]);
        assert_eq!(panel.advance(Duration::from_secs(31)), [], "once is enough");
        assert_eq!(panel.hear(&name("a"), &push(1), at(32)).unwrap().standing, Standing::Able);
        assert_eq!(panel.advance(Duration::from_secs(606)), [Lapse::Silent(2), Lapse::Gone(3)]);
        assert_eq!(panel.hear(&name("c"), &push(3), at(607)).unwrap().number, 3);
        assert_eq!(panel.remove(&name("a")), Some(2));
        assert_eq!(panel.members().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["c"]);
    }

    #[test]
    fn there_are_eight_at_most() {
        let mut panel = Panel::new(2);
        for number in 0..8 {
            panel.hear(&name(&format!("p{number}")), &push(number), at(0)).unwrap();
        }
        assert_eq!(panel.hear(&name("p8"), &push(8), at(0)).unwrap_err(), NotHeard::TooMany);
        assert!(panel.hear(&name("p7"), &push(7), at(1)).is_ok());
        panel.remove(&name("p3"));
        assert_eq!(panel.hear(&name("p8"), &push(8), at(0)).unwrap().number, 5);
    }

    #[test]
    fn two_of_one_name_are_not_heard_both() {
        let mut panel = Panel::new(2);
        panel.hear(&name("a"), &push(1), at(0)).unwrap();
        let refused = panel.hear(&name("a"), &push(2), at(10)).unwrap_err();
        assert_eq!(refused, NotHeard::NameTaken(Duration::from_secs(20)));
        assert!(panel.hear(&name("a"), &push(1), at(11)).is_ok());
        assert!(panel.hear(&name("a"), &push(2), at(41)).is_ok(), "the other one is silent");
    }

    #[test]
    fn what_was_told_before_is_no_news_within_a_run() {
        let mut panel = Panel::new(2);
        let told = |panel: &mut Panel, run: u128, second: u64, number: u64| {
            panel.hear(&name("a"), &push(run), at(second)).unwrap().is_news(number)
        };
        assert!(told(&mut panel, 1, 0, 0) && told(&mut panel, 1, 1, 5));
        assert!(!told(&mut panel, 1, 2, 5) && !told(&mut panel, 1, 2, 4));
        assert!(told(&mut panel, 1, 2, 6));
        assert!(told(&mut panel, 2, 40, 0), "another one counts from the beginning");
    }
}
