//! Makes one complete look at an account out of list pages.
//!
//! Owns the overlap and the proof that pages join. CloudAPI pages by offset over a list that
//! changes meanwhile: a machine that vanishes from an earlier page moves a live one across the
//! seam, where a plain reader never sees it. Must never patch a list that does not join; it is
//! discarded whole. Labels that are not those of a page's machines are none at all, and NICs are
//! known of all pages or of none.

use alloc::vec::Vec;
use core::time::Duration;

use crate::model::instance::{ObservedInstance, Snapshot};
use crate::model::labels::{LabelPage, MachineLabels};
use crate::model::machines::Machines;
use crate::model::nic::{Nic, Nics};
use crate::model::time::Timestamp;
use crate::ports::cloud::{Addressing, InstancePage, Labelling, ListFilter, ListPage, PAGE_MAX, Tombstones};
use crate::protocol::timing::ProtocolTiming;

/// Machines that a page repeats of the one before it: that many may vanish from earlier pages
/// while one page is read.
pub const OVERLAP: u32 = 50;

/// A list being read.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::observe::paging::{Paging, PagingStep};
/// use tsg_core::ports::cloud::{InstancePage, Labelling};
/// use tsg_core::protocol::timing::ProtocolTiming;
///
/// let paging = Paging::new(Timestamp::EPOCH, Labelling::Bare);
/// assert_eq!((paging.page().offset, paging.page().limit), (0, 1000));
/// let empty = InstancePage { instances: Vec::new(), labels: None, nics: None, server_time: None };
/// let step = paging.accept(empty, Duration::ZERO, &ProtocolTiming::default());
/// assert!(matches!(step, PagingStep::Complete(list) if list.snapshot.instances.is_empty()));
/// ```
#[derive(Debug, Clone)]
pub struct Paging {
    taken_at: Timestamp,
    limit: u32,
    offset: u32,
    /// The pages as they came, but for machines that a later one repeats.
    read: Vec<Vec<ObservedInstance>>,
    labelling: Labelling,
    /// Those of the pages that were read, as long as each had its own.
    labels: Option<LabelPage>,
    addressing: Addressing,
    /// Those of the pages that were read, as long as each brought its own.
    nics: Option<Vec<Vec<Nic>>>,
}

/// What a page led to.
#[derive(Debug, Clone)]
pub enum PagingStep {
    /// There is another page to ask for.
    More(Paging),
    /// The list is complete.
    Complete(CompleteList),
    /// The list is worth nothing; start again.
    Discard(Discard),
}

/// A list that was read to its end.
#[derive(Debug, Clone)]
pub struct CompleteList {
    /// The machines.
    pub snapshot: Snapshot,
    /// Their names and tags, if they were asked for and came.
    pub labels: Option<MachineLabels>,
    /// Their NICs, if they were asked for and came.
    pub nics: Option<Nics>,
}

/// Why a list was discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    /// A page does not join the one before it.
    Torn,
    /// A machine stands in it twice.
    Repeated,
    /// A page holds more than was asked for.
    TooLong,
    /// Reading it took longer than the time for which a list can stand for one moment.
    TooSlow,
}

impl Paging {
    /// Begins a list, with the largest pages there are.
    pub fn new(taken_at: Timestamp, labelling: Labelling) -> Self {
        Self::with_limit(taken_at, PAGE_MAX, labelling)
    }

    /// Begins a list with pages of `limit` machines, at least one more than the overlap.
    pub fn with_limit(taken_at: Timestamp, limit: u32, labelling: Labelling) -> Self {
        let limit = limit.clamp(OVERLAP + 1, PAGE_MAX);
        let labels = match labelling {
            Labelling::Bare => None,
            Labelling::Labelled => Some(LabelPage::new()),
        };
        let addressing = Addressing::Primary;
        Self { taken_at, limit, offset: 0, read: Vec::new(), labelling, labels, addressing, nics: None }
    }

