//! What each prober told of each check of an instance last, as `/v2` writes it.
//!
//! Owns the written form. Must never say less of an old fact than that it is old.

use std::time::Duration;

use serde::Serialize;
use tsg_core::health::fact::{Failure, Outcome};
use tsg_core::health::last::Told;
use tsg_core::model::time::Timestamp;

use crate::health::KnownFact;
use crate::time;

/// What one prober told of one check last.
#[derive(Debug, Serialize)]
pub struct FactBody {
    check: String,
    prober: String,
    outcome: OutcomeBody,
    /// When the probe began.
    at: Option<String>,
    /// How long ago that was, by the server's clock.
    age_ms: Option<u64>,
    /// Whether it is so old that it says nothing any more.
    is_stale: bool,
    took_ms: Option<f64>,
    in_a_row: Option<u16>,
    /// Why it failed, as probers tell it.
    failure: Option<Failure>,
    /// The same in words.
    reason: Option<String>,
    /// Why the prober could not tell when it tried last, in words.
    cannot_tell: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeBody {
    Passed,
    Degraded,
    Failed,
    Unknown,
}

impl FactBody {
    /// A fact as it is now.
    pub fn of(known: KnownFact, now: Timestamp) -> Self {
        let KnownFact { check, prober, last } = known;
        let cannot_tell = last.obstruction.map(|why| why.to_string());
        let Some(told) = last.told else { return Self::unknown(check, prober, cannot_tell) };
        let (outcome, failure) = match told.outcome {
            Outcome::Passed => (OutcomeBody::Passed, None),
            Outcome::Degraded => (OutcomeBody::Degraded, None),
            Outcome::Failed(failure) => (OutcomeBody::Failed, Some(failure)),
            Outcome::Unjudged(_) => (OutcomeBody::Unknown, None),
        };
        Self {
            check,
            prober,
            outcome,
            at: Some(time::milliseconds(told.at)),
            age_ms: u64::try_from(now.since(told.at).as_millis()).ok(),
            is_stale: told.is_stale,
            took_ms: took_ms(&told),
            in_a_row: Some(told.in_a_row),
            failure,
            reason: failure.map(|failure| failure.to_string()),
            cannot_tell,
        }
    }

    /// Of a prober that never could tell.
    fn unknown(check: String, prober: String, cannot_tell: Option<String>) -> Self {
        Self {
            check,
            prober,
            outcome: OutcomeBody::Unknown,
            at: None,
            age_ms: None,
            is_stale: false,
            took_ms: None,
            in_a_row: None,
            failure: None,
            reason: None,
            cannot_tell,
        }
    }
}

/// Two digits, since more would claim to be known better than to an eighth; and never more than it took.
fn took_ms(told: &Told) -> Option<f64> {
    let micros = told.took?.as_micros();
    let place = 10_u128.pow(micros.checked_ilog10()?.saturating_sub(1));
    let rough = Duration::from_micros(u64::try_from(micros - micros % place).ok()?);
    Some(rough.div_duration_f64(Duration::from_millis(1)))
}
