//! A reader's place among events.
//!
//! Owns its written form. Must never be taken for a place in another process.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use tsg_core::model::time::Timestamp;

/// A place among the events of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When they began to be kept.
    pub begun_at: Timestamp,
    /// The number of the last one that was read; 0 for none.
    pub number: u64,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is not a cursor that a server gave")]
pub struct NoCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.begun_at.as_millis(), self.number)
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (begun_at, number) = text.rsplit_once('-').ok_or(NoCursor)?;
        let begun_at = begun_at.parse().map(Timestamp::from_millis).map_err(|_| NoCursor)?;
        Ok(Self { begun_at, number: number.parse().map_err(|_| NoCursor)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let cursor = Cursor { begun_at: Timestamp::from_millis(1_800_000_000_123), number: 42 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for wrong in ["", "42", "x-1", "1-", "1-x", "-", "1--1"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(NoCursor), "{wrong}");
        }
    }
}
