//! Whether a complete look at an account can be believed.
//!
//! Owns the measure of how much changed at once. A replica that lags, a role that was narrowed or
//! a data centre that went dark all look like "everything is gone". Must never let such a look
//! lead to a create or a delete.

use alloc::vec::Vec;

use crate::model::id::InstanceId;
use crate::model::instance::{InstanceState, Snapshot};
use crate::model::operation::Phase;
use crate::plan::input::ViewTrust;

use super::join::find_instance;

/// Fewer changed machines than this never bring a look into doubt.
const CHANGED_MIN: u32 = 5;
/// Nor does a share of changed machines up to this, in per cent.
const CHANGED_SHARE_PERCENT: u64 = 30;
/// Looks in a row that have to agree before a distrusted account is believed again.
const AGREEING_NEEDED: u8 = 3;

/// A machine of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerMachine {
    /// Which one.
    pub instance: InstanceId,
    /// Where its operation stands.
    pub phase: Phase,
}

/// What one look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// Whether anything may be concluded from it.
    pub trust: ViewTrust,
    /// Machines that vanished or changed state unexpectedly since the look before.
    pub changed: u32,
    /// Of how many.
    pub of: u32,
    /// Looks in a row that agree, while the account is distrusted.
    pub agreeing: u8,
}

/// How one machine was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    instance: InstanceId,
    state: Option<InstanceState>,
}

/// Compares each look at an account with the one before.
///
/// ```
/// use tsg_core::model::id::InstanceId;
/// use tsg_core::model::instance::Snapshot;
/// use tsg_core::model::operation::Phase;
/// use tsg_core::observe::trust::{LedgerMachine, ViewWatch};
/// use tsg_core::plan::input::ViewTrust;
///
/// let machine = |id| LedgerMachine { instance: InstanceId::new(uuid::Uuid::from_u128(id)), phase: Phase::Ready };
/// let ledger: Vec<LedgerMachine> = (1..=10).map(machine).collect();
/// let mut watch = ViewWatch::default();
/// assert_eq!(watch.trust(), ViewTrust::Unobserved);
///
/// // Ten machines ran, and now none is there: more likely the look is wrong than the machines.
/// let judgement = watch.judge(&Snapshot::default(), &ledger);
/// assert_eq!((judgement.trust, judgement.changed, judgement.of), (ViewTrust::Distrusted, 10, 10));
/// ```
#[derive(Debug, Clone, Default)]
pub struct ViewWatch {
    before: Vec<Seen>,
    is_observed: bool,
    /// `Some` while distrusted: looks in a row that agreed.
    agreeing: Option<u8>,
}

impl ViewWatch {
    /// What the newest look came to.
    pub fn trust(&self) -> ViewTrust {
        match (self.is_observed, self.agreeing) {
            (false, _) => ViewTrust::Unobserved,
            (true, None) => ViewTrust::Trusted,
            (true, Some(_)) => ViewTrust::Distrusted,
        }
    }

    /// Judges a new look by the machines that the ledger knows.
    ///
    /// The first look after a start is compared with what the ledger's phases promise: a machine
    /// that was seen running is expected to run.
    pub fn judge(&mut self, snapshot: &Snapshot, ledger: &[LedgerMachine]) -> Judgement {
        let (mut changed, mut of) = (0, 0);
        let mut now = Vec::with_capacity(ledger.len());
        // What is on its way out changes because we asked for it.
        for machine in ledger.iter().filter(|machine| matches!(machine.phase, Phase::Bound | Phase::Ready)) {
            let state = find_instance(snapshot, machine.instance).map(|seen| seen.state);
            of += 1;
            changed += u32::from(is_unexpected(self.expected(machine), state));
            now.push(Seen { instance: machine.instance, state });
        }
        now.sort_unstable_by_key(|seen| seen.instance);
        self.before = now;
        self.is_observed = true;
        self.agreeing = self.next_agreeing(is_too_much(changed, of));
        Judgement { trust: self.trust(), changed, of, agreeing: self.agreeing.unwrap_or(0) }
    }

    /// What a machine showed last, or should show by its phase; `None` when nothing is expected.
    fn expected(&self, machine: &LedgerMachine) -> Option<InstanceState> {
        match self.before.binary_search_by_key(&machine.instance, |seen| seen.instance) {
            Ok(place) => self.before[place].state,
            Err(_) if machine.phase == Phase::Ready && !self.is_observed => Some(InstanceState::Running),
            Err(_) => None,
        }
    }

    fn next_agreeing(&self, is_too_much: bool) -> Option<u8> {
        match (is_too_much, self.agreeing) {
            (true, _) => Some(0),
            (false, None) => None,
            (false, Some(so_far)) => (so_far + 1 < AGREEING_NEEDED).then_some(so_far + 1),
        }
    }
}

/// Whether a machine changed in a way that a healthy group's machines do not change together.
fn is_unexpected(before: Option<InstanceState>, now: Option<InstanceState>) -> bool {
    use InstanceState as S;
    match (before, now) {
        // New to us, or back again.
        (None, _) => false,
        (Some(before), None) => !before.is_terminal(),
        (Some(before), Some(now)) if before == now => false,
        // Coming up, or back into contact.
        (Some(_), Some(S::Running)) => false,
        (Some(S::Provisioning | S::Stopped), Some(S::Ready)) => false,
        // A stop that was noticed before takes its course.
        (Some(S::Stopping), Some(S::Stopped)) => false,
        (Some(_), Some(_)) => true,
    }
}

fn is_too_much(changed: u32, of: u32) -> bool {
    changed >= CHANGED_MIN && u64::from(changed) * 100 > u64::from(of) * CHANGED_SHARE_PERCENT
}