    /// The same with the addresses that are wanted.
    #[must_use]
    pub fn with_addresses(self, addressing: Addressing) -> Self {
        let nics = match addressing {
            Addressing::Primary => None,
            Addressing::EveryNetwork => Some(Vec::new()),
        };
        Self { addressing, nics, ..self }
    }

    /// The page to ask for now.
    pub fn page(&self) -> ListPage {
        let Self { labelling, addressing, offset, limit, .. } = *self;
        ListPage { filter: ListFilter::All, tombstones: Tombstones::Hidden, labelling, addressing, offset, limit }
    }

    /// Takes the page that was asked for; `elapsed` is the monotonic time since the list began.
    pub fn accept(mut self, page: InstancePage, elapsed: Duration, timing: &ProtocolTiming) -> PagingStep {
        let count = page.instances.len();
        if elapsed > timing.list_limit {
            return PagingStep::Discard(Discard::TooSlow);
        }
        if count > self.limit as usize {
            return PagingStep::Discard(Discard::TooLong);
        }
        let Some(repeated) = self.repeated_by(&page.instances) else {
            return PagingStep::Discard(Discard::Torn);
        };
        // Seen again is seen later, and the end of a page is given up more cheaply than its beginning.
        self.forget_last(repeated);
        self.labels = self.labels.and_then(|labels| with_labels_of(labels, page.labels?, &page.instances, repeated));
        self.nics = self.nics.zip(page.nics).map(|(mut nics, more)| {
            nics.push(more);
            nics
        });
        self.read.push(page.instances);
        if count < self.limit as usize {
            return self.complete();
        }
        self.offset = self.offset.saturating_add(self.limit - OVERLAP);
        PagingStep::More(self)
    }

    /// How many of a page's first machines were read before, if the page joins.
    ///
    /// Its first machine has to be one that was read, wherever it has moved, and from there on
    /// page and list must agree to the list's end.
    fn repeated_by(&self, page: &[ObservedInstance]) -> Option<usize> {
        if self.read.is_empty() {
            return Some(0);
        }
        let backwards = || self.read.iter().flatten().rev().map(|read| read.id);
        let first = page.first()?.id;
        let repeated = backwards().position(|read| read == first)? + 1;
        let again = page.get(..repeated)?.iter().rev();
        backwards().zip(again).all(|(known, again)| known == again.id).then_some(repeated)
    }

    /// Forgets the newest of the machines that were read.
    fn forget_last(&mut self, mut count: usize) {
        let mut nics = self.nics.iter_mut().flatten().rev();
        for page in self.read.iter_mut().rev() {
            if count == 0 {
                return;
            }
            let forgotten = page.split_off(page.len().saturating_sub(count));
            count -= forgotten.len();
            if let Some(nics) = nics.next() {
                nics.retain(|nic| !forgotten.iter().any(|seen| seen.id == nic.instance));
            }
        }
    }

    fn complete(self) -> PagingStep {
        let Some(instances) = Machines::of_pages(self.read) else { return PagingStep::Discard(Discard::Repeated) };
        let snapshot = Snapshot { taken_at: self.taken_at, instances };
        let (labels, nics) = (self.labels.map(LabelPage::complete), self.nics.map(|pages| Nics::of(pages.concat())));
        PagingStep::Complete(CompleteList { snapshot, labels, nics })
    }
}

/// Adds the labels of a page's machines, in place of those of the ones that it repeats; none when they
/// are others' than the page's.
fn with_labels_of(
    mut labels: LabelPage,
    page: LabelPage,
    instances: &[ObservedInstance],
    repeated: usize,
) -> Option<LabelPage> {
    let ids = instances.iter().map(|instance| instance.id);
    let is_of_page = page.machines().map(|machine| machine.id()).eq(ids);
    is_of_page.then(|| {
        labels.forget_last(repeated);
        labels.append(page);
        labels
    })
}
