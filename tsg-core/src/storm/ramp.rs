//! The slow start of repair. Owns its length and its beginning; must never slow what a user asked
//! for (docs/adr/0004).

use core::time::Duration;

use crate::model::time::Timestamp;

/// How long after a start repair is slowed: long enough for every list, feed and probe to have
/// come round several times.
pub const RAMP: Duration = Duration::from_secs(5 * 60);
/// The share of the budget at the start.
const START_PERMILLE: u64 = 100;
/// The whole budget.
pub(super) const WHOLE_PERMILLE: u64 = 1000;

/// The share of its budget that repair may use, in thousandths: 100 at the start, 1000 from five
/// minutes on. A clock that stands before the start counts as the start.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::storm::ramp::share_permille;
///
/// let start = Timestamp::from_millis(1_800_000_000_000);
/// assert_eq!(share_permille(start, start), 100);
/// assert_eq!(share_permille(start, start.after(Duration::from_secs(150))), 550);
/// assert_eq!(share_permille(start, start.after(Duration::from_secs(300))), 1000);
/// ```
pub fn share_permille(started_at: Timestamp, now: Timestamp) -> u64 {
    let ran = now.since(started_at).min(RAMP).as_millis();
    let grown = u128::from(WHOLE_PERMILLE - START_PERMILLE) * ran / RAMP.as_millis();
    START_PERMILLE + u64::try_from(grown).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_never_falls_and_stays_within_its_bounds() {
        let start = Timestamp::from_millis(-40);
        let shares = (-3..400).map(|second| share_permille(start, Timestamp::from_millis(second * 1000)));
        let shares: alloc::vec::Vec<u64> = shares.collect();
        assert!(shares.is_sorted());
        assert_eq!((shares[0], shares.last().copied()), (100, Some(1000)));
        assert_eq!(share_permille(Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX)), 1000);
    }
}
