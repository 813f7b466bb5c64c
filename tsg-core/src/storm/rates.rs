//! How much may be spent, and how fast it comes back.
//!
//! Owns the defaults and their reasons. Must never hold what was spent.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::spend::PerSpend;

/// How a bucket fills: at most `burst` tokens in it, `tokens` more in each `period`.
///
/// In a window of length w at most `burst + tokens * w / period` are spent, wherever it begins.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::storm::rates::{BudgetRates, Rate};
///
/// // Five at once and fifteen a minute: never more than twenty in any minute.
/// let repair = BudgetRates::default().data_centre.unasked_deletes;
/// assert_eq!(repair, Rate::each_minute(5, 15));
/// assert_eq!(repair.period, Duration::from_secs(60));
/// assert!(Rate::UNLIMITED.is_unlimited() && !repair.is_unlimited());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Tokens in a full bucket; `u32::MAX` means that nothing is counted.
    pub burst: u32,
    /// Tokens that come back in each period.
    pub tokens: u32,
    /// The period; less than a millisecond counts as one.
    pub period: Duration,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

impl Rate {
    /// Nothing is counted.
    pub const UNLIMITED: Self = Self { burst: u32::MAX, tokens: u32::MAX, period: SECOND };

    /// So many at once and so many a second.
    pub const fn each_second(burst: u32, tokens: u32) -> Self {
        Self { burst, tokens, period: SECOND }
    }

    /// So many at once and so many a minute.
    pub const fn each_minute(burst: u32, tokens: u32) -> Self {
        Self { burst, tokens, period: MINUTE }
    }

    /// Whether nothing is counted.
    pub const fn is_unlimited(self) -> bool {
        self.burst == u32::MAX
    }
}

/// The rates at each level. A step is paid for at all four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRates {
    /// Of each group, in each data centre.
    pub group: PerSpend<Rate>,
    /// Of each account, in each data centre.
    pub account: PerSpend<Rate>,
    /// Of each data centre. What one does not use is never used in another.
    pub data_centre: PerSpend<Rate>,
    /// Of the whole deployment: a ceiling over the others.
    pub everywhere: PerSpend<Rate>,
}

/// CloudAPI lets 10 requests a second of one account through, 30 at once. Requests are paced
/// elsewhere; what a user asked for is given twice that here, so that only a runaway is stopped.
const ASKED_OF_ACCOUNT: Rate = Rate::each_second(300, 20);
/// Ten accounts at work at once.
const ASKED_OF_DATA_CENTRE: Rate = Rate::each_second(3000, 200);
/// Ten data centres.
const ASKED_EVERYWHERE: Rate = Rate::each_second(30_000, 2000);

impl Default for BudgetRates {
    /// Repair: one unasked delete in 10 s for each group, 20 in any minute for each data centre.
    /// What was asked for: twice what CloudAPI takes from an account.
    fn default() -> Self {
        Self {
            group: PerSpend {
                creates: Rate::UNLIMITED,
                asked_deletes: Rate::UNLIMITED,
                unasked_deletes: Rate { burst: 1, tokens: 1, period: Duration::from_secs(10) },
                starts: Rate::each_minute(10, 30),
            },
            account: asked(ASKED_OF_ACCOUNT, Rate::each_minute(3, 9), Rate::each_minute(30, 60)),
            // 5 at once and 15 a minute are never more than 20 in any minute.
            data_centre: asked(ASKED_OF_DATA_CENTRE, Rate::each_minute(5, 15), Rate::each_minute(60, 120)),
            everywhere: asked(ASKED_EVERYWHERE, Rate::each_minute(50, 150), Rate::each_minute(600, 1200)),
        }
    }
}

const fn asked(asked: Rate, unasked_deletes: Rate, starts: Rate) -> PerSpend<Rate> {
    PerSpend { creates: asked, asked_deletes: asked, unasked_deletes, starts }
}
