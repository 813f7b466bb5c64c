//! How a group's instances stand, for whoever asks.
//!
//! Owns what it takes to answer: the rules read against each instance of the account and each compute
//! node. Must never be worked out unasked, nor on a list that is distrusted: what it does not show
//! would seem to be kept.

use tsg_core::model::group::{Group, Lifecycle};
use tsg_core::model::id::GroupId;
use tsg_core::model::policy::UpdateMode;
use tsg_core::placement::compile::{Newcomer, compile};
use tsg_core::placement::outlook::outlook;
use tsg_core::placement::rule::Enforce;
use tsg_core::placement::verify::Inspection;
use tsg_core::plan::input::ViewTrust;

use super::super::Session;
use super::destinations::steering;
use super::{Placed, membership};
use crate::ledger::GroupLedger;
use crate::placement::{PlacementView, Survey};

impl Session {
    /// `None` without such a group.
    pub(in super::super) fn survey(&self, group: GroupId) -> Option<Survey> {
        let ledger = self.books.group(group)?;
        let placed = match self.placed_now(ledger.group()) {
            Some(Some(placed)) if self.can_see_places() => placed,
            Some(None) => return Some(Survey::Unruled),
            _ => return Some(Survey::Unseen),
        };
        Some(Survey::Ruled(Box::new(self.placement_view(ledger, placed))))
    }

    /// Whether the newest list shows what rules are about.
    pub(super) fn can_see_places(&self) -> bool {
        self.sight.carried.is_some() && self.view().trust == ViewTrust::Trusted
    }

    /// What a group says of placement now, `Some(None)` when that is nothing; `None` while its template
    /// is not at hand.
    pub(super) fn placed_now(&self, group: &Group) -> Option<Option<Placed>> {
        if group.lifecycle != Lifecycle::Active {
            return Some(None);
        }
        let template = self.templates.get(&group.template)?;
        Some(Placed::of(group, &template.spec))
    }

    fn placement_view(&self, ledger: &GroupLedger, placed: Placed) -> PlacementView {
        let (recent, member) = (self.recent(), membership(ledger.group().id));
        let view = self.residents(&recent);
        let steering = steering(ledger);
        let newcomer = Newcomer { labels: &placed.labels, group: Some(&member), steering, ..Newcomer::default() };
        let inspection = Inspection::new(&placed.block, &view, &newcomer);
        let found = self.found(ledger, &placed.block, |instance| inspection.landed(instance));
        PlacementView {
            at: self.sight.snapshot.taken_at,
            compiled: compile(&placed.block, &view, &newcomer),
            prospects: inspection.prospects(),
            outlook: outlook(&placed.block, &view, &newcomer).ok(),
            replaced_in_a_row: found.replaced_in_a_row,
            enforce: match ledger.group().policy.update.mode {
                UpdateMode::OnCreate => Enforce::Report,
                UpdateMode::Rolling => placed.block.enforce,
            },
            source: placed.source,
            landed: found.landed,
            block: placed.block.clone(),
        }
    }
}
