//! Who may hold a lease. Owns the one decision that every store takes alike; must never read a
//! clock or a database.

use std::time::Duration;

use tsg_core::model::time::Timestamp;
use tsg_core::ports::store::{LeaseAnswer, LeaseRequest};

/// A lease as it is kept. It outlives its holder, so that the epoch can only grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Nobody after a release.
    pub(crate) holder: Option<String>,
    pub(crate) epoch: u64,
    pub(crate) expires_at: Timestamp,
    pub(crate) term: Duration,
}

impl Lease {
    /// When somebody else may take it: a third of the term after it ran out, because a holder
    /// stops working at two thirds of the term by a clock of its own, which may be slower.
    fn free_at(&self) -> Timestamp {
        self.expires_at.after(self.term / 3)
    }
}

/// Answers a request; the lease is to be kept when there is one.
pub(crate) fn decide(held: Option<&Lease>, request: &LeaseRequest, now: Timestamp) -> (LeaseAnswer, Option<Lease>) {
    let epoch = match held {
        None => 1,
        Some(lease) => match &lease.holder {
            Some(holder) if *holder == request.holder => lease.epoch,
            Some(holder) if now < lease.free_at() => {
                let answer = LeaseAnswer::HeldBy { holder: holder.clone(), expires_at: lease.free_at() };
                return (answer, None);
            }
            _ => lease.epoch.saturating_add(1),
        },
    };
    let expires_at = now.after(request.term);
    let lease = Lease { holder: Some(request.holder.clone()), epoch, expires_at, term: request.term };
    (LeaseAnswer::Granted { epoch, expires_at }, Some(lease))
}
