//! How far each engine could believe its view, judged by nothing but what its cloud answered.

use std::collections::BTreeMap;
use std::time::Duration;

use tsg_core::model::id::InstanceId;
use tsg_core::model::instance::{InstanceState, ObservedInstance};

use super::oracle::{Verdict, broken};

/// Fewer machines than this changing at once are an accident.
const CHANGED_MIN: usize = 5;
/// And so is a share up to this, in per cent.
const SHARE_PERCENT: usize = 30;
/// Lists in a row without such a change before an engine may act again.
const AGREEING: u8 = 3;
/// Refusals of the credentials in a row that mean a lock-out.
const STRIKES: u8 = 2;

/// What one engine has been shown since it started.
#[derive(Default)]
pub struct Outlook {
    listed_at: Option<Duration>,
    /// The newest complete list.
    pub newest: BTreeMap<InstanceId, ObservedInstance>,
    /// Lists that agreed since too much changed at once.
    agreeing: Option<u8>,
    strikes: u8,
}

impl Outlook {
    /// Whether the credentials were accepted; what was seen before a lock-out is worth nothing.
    pub fn accepted(&mut self, is_accepted: bool) {
        if is_accepted && self.strikes >= STRIKES {
            self.listed_at = None;
        }
        self.strikes = if is_accepted { 0 } else { self.strikes.saturating_add(1) };
    }

    /// A complete list came in; `ledger` are the machines that should be in it.
    pub fn list(&mut self, at: Duration, list: &[ObservedInstance], ledger: &[InstanceId]) {
        let list: BTreeMap<_, _> = list.iter().map(|seen| (seen.id, *seen)).collect();
        let is_running =
            |seen: Option<&ObservedInstance>| seen.is_some_and(|seen| seen.state == InstanceState::Running);
        let changed = ledger.iter().filter(|id| is_running(self.newest.get(id)) && !is_running(list.get(id))).count();
        let is_too_much = changed >= CHANGED_MIN && changed * 100 > ledger.len() * SHARE_PERCENT;
        self.agreeing = match self.agreeing {
            _ if is_too_much => Some(0),
            Some(so_far) if so_far + 1 < AGREEING => Some(so_far + 1),
            _ => None,
        };
        self.newest = list;
        self.listed_at = Some(at);
    }

    /// Whether too much changed at once and not enough lists agreed since.
    pub fn is_distrusted(&self) -> bool {
        self.agreeing.is_some()
    }

    /// 12: nothing is decided before the first complete list, on one that is too old, while too
    /// much changed at once, or while the credentials are refused.
    pub fn judge(&self, at: Duration, stale_after: Duration) -> Verdict {
        match self.listed_at {
            None => broken(12, "a request is announced before the first complete list"),
            Some(listed) if at > listed + stale_after => {
                broken(12, format!("a request is announced {:?} after the newest list", at - listed))
            }
            Some(_) if self.is_distrusted() => broken(12, "a request is announced while the view is distrusted"),
            Some(_) if self.strikes >= STRIKES => broken(12, "a request is announced while locked out"),
            Some(_) => Ok(()),
        }
    }
}
