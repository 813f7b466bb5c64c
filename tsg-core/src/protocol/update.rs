//! An update of an instance in place, request by request.
//!
//! Owns the order of the requests and where a call has to end. CloudAPI may lose one of two writes
//! to the same labels while the first is under way; must never let two such writes be noted in one
//! go, nor a tag be written before all the rest was noted.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::model::id::InstanceId;
use crate::model::tag::Tags;
use crate::ports::cloud::{CloudCode, CloudError, FirewallState, InstanceUpdate, Noted};

/// One request of an update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum UpdateStep<'a> {
    /// Switch the firewall.
    Firewall(FirewallState),
    /// Remove one metadatum.
    RemoveMetadatum(&'a str),
    /// Add or overwrite metadata.
    SetMetadata(&'a BTreeMap<String, String>),
    /// Remove one tag.
    RemoveTag(&'a str),
    /// Add or overwrite tags.
    SetTags(&'a Tags),
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepReply {
    /// The cloud took note and will carry it out.
    Noted,
    /// There was nothing to remove.
    NothingToDo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LabelSet {
    Metadata,
    Tags,
}

impl UpdateStep<'_> {
    /// Whether it removes a label.
    pub const fn is_removal(&self) -> bool {
        matches!(self, Self::RemoveMetadatum(_) | Self::RemoveTag(_))
    }

    const fn labels(&self) -> Option<LabelSet> {
        match self {
            Self::Firewall(_) => None,
            Self::RemoveMetadatum(_) | Self::SetMetadata(_) => Some(LabelSet::Metadata),
            Self::RemoveTag(_) | Self::SetTags(_) => Some(LabelSet::Tags),
        }
    }
}

/// One go at an update: the steps to send, and after each what came of it.
///
/// ```
/// use tsg_core::ports::cloud::{InstanceUpdate, Noted};
/// use tsg_core::protocol::update::{StepReply, UpdateRun, UpdateStep};
/// let change = InstanceUpdate { removed_tags: vec!["old".to_string()], ..InstanceUpdate::drain("update") };
/// let mut run = UpdateRun::new(&change);
/// assert_eq!(run.step(), Some(UpdateStep::SetMetadata(&change.metadata)));
/// run.advance(StepReply::Noted);
/// assert_eq!(run.step(), Some(UpdateStep::RemoveTag("old")));
/// run.advance(StepReply::NothingToDo);
/// assert_eq!((run.step(), run.outcome()), (None, Noted::Whole));
/// ```
#[derive(Debug, Clone)]
pub struct UpdateRun<'a> {
    /// Still to send, the next one last.
    left: Vec<UpdateStep<'a>>,
    outcome: Noted,
}

impl<'a> UpdateRun<'a> {
    /// The first go, or a further one after [`Noted::Part`].
    pub fn new(change: &'a InstanceUpdate) -> Self {
        let mut left: Vec<UpdateStep<'a>> = change.firewall.map(UpdateStep::Firewall).into_iter().collect();
        left.extend(change.removed_metadata.iter().map(|key| UpdateStep::RemoveMetadatum(key)));
        left.extend((!change.metadata.is_empty()).then_some(UpdateStep::SetMetadata(&change.metadata)));
        left.extend(change.removed_tags.iter().map(|key| UpdateStep::RemoveTag(key)));
        left.extend((!change.tags.is_empty()).then_some(UpdateStep::SetTags(&change.tags)));
        left.reverse();
        Self { left, outcome: Noted::Whole }
    }

    /// The request to send now; `None` when this go is over.
    pub fn step(&self) -> Option<UpdateStep<'a>> {
        match self.outcome {
            Noted::Whole => self.left.last().copied(),
            Noted::Part => None,
        }
    }

    /// Takes in what became of the step.
    pub fn advance(&mut self, reply: StepReply) {
        let Some(sent) = self.left.pop() else { return };
        let is_same_set = |next: &UpdateStep<'_>| sent.labels().is_some() && next.labels() == sent.labels();
        if reply == StepReply::Noted && self.left.last().is_some_and(is_same_set) {
            self.outcome = Noted::Part;
        }
    }

    /// How much was noted, once there is no further step.
    pub const fn outcome(&self) -> Noted {
        self.outcome
    }
}

/// Whether an error to a removal says that there is no such label, which is as good as done.
/// CloudAPI answers a label and a machine that it does not know with the same status and code; its
/// message names the one that is missing.
///
/// ```
/// use tsg_core::model::id::InstanceId;
/// use tsg_core::ports::cloud::{CloudCode, CloudError, ErrorKind, Reach};
/// use tsg_core::protocol::update::is_label_missing;
///
/// let instance = InstanceId::new(uuid::Uuid::from_u128(7));
/// let no_label = CloudError {
///     kind: ErrorKind::NotFound,
///     code: CloudCode::ResourceNotFound,
///     reach: Reach::Answered,
///     status: Some(404),
///     message: "tag not found".into(),
///     request_id: None,
///     retry_after: None,
/// };
/// assert!(is_label_missing(&no_label, instance));
/// let no_machine = CloudError { message: format!("{instance} not found"), ..no_label };
/// assert!(!is_label_missing(&no_machine, instance));
/// ```
pub fn is_label_missing(error: &CloudError, instance: InstanceId) -> bool {
    error.status == Some(404)
        && error.code == CloudCode::ResourceNotFound
        && !error.message.contains(&instance.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::cloud::{ErrorKind, Reach};
    use uuid::Uuid;

    /// A cloud that forgets the first of two writes to the same labels in one go.
    #[derive(Default)]
    struct Forgetful {
        tags: Vec<String>,
        metadata: Vec<String>,
        firewall: Option<FirewallState>,
    }

    impl Forgetful {
        fn of(tags: &[&str], metadata: &[&str]) -> Self {
            let own = |keys: &[&str]| keys.iter().map(|key| String::from(*key)).collect();
            Self { tags: own(tags), metadata: own(metadata), firewall: None }
        }

        /// One go; returns what it came to and whether the tags were written in it.
        fn take(&mut self, change: &InstanceUpdate) -> (Noted, bool) {
            let (old_tags, old_metadata) = (self.tags.clone(), self.metadata.clone());
            let mut run = UpdateRun::new(change);
            let mut has_set_tags = false;
            while let Some(step) = run.step() {
                has_set_tags |= matches!(step, UpdateStep::SetTags(_));
                let reply = match step {
                    UpdateStep::Firewall(state) => {
                        self.firewall = Some(state);
                        StepReply::Noted
                    }
                    UpdateStep::SetMetadata(set) => {
                        self.metadata = merged(&old_metadata, set.keys());
                        StepReply::Noted
                    }
                    UpdateStep::SetTags(set) => {
                        self.tags = merged(&old_tags, set.keys());
                        StepReply::Noted
                    }
                    UpdateStep::RemoveMetadatum(key) => remove(&old_metadata, key, &mut self.metadata),
                    UpdateStep::RemoveTag(key) => remove(&old_tags, key, &mut self.tags),
                };
                run.advance(reply);
            }
            (run.outcome(), has_set_tags)
        }
    }

    fn merged<'a>(old: &[String], keys: impl Iterator<Item = &'a String>) -> Vec<String> {
        let mut all: Vec<String> = old.iter().cloned().chain(keys.cloned()).collect();
        all.sort();
        all.dedup();
        all
    }

    fn remove(old: &[String], key: &str, kept: &mut Vec<String>) -> StepReply {
        if !old.iter().any(|known| known == key) {
            return StepReply::NothingToDo;
        }
        *kept = old.iter().filter(|known| *known != key).cloned().collect();
        StepReply::Noted
    }

    #[test]
    fn nothing_is_lost_however_forgetful_the_cloud_is() {
        let change = InstanceUpdate {
            tags: [("t".to_string(), "1".into())].into(),
            removed_tags: alloc::vec!["a".to_string(), "b".to_string(), "never".to_string()],
            metadata: [("m".to_string(), "1".to_string())].into(),
            removed_metadata: alloc::vec!["c".to_string(), "d".to_string()],
            firewall: Some(FirewallState::Enabled),
        };
        let mut cloud = Forgetful::of(&["a", "b", "kept"], &["c", "d", "kept"]);
        let mut goes = 0;
        loop {
            let (noted, has_set_tags) = cloud.take(&change);
            goes += 1;
            let is_rest_done = cloud.metadata == ["kept", "m"] && cloud.firewall.is_some();
            assert!(!has_set_tags || is_rest_done, "the tag would prove what is not so");
            if noted == Noted::Whole {
                break;
            }
        }
        assert_eq!((cloud.tags.join(","), cloud.metadata.join(",")), ("kept,t".to_string(), "kept,m".to_string()));
        assert_eq!(goes, 5, "one for each label that was there, and one to set the rest");
        assert_eq!(cloud.take(&change), (Noted::Whole, true), "repeatable");
    }

    #[test]
    fn a_last_removal_leaves_nothing_to_ask_again_for() {
        let change = InstanceUpdate { removed_tags: alloc::vec!["a".to_string()], ..InstanceUpdate::default() };
        let mut cloud = Forgetful::of(&["a"], &[]);
        assert_eq!(cloud.take(&change), (Noted::Whole, false));
        assert!(cloud.tags.is_empty());
    }

    #[test]
    fn only_a_missing_label_is_as_good_as_removed() {
        let id = InstanceId::new(Uuid::from_u128(7));
        let error = |status, message: String| CloudError {
            kind: ErrorKind::NotFound,
            code: CloudCode::ResourceNotFound,
            reach: Reach::Answered,
            status: Some(status),
            message,
            request_id: None,
            retry_after: None,
        };
        assert!(is_label_missing(&error(404, "tag \"zz\" not found".to_string()), id));
        assert!(!is_label_missing(&error(404, alloc::format!("VM {id} not found")), id));
        assert!(!is_label_missing(&error(410, "Gone".to_string()), id));
        let page = CloudError { code: CloudCode::Other, ..error(404, "<html>".to_string()) };
        assert!(!is_label_missing(&page, id), "a proxy knows nothing of labels");
    }
}
