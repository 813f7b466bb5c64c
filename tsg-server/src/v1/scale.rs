//! `increment` and `decrement`: relative changes of the capacity, between limits.
//!
//! Both are clamped: an increment goes up to `max_instance` and never down, a decrement down to
//! `min_instance` and never up. A group that is at or past its limit already stays as it is and
//! the answer is 202 all the same, since what was asked for (no more than so many) holds.

use axum::extract::{Path, State};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use tsg_core::model::group::Group;
use tsg_core::records::Versioned;
use tsg_engine::intent::{self, ChangeGroupError, GroupChange};

use super::body;
use super::groups::{change_failure, find};
use crate::app::{App, Application};
use crate::auth::Caller;
use crate::http::failure::Failure;

#[derive(Debug, Deserialize)]
struct Increment {
    instance_count: Option<i64>,
    max_instance: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Decrement {
    instance_count: Option<i64>,
    min_instance: Option<i64>,
}

pub async fn increment(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    let asked: Increment = body::read(&body)?;
    let count = counter("instance_count", asked.instance_count)?;
    let most = counter("max_instance", asked.max_instance)?.min(app.config.limits.capacity_max);
    scale(&app, &caller, &id, |capacity| raised(capacity, count, most)).await
}

pub async fn decrement(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    let asked: Decrement = body::read(&body)?;
    let count = counter("instance_count", asked.instance_count)?;
    let least = counter("min_instance", asked.min_instance)?;
    scale(&app, &caller, &id, |capacity| lowered(capacity, count, least)).await
}

fn raised(capacity: u32, count: u32, most: u32) -> u32 {
    capacity.saturating_add(count).min(most).max(capacity)
}

fn lowered(capacity: u32, count: u32, least: u32) -> u32 {
    capacity.saturating_sub(count).max(least).min(capacity)
}

fn counter(name: &'static str, value: Option<i64>) -> Result<u32, Failure> {
    let value = value.ok_or_else(|| Failure::unprocessable("InvalidBody", format!("{name} is required")))?;
    if value < 0 {
        return Err(Failure::unprocessable("InvalidBody", format!("only positive integers are allowed for {name}")));
    }
    // What is beyond any capacity is cut to it.
    Ok(u32::try_from(value).unwrap_or(u32::MAX))
}

async fn scale(
    app: &Application,
    caller: &Caller,
    id: &str,
    next_of: impl Fn(u32) -> u32,
) -> Result<StatusCode, Failure> {
    // Each repetition means that another request of this account got through, and no more than
    // these are under way at once.
    for _ in 0..=app.config.limits.requests_at_once {
        let current = find(app, caller, id).await?;
        let capacity = next_of(current.value.capacity);
        if capacity == current.value.capacity {
            return Ok(StatusCode::ACCEPTED);
        }
        match set_capacity(app, caller, &current, capacity).await {
            Ok(_) => {
                caller.enrolled.engine.handle().wake();
                return Ok(StatusCode::ACCEPTED);
            }
            Err(ChangeGroupError::Changed { .. }) => {}
            Err(error) => return Err(change_failure(error)),
        }
    }
    Err(Failure::contended())
}

/// Only at the version that the new capacity was worked out from: two increments at once must
/// both count.
async fn set_capacity(
    app: &Application,
    caller: &Caller,
    current: &Versioned<Group>,
    capacity: u32,
) -> Result<Group, ChangeGroupError> {
    let change = GroupChange { capacity: Some(capacity), only_at: Some(current.version), ..GroupChange::default() };
    intent::change_group(app.store.as_ref(), &caller.intent(app.now()), current.value.id, &change).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_and_nothing_ever_goes_the_other_way() {
        let ups = [(5, 1, 10, 6), (5, 9, 10, 10), (10, 1, 10, 10), (12, 1, 10, 12), (0, u32::MAX, 3, 3)];
        for (capacity, count, most, expected) in ups {
            assert_eq!(raised(capacity, count, most), expected, "{capacity} + {count} up to {most}");
        }
        let downs = [(5, 1, 0, 4), (5, 9, 2, 2), (2, 1, 2, 2), (1, 1, 3, 1), (7, u32::MAX, 0, 0)];
        for (capacity, count, least, expected) in downs {
            assert_eq!(lowered(capacity, count, least), expected, "{capacity} - {count} down to {least}");
        }
    }

    #[test]
    fn counters_are_demanded_and_not_negative() {
        assert!(counter("max_instance", None).is_err());
        assert!(counter("max_instance", Some(-1)).is_err());
        assert_eq!(counter("max_instance", Some(i64::MAX)), Ok(u32::MAX));
    }
}
