//! The change feeds of a data centre: whether there are any, how many are open, and cutting them.
//!
//! Must never know what is told on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// Whether a CloudAPI has change feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeedOffer {
    /// It has.
    #[default]
    Offered,
    /// It has none and answers as to a path that it does not know, like old ones.
    Missing,
}

/// The change feeds at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedsReading {
    /// How often one was asked for.
    pub asked: u64,
    /// Those that are open and have told what they want to hear of.
    pub registered: u64,
}

/// All change feeds.
#[derive(Debug)]
pub(crate) struct Feeds {
    offer: FeedOffer,
    asked: AtomicU64,
    registered: AtomicU64,
    cuts: watch::Sender<u64>,
}

impl Feeds {
    pub(crate) fn new(offer: FeedOffer) -> Self {
        Self { offer, asked: AtomicU64::default(), registered: AtomicU64::default(), cuts: watch::Sender::new(0) }
    }

    /// Somebody asks for one; whether there are any.
    pub(crate) fn ask(&self) -> FeedOffer {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.offer
    }

    /// Counts one until the returned mark is dropped.
    pub(crate) fn register(self: &Arc<Self>) -> Registered {
        self.registered.fetch_add(1, Ordering::Relaxed);
        Registered(Arc::clone(self))
    }

    /// Breaks the connections of all that are open.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }

    /// Changes when those that are open now are cut.
    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        self.cuts.subscribe()
    }

    pub(crate) fn reading(&self) -> FeedsReading {
        FeedsReading { asked: self.asked.load(Ordering::Relaxed), registered: self.registered.load(Ordering::Relaxed) }
    }
}

/// One that is open.
#[derive(Debug)]
pub(crate) struct Registered(Arc<Feeds>);

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.registered.fetch_sub(1, Ordering::Relaxed);
    }
}
