//! Counters of what the server answered.
//!
//! Owns numbers only. They must never influence an answer.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use serde::{Deserialize, Serialize};

/// Running counters. They are only ever shown, so no order between them is needed.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    ok: AtomicU64,
    client_errors: AtomicU64,
    throttled: AtomicU64,
    server_errors: AtomicU64,
    dropped: AtomicU64,
    creating: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsReading {
    /// Requests answered below 400.
    pub ok: u64,
    /// Requests answered 4xx, 429 left out.
    pub client_errors: u64,
    /// Requests answered 429.
    pub throttled: u64,
    /// Requests answered 5xx.
    pub server_errors: u64,
    /// Requests whose connection was closed without an answer.
    pub dropped: u64,
    /// Creates that were accepted and wait for placement just now.
    pub creating: u64,
}

impl Stats {
    /// Counts one answer.
    pub(crate) fn count_answered(&self, status: StatusCode) {
        let counter = match status.as_u16() {
            429 => &self.throttled,
            ..400 => &self.ok,
            400..500 => &self.client_errors,
            500.. => &self.server_errors,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one connection closed without an answer.
    pub(crate) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a create as waiting until the returned mark is dropped, also when its client goes away.
    pub(crate) fn waiting_create(&self) -> WaitingCreate<'_> {
        self.creating.fetch_add(1, Ordering::Relaxed);
        WaitingCreate(self)
    }

    /// The counters now.
    pub(crate) fn read(&self) -> StatsReading {
        StatsReading {
            ok: self.ok.load(Ordering::Relaxed),
            client_errors: self.client_errors.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
            server_errors: self.server_errors.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            creating: self.creating.load(Ordering::Relaxed),
        }
    }
}

/// A create that waits for placement.
#[derive(Debug)]
pub(crate) struct WaitingCreate<'a>(&'a Stats);

impl Drop for WaitingCreate<'_> {
    fn drop(&mut self) {
        self.0.creating.fetch_sub(1, Ordering::Relaxed);
    }
}
