//! When an instance that fails is started again, and how often.
//!
//! Owns the restart policy. Must never count restarts; that is memory, not policy.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::invalid::{InvalidPolicy, back_off, some};
use crate::model::span::Span;

/// Restarts that are remembered of an instance, and so the most that a policy can count.
const ATTEMPTS_MAX: u8 = 8;

/// What an instance is restarted after. Written as a list of `on_failure` and `on_cn_restart`, or
/// as one word, which may also be `always` or `never`.
///
/// ```
/// use tsg_core::model::policy::{RestartConditions, RestartPolicy};
///
/// let restart: RestartPolicy = serde_json::from_str(r#"{"condition": ["on_cn_restart"], "delay": "5s"}"#)?;
/// assert_eq!(restart.condition, RestartConditions::OnCnRestart);
/// assert!(restart.condition.on_cn_restart() && !restart.condition.on_failure());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RestartConditions {
    /// Nothing: what fails goes straight to a replacement.
    Never,
    /// Its own failure.
    OnFailure,
    /// The return of its compute node.
    OnCnRestart,
    /// Either of the two.
    #[default]
    OnFailureOrCnRestart,
    /// Either of the two, whoever stopped it. No cloud tells who that was, so that so far this is
    /// the same as both.
    Always,
}

impl RestartConditions {
    /// Whether an instance that failed is restarted.
    pub const fn on_failure(self) -> bool {
        matches!(self, Self::OnFailure | Self::OnFailureOrCnRestart | Self::Always)
    }

    /// Whether an instance that its compute node brought down is started again.
    pub const fn on_cn_restart(self) -> bool {
        matches!(self, Self::OnCnRestart | Self::OnFailureOrCnRestart | Self::Always)
    }

    /// Whether an instance is started again even if it is known that a person stopped it.
    pub const fn always(self) -> bool {
        matches!(self, Self::Always)
    }
}

/// The `restart` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RestartPolicy {
    /// What an instance is restarted after. Default: its own failure and its node's return.
    pub condition: RestartConditions,
    /// How many restarts an instance gets within `interval` before it is replaced; 0 to 8.
    /// Default: 3.
    pub attempts: u8,
    /// The sliding interval over which attempts are counted. Default: 30 min.
    pub interval: Span,
    /// The wait between a restart and the next; it doubles each time. Default: 15 s.
    pub delay: Span,
    /// The longest such wait. Default: 5 min.
    pub max_delay: Span,
    /// How long a restarted instance may take to be healthy again. Default: 120 s.
    pub window: Span,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            condition: RestartConditions::OnFailureOrCnRestart,
            attempts: 3,
            interval: Span::from_mins(30),
            delay: Span::from_secs(15),
            max_delay: Span::from_mins(5),
            window: Span::from_secs(120),
        }
    }
}

impl RestartPolicy {
    pub(super) fn check(&self) -> Result<(), InvalidPolicy> {
        if self.attempts > ATTEMPTS_MAX {
            return Err(InvalidPolicy::Attempts { attempts: self.attempts, most: ATTEMPTS_MAX });
        }
        some("restart.interval", self.interval.is_zero(), "no restart would ever count", "\"30m\"")?;
        some("restart.window", self.window.is_zero(), "every restart would fail at once", "\"2m\"")?;
        back_off("restart", self.delay, self.max_delay)?;
        self.check_attempts_fit()
    }

    /// Refuses more attempts than can be counted before the first of them is forgotten, where an instance
    /// runs and does not become healthy: it is restarted again when both the wait and its window are over.
    fn check_attempts_fit(&self) -> Result<(), InvalidPolicy> {
        let &Self { condition, attempts, interval, window, .. } = self;
        let wait = |nth: u8| self.delay.doubled(u32::from(nth), self.max_delay).max(window);
        let waits = Span::from_millis((0..attempts.saturating_sub(1)).map(wait).map(Span::as_millis).sum());
        if attempts < 2 || waits < interval || !condition.on_failure() {
            return Ok(());
        }
        Err(InvalidPolicy::AttemptsForgotten { attempts, waits, interval })
    }
}

impl RestartConditions {
    const fn of(on_failure: bool, on_cn_restart: bool) -> Self {
        match (on_failure, on_cn_restart) {
            (false, false) => Self::Never,
            (true, false) => Self::OnFailure,
            (false, true) => Self::OnCnRestart,
            (true, true) => Self::OnFailureOrCnRestart,
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        match word {
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            _ => Word::read(word).map(|word| Self::Never.with(word)),
        }
    }

    const fn with(self, word: Word) -> Self {
        match word {
            Word::OnFailure => Self::of(true, self.on_cn_restart()),
            Word::OnCnRestart => Self::of(self.on_failure(), true),
        }
    }
}

/// A word that may stand in a list of conditions.
#[derive(Clone, Copy)]
enum Word {
    OnFailure,
    OnCnRestart,
}

impl Word {
    fn read(word: &str) -> Option<Self> {
        match word {
            "on_failure" => Some(Self::OnFailure),
            "on_cn_restart" => Some(Self::OnCnRestart),
            _ => None,
        }
    }
}

impl Serialize for RestartConditions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Never => to.serialize_str("never"),
            Self::Always => to.serialize_str("always"),
            Self::OnFailure => to.collect_seq(["on_failure"]),
            Self::OnCnRestart => to.collect_seq(["on_cn_restart"]),
            Self::OnFailureOrCnRestart => to.collect_seq(["on_failure", "on_cn_restart"]),
        }
    }
}

impl<'de> Deserialize<'de> for RestartConditions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ConditionsVisitor)
    }
}

struct ConditionsVisitor;

impl<'de> de::Visitor<'de> for ConditionsVisitor {
    type Value = RestartConditions;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\"always\", \"never\", or a list of \"on_failure\" and \"on_cn_restart\"")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<RestartConditions, E> {
        RestartConditions::of_word(word).ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut words: A) -> Result<RestartConditions, A::Error> {
        let mut conditions = RestartConditions::Never;
        while let Some(word) = words.next_element::<String>()? {
            let known = Word::read(&word);
            conditions =
                conditions.with(known.ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(&word), &self))?);
        }
        Ok(conditions)
    }
}
