//! What the engine would do with a group, and with another capacity.
//!
//! Owns the question and its answer. Must never change what is done.

use futures_channel::oneshot::Sender;

use tsg_core::model::id::GroupId;
use tsg_core::model::time::Timestamp;
use tsg_core::placement::outlook::Course;
use tsg_core::placement::rule::PlacementSpec;
use tsg_core::plan::fingerprint::PlanId;
use tsg_core::plan::input::View;
use tsg_core::plan::output::{Plan, PlanError};

use crate::explanation::{Explanation, Topic};
use crate::placement::{PlacementSource, Survey};

/// A plan that is made as all others are, and not carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// What would be done.
    pub plan: Plan,
    /// The same for the same steps, whenever they are planned.
    pub id: PlanId,
    /// How good the look at the cloud is that it is made on.
    pub view: View,
    /// When it was made.
    pub at: Timestamp,
}

/// A rehearsal with what it means for places, all of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// What would be done.
    pub rehearsal: Rehearsal,
    /// How the group stands.
    pub placement: Survey,
    /// Where its creates would go; `None` where there are none, now or in their turn.
    pub destinations: Option<Destinations>,
}

/// Where the creates of a plan would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destinations {
    /// How many creates the plan has from the template that the group has now.
    pub creates: u32,
    /// How many more it says wait for the slow start or for a slot.
    pub waiting: u32,
    /// How many it has from others, as on the way back to a former revision, and how many of those
    /// stand nowhere yet: nothing is said of where these go.
    pub of_other_templates: u32,
    /// Creates from before that stand nowhere yet. They are placed first.
    pub under_way: u32,
    /// Who chooses where they go.
    pub choice: Choice,
}

/// Who chooses where creates go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// CloudAPI does: there are no rules.
    Unruled,
    /// That cannot be told before the account was listed as the rules need it.
    Unseen,
    /// CloudAPI does, within rules.
    Ruled {
        /// The rules.
        block: Box<PlacementSpec>,
        /// Where they stand.
        source: PlacementSource,
        /// Where those under way, those of the plan and those that wait would go, in this order.
        course: Course,
    },
}

/// Somebody who wants to know something of a group.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) group: GroupId,
    pub(crate) about: About,
}

/// What somebody wants to know, and where to send it.
#[derive(Debug)]
pub(crate) enum About {
    /// What would be done; without a capacity, for the one that it has.
    Plan { capacity: Option<u32>, answer: Sender<Result<Rehearsal, PlanError>> },
    /// The same, and what it means for places.
    Preview { capacity: Option<u32>, answer: Sender<Result<Preview, PlanError>> },
    /// How it is placed.
    Placement { answer: Sender<Survey> },
    /// Why it stands as it does.
    Why { topic: Topic, answer: Sender<Result<Explanation, PlanError>> },
}

impl Question {
    /// Whether whoever asked has stopped waiting.
    pub(crate) fn is_void(&self) -> bool {
        match &self.about {
            About::Plan { answer, .. } => answer.is_canceled(),
            About::Preview { answer, .. } => answer.is_canceled(),
            About::Placement { answer } => answer.is_canceled(),
            About::Why { answer, .. } => answer.is_canceled(),
        }
    }
}
