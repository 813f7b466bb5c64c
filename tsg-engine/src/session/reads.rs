//! Sending reads. Owns that each is one request with one token; must never change anything in
//! the cloud.

use futures_util::FutureExt as _;

use tsg_core::observe::arrivals::LedgerLookup as _;
use tsg_core::ports::cloud::{Addressing, Labelling, ListFilter, ListPage, PAGE_MAX, Tombstones};

use super::Session;
use super::answers::Answer;
use crate::todo::Read;

impl Session {
    /// Sends the reads that wait, as far as tokens go. While changes wait too they get every
    /// other token.
    pub(super) fn send_reads(&mut self) {
        let now = self.monotonic();
        let is_shared = self.may_change() && self.todo.has_jobs(self.creates_left());
        let available = self.pace.available(now);
        let mut left = if is_shared { available.div_ceil(2) } else { available };
        while left > 0 {
            let Some(read) = self.todo.next_read() else { return };
            if self.send_read(read) {
                left -= 1;
            }
        }
    }

    /// Sends one read; false when it is not needed any more.
    fn send_read(&mut self, read: Read) -> bool {
        match read {
            Read::Test => self.send_test(),
            Read::Page => return self.send_page(),
            Read::ByTag(operation) => {
                self.send_look_up(read, ListFilter::Operation(operation));
            }
            Read::ByName(operation) => {
                let Some(name) = self.books.operation(operation).map(|known| known.name.clone()) else { return false };
                self.send_look_up(read, ListFilter::NamePrefix(name));
            }
            Read::Get(operation, instance) => {
                self.count_read();
                let (cloud, asked_at) = (self.ports.cloud.clone(), self.now());
                let call = async move {
                    let reply = cloud.get(instance).await;
                    Answer::Got { operation, instance, asked_at, reply }
                };
                self.answers.push(call.boxed());
            }
        }
        true
    }

    fn send_test(&mut self) {
        self.count_read();
        let cloud = self.ports.cloud.clone();
        self.answers.push(async move { Answer::Tested { reply: cloud.account().await } }.boxed());
    }

    fn send_page(&mut self) -> bool {
        let Some(page) = self.sight.listing.as_ref().and_then(|listing| listing.paging.as_ref()).map(|p| p.page())
        else {
            return false;
        };
        self.pace.take(self.monotonic());
        self.counts.list_pages += 1;
        let (cloud, began) = (self.ports.cloud.clone(), self.sight.listing.as_ref().map(|listing| listing.began));
        self.answers.push(async move { Answer::Listed { began, reply: cloud.list(&page).await } }.boxed());
        true
    }

    fn send_look_up(&mut self, read: Read, filter: ListFilter) {
        self.count_read();
        let (tombstones, labelling, addressing) = (Tombstones::Shown, Labelling::Bare, Addressing::Primary);
        let page = ListPage { filter, tombstones, labelling, addressing, offset: 0, limit: PAGE_MAX };
        let cloud = self.ports.cloud.clone();
        self.answers.push(async move { Answer::LookedUp { read, reply: cloud.list(&page).await } }.boxed());
    }

    fn count_read(&mut self) {
        self.pace.take(self.monotonic());
        self.counts.reads += 1;
    }
}
