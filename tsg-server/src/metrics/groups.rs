//! How groups and their instances stand, in metrics.
//!
//! Owns their names, and what a group is called in them. Must never let two groups share a series,
//! nor have a series for each instance.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tsg_core::health::discovery::Alarm;
use tsg_core::model::group::{Group, Lifecycle};
use tsg_core::model::listing::Listing;
use tsg_core::plan::input::Verdict;
use tsg_core::plan::output::{Block, Class, GroupStatus, Report};
use tsg_engine::{GroupView, MemberView};

use super::accounts::AccountScene;
use super::page::{Page, word};

/// What is believed of an instance, in the order of [`GroupScene::believed`].
const VERDICTS: [&str; 7] = ["healthy", "degraded", "unhealthy", "recovering", "starting", "unknown", "unchecked"];

/// One group at one moment.
#[derive(Debug)]
pub struct GroupScene {
    label: String,
    view: Arc<GroupView>,
}

impl GroupScene {
    /// All of an account that are not over. A name is free again while the group that had it is on
    /// its way out, be that seen already or not: the newest has the name, the others go by their ids.
    pub fn all(views: Vec<Arc<GroupView>>) -> Vec<Self> {
        let is_over =
            |view: &Arc<GroupView>| view.report.as_ref().is_some_and(|report| report.status == GroupStatus::Deleted);
        let views: Vec<_> = views.into_iter().filter(|view| !is_over(view)).collect();
        let claim = |group: &Group| (group.lifecycle == Lifecycle::Active, group.created_at, group.id);
        let mut named: BTreeMap<String, _> = BTreeMap::new();
        for view in &views {
            let newest = named.entry(view.group.name.to_string()).or_insert_with(|| claim(&view.group));
            *newest = claim(&view.group).max(*newest);
        }
        let scene = |view: Arc<GroupView>| {
            let name = view.group.name.to_string();
            let has_name = named.get(&name).is_some_and(|owner| *owner == claim(&view.group));
            let label = if has_name { name } else { view.group.id.to_string() };
            Self { label, view }
        };
        views.into_iter().map(scene).collect()
    }

    /// How many instances each of [`VERDICTS`] is believed of.
    fn believed(&self) -> [u32; VERDICTS.len()] {
        let mut counts = [0; VERDICTS.len()];
        for member in self.view.members.iter().filter(|member| member.instance.is_some()) {
            let place = match member.health.map(|judgement| judgement.verdict) {
                Some(Verdict::Healthy) => 0,
                Some(Verdict::Degraded) => 1,
                Some(Verdict::Unhealthy) => 2,
                Some(Verdict::Recovering) => 3,
                Some(Verdict::Starting) => 4,
                Some(Verdict::Unknown) => 5,
                None => 6,
            };
            counts[place] += 1;
        }
        counts
    }

    fn report(&self) -> Option<&Report> {
        self.view.report.as_ref()
    }

    fn blocks(&self) -> &[Block] {
        self.report().map(|report| report.blocks.as_slice()).unwrap_or_default()
    }

    fn members_by_class(&self) -> impl Iterator<Item = (String, u32)> {
        let counts = self.report().map(|report| report.counts).unwrap_or_default();
        Class::ALL.into_iter().map(move |class| (word(&class), counts.of(class)))
    }

    /// What stops repair, or a part of it.
    fn holds(&self) -> Vec<String> {
        let own = self.blocks().iter().filter(|block| is_own_hold(block)).map(word);
        own.chain(self.view.hold.map(|hold| word(&hold.cause))).collect()
    }

    fn alarms(&self) -> Option<[(&'static str, u32); 2]> {
        let alarm = self.view.discovery?.alarm;
        let has_panic = matches!(alarm, Some(Alarm::Panic { .. }));
        let has_too_few = matches!(alarm, Some(Alarm::TooFew { .. }));
        Some([("panic", u32::from(has_panic)), ("too_few", u32::from(has_too_few))])
    }

    fn listed(&self) -> Option<usize> {
        self.view.discovery?;
        let is_listed = |member: &&MemberView| {
            member.instance.is_some() && member.listing == Listing::Listed && !member.is_delisted
        };
        Some(self.view.members.iter().filter(is_listed).count())
    }
}

const fn is_own_hold(block: &Block) -> bool {
    matches!(block, Block::TooManyUnhealthy { .. } | Block::RepairsSuspended(_))
}

/// What is told of a group beside its holds.
const fn is_other(block: &Block) -> bool {
    !is_own_hold(block) && !matches!(block, Block::RepairsHeld(_))
}

type One<'a> = [(&'static str, &'a str); 2];

/// One sample for each group.
fn each<'a, V>(
    accounts: &'a [AccountScene],
    value: impl Fn(&'a GroupScene) -> Option<V>,
) -> impl Iterator<Item = (One<'a>, V)> {
    let groups = accounts.iter().flat_map(|account| account.groups.iter().map(move |group| (account, group)));
    groups.filter_map(move |(account, group)| {
        Some(([("account", account.label.as_str()), ("group", group.label.as_str())], value(group)?))
    })
}

/// Several samples for each group, told apart by one more label.
fn several<'a, W: AsRef<str>, V, I: IntoIterator<Item = (W, V)>>(
    accounts: &'a [AccountScene],
    label: &'static str,
    values: impl Fn(&'a GroupScene) -> I,
) -> impl Iterator<Item = ([(&'static str, String); 3], V)> {
    each(accounts, move |group| Some(values(group))).flat_map(move |([account, group], values)| {
        values.into_iter().map(move |(word, value)| {
            let owned = |(label, text): (&'static str, &str)| (label, text.to_owned());
            ([owned(account), owned(group), (label, word.as_ref().to_owned())], value)
        })
    })
}

/// Writes them.
pub fn write(accounts: &[AccountScene], page: &mut Page<'_>) -> fmt::Result {
    let capacity = each(accounts, |group| Some(group.view.group.capacity));
    page.gauge("tsg_group_capacity", "Instances that the user wants.", capacity)?;
    let status = several(accounts, "status", |group| group.report().map(|report| (word(&report.status), 1_u32)));
    page.gauge("tsg_group_status", "How the group stands: one series, of the status that it has.", status)?;
    let members = several(accounts, "class", GroupScene::members_by_class);
    page.gauge("tsg_group_members", "Members by where they stand.", members)?;
    let rollout = several(accounts, "state", |group| {
        let rollout = group.report().and_then(|report| report.rollout);
        rollout.map(|rollout| (word(&rollout.course.state), 1_u32))
    });
    page.gauge("tsg_group_rollout", "Where the newest rollout stands: one series, if there was one.", rollout)?;
    let trouble = each(accounts, |group| Some(u32::from(group.view.trouble.is_some())));
    page.gauge("tsg_group_trouble", "Whether the group is set aside because something cannot be handled.", trouble)?;
    write_holds(accounts, page)?;
    write_instances(accounts, page)
}

fn write_holds(accounts: &[AccountScene], page: &mut Page<'_>) -> fmt::Result {
    let holds = several(accounts, "hold", |group| group.holds().into_iter().map(|hold| (hold, 1_u32)));
    page.gauge("tsg_group_hold", "What stops repair, or a part of it: a series for each hold.", holds)?;
    let blocks = several(accounts, "block", |group| {
        let mut others: Vec<String> = group.blocks().iter().filter(|block| is_other(block)).map(word).collect();
        others.sort_unstable();
        others.dedup();
        others.into_iter().map(|block| (block, 1_u32))
    });
    page.gauge("tsg_group_block", "What has to change before the group can go on: a series for each block.", blocks)
}

fn write_instances(accounts: &[AccountScene], page: &mut Page<'_>) -> fmt::Result {
    let instances = several(accounts, "verdict", |group| VERDICTS.into_iter().zip(group.believed()));
    page.gauge("tsg_instances", "Instances by what is believed of them; unchecked: nothing is asked.", instances)?;
    let listed = each(accounts, GroupScene::listed);
    page.gauge("tsg_instances_listed", "Instances that discovery answers with, where checks decide.", listed)?;
    let alarms = several(accounts, "alarm", |group| group.alarms().into_iter().flatten());
    let help = "Whether instances stay listed although they are not ready: too many are not, or too few would be left.";
    page.gauge("tsg_discovery_alarm", help, alarms)
}

#[cfg(test)]
mod tests {
    use tsg_core::model::time::Timestamp;
    use tsg_core::plan::input::{View, ViewTrust};

    use super::*;

    /// A group that was never planned.
    fn view(id: u32, created_at: i64, lifecycle: &str) -> Arc<GroupView> {
        let group = serde_json::json!({
            "id": format!("00000000-0000-0000-0000-{id:012}"), "name": "edge",
            "template": "00000000-0000-0000-0000-000000000009", "revision": 1, "capacity": 1,
            "lifecycle": lifecycle, "freeze": null, "freeze_epoch": 0,
            "created_at": created_at, "updated_at": created_at,
        });
        Arc::new(GroupView {
            group: serde_json::from_value(group).unwrap(),
            at: Timestamp::EPOCH,
            view: View { taken_at: Timestamp::EPOCH, trust: ViewTrust::Trusted },
            report: None,
            limits: None,
            members: Vec::new(),
            blocked: None,
            discovery: None,
            hold: None,
            next_wakeup: None,
            trouble: None,
        })
    }

    #[test]
    fn of_groups_with_one_name_the_newest_that_stays_has_it() {
        let id = |number: u32| format!("00000000-0000-0000-0000-{number:012}");
        let labels = |views: Vec<Arc<GroupView>>| -> Vec<String> {
            GroupScene::all(views).into_iter().map(|scene| scene.label).collect()
        };
        assert_eq!(labels(vec![view(7, 1, "deleting")]), ["edge"], "nobody else has it");
        assert_eq!(labels(vec![view(1, 5, "deleting"), view(2, 3, "active")]), [id(1), "edge".to_owned()]);
        let unseen = vec![view(1, 5, "active"), view(2, 3, "active"), view(3, 4, "active")];
        assert_eq!(labels(unseen), ["edge".to_owned(), id(2), id(3)], "the end of the older ones was not seen yet");
    }
}
