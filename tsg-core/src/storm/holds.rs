//! When nobody may repair anything.
//!
//! Owns the signs that the view is wrong rather than the machines, and how long a hold stands
//! after they are gone. Must never hold what a user asked for, unless the data centre is not seen.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::correlate::{Bucket, Correlation, DATA_CENTRE_SHARE_PERCENT, is_share};
use super::input::{DataCentreFacts, Outcome, Probe, Sight, StormInput};
use super::nodes::{NodeCounts, NodeSurvey};
use super::number::ByNumber;
use super::sift::Sifted;
use super::wakeup::Wakeup;
use crate::count;
use crate::model::time::Timestamp;

/// Where a hold holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// In the whole deployment.
    Everywhere,
    /// For everything in a bucket.
    In(Bucket),
}

/// What a hold stops. Each one stops what those before it stop as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Giving up compute nodes.
    Losses,
    /// Replacing.
    Replacing,
    /// Replacing and restarting.
    Repair,
    /// Everything, whoever asked for it.
    Everything,
}

/// Why a hold holds.
///
/// ```
/// use core::time::Duration;
/// use tsg_core::storm::holds::{HoldCause, Stop};
///
/// let cause = HoldCause::MostFail { failing: 11, of: 20 };
/// assert_eq!((cause.stops(), cause.clear_after()), (Stop::Repair, Duration::from_secs(300)));
/// assert_eq!(HoldCause::CutOff { agreeing: 0 }.stops(), Stop::Everything);
/// assert_eq!(cause.to_string(), "11 of 20 checked instances fail");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// The data centre was not seen since the start.
    NotSeenYet,
    /// The data centre was out of reach and is not believed again yet.
    CutOff {
        /// Complete looks in a row that agree; [`AGREEING_NEEDED`] are needed.
        agreeing: u32,
    },
    /// No prober reaches even the targets that it checks itself with.
    ProbersFail {
        /// How many probers there are.
        probers: u32,
    },
    /// CloudAPI does not answer its ping.
    CloudFails,
    /// So many fail that it is more likely the view, or something that replacing does not mend.
    MostFail {
        /// Checked instances that fail, those on silent compute nodes aside.
        failing: u32,
        /// Checked instances, those aside as well.
        of: u32,
    },
    /// So many began to fail in the last five minutes that something is going on.
    Degrading {
        /// How many, those on silent compute nodes aside.
        degraded: u32,
        /// Of how many instances.
        of: u32,
    },
    /// Too many compute nodes are silent at once.
    NodesSilent {
        /// Suspect ones.
        suspect: u32,
        /// Those that were given up already.
        lost: u32,
        /// Of how many.
        of: u32,
    },
    /// Failures have a cause in common.
    Correlated(Correlation),
    /// Repair is held in every data centre.
    EveryDataCentre {
        /// How many.
        data_centres: u32,
    },
}

/// A hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hold {
    /// Where.
    pub scope: Scope,
    /// Why.
    pub cause: HoldCause,
    /// Since when.
    pub since: Timestamp,
}

/// A hold, and when its cause was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptHold {
    /// The hold.
    pub hold: Hold,
    /// When its cause was seen last.
    pub seen_at: Timestamp,
}

impl KeptHold {
    /// Whether it still stands, should its cause be gone. A clock that went back ends no hold late.
    fn stands(&self, now: Timestamp) -> bool {
        now < self.seen_at.min(now).after(self.hold.cause.clear_after())
    }
}

/// Looks that have to agree before a data centre that was cut off is believed again.
pub const AGREEING_NEEDED: u32 = 2;
/// Checked instances that a data centre needs to be judged.
const JUDGED_MIN: u32 = 3;
/// Within which so many have to begin to fail.
const DEGRADING_WITHIN: Duration = Duration::from_secs(5 * 60);
const DEGRADED_MIN: u32 = 10;
const DEGRADED_PERCENT: u32 = 10;
/// Suspect nodes that hold their data centre, however many there are.
const SUSPECTS_MAX: u32 = 3;
/// The share of silent nodes that does. It takes two: in a data centre of three nodes one is a
/// third, and one lost node is what all of this is for.
const SILENT_PERCENT: u32 = 30;
const SILENT_MIN: u32 = 2;
/// How long a hold outlasts a cause that was measured.
const MEASURED_CLEAR: Duration = Duration::from_secs(5 * 60);
/// How long it outlasts one that was probed: as long as a compute node settles.
const PROBED_CLEAR: Duration = Duration::from_secs(2 * 60);

impl HoldCause {
    /// What it stops within its scope.
    pub const fn stops(&self) -> Stop {
        match self {
            Self::NotSeenYet | Self::CutOff { .. } => Stop::Everything,
            Self::Degrading { .. } => Stop::Replacing,
            Self::Correlated(found) => match found.bucket {
                Bucket::Node(_) | Bucket::Rack(_) => Stop::Losses,
                // A restart may mend what a new instance of the same would not.
                Bucket::Revision { .. } | Bucket::Image(_) => Stop::Replacing,
                Bucket::Check(_) | Bucket::Prober(_) | Bucket::DataCentre(_) => Stop::Repair,
            },
            Self::ProbersFail { .. }
            | Self::CloudFails
            | Self::MostFail { .. }
            | Self::NodesSilent { .. }
            | Self::EveryDataCentre { .. } => Stop::Repair,
        }
    }

    /// How long the hold stands after its cause was seen last.
    pub const fn clear_after(&self) -> Duration {
        match self {
            Self::NotSeenYet | Self::CutOff { .. } | Self::EveryDataCentre { .. } => Duration::ZERO,
            Self::ProbersFail { .. } | Self::CloudFails => PROBED_CLEAR,
            Self::MostFail { .. } | Self::Degrading { .. } | Self::NodesSilent { .. } | Self::Correlated(_) => {
                MEASURED_CLEAR
            }
        }
    }

    /// Whether it is the same cause, whatever its numbers.
    fn is_like(&self, other: &Self) -> bool {
        core::mem::discriminant(self) == core::mem::discriminant(other)
    }
}

/// The data centres that are seen: what they show may be believed.
pub(super) fn seen(input: &StormInput<'_>) -> BTreeSet<u32> {
    let dark = unseen(input);
    let all = input.data_centres.iter().map(|facts| facts.data_centre);
    all.filter(|data_centre| !dark.contains_key(data_centre)).collect()
}

/// The data centres that are not, with why and since when.
fn unseen(input: &StormInput<'_>) -> BTreeMap<u32, (HoldCause, Timestamp)> {
    let known: BTreeSet<u32> = input.data_centres.iter().map(|facts| facts.data_centre).collect();
    let named = input.groups.iter().map(|group| group.data_centre).filter(|named| !known.contains(named));
    let mut unseen: BTreeMap<_, _> = named.map(|named| (named, (HoldCause::NotSeenYet, input.now))).collect();
    for facts in input.data_centres {
        if let Some(found) = darkness(input, facts) {
            let worst = unseen.entry(facts.data_centre).or_insert(found);
            *worst = (*worst).max(found);
        }
    }
    unseen
}

fn darkness(input: &StormInput<'_>, facts: &DataCentreFacts) -> Option<(HoldCause, Timestamp)> {
    match facts.sight {
        Sight::NotYet => Some((HoldCause::NotSeenYet, input.now)),
        Sight::CutOff { since } => Some((HoldCause::CutOff { agreeing: 0 }, since)),
        Sight::Seen { agreeing } if agreeing < AGREEING_NEEDED => {
            let scope = Scope::In(Bucket::DataCentre(facts.data_centre));
            let is_it =
                |kept: &&KeptHold| kept.hold.scope == scope && matches!(kept.hold.cause, HoldCause::CutOff { .. });
            let kept = input.memory.holds.iter().find(is_it)?;
            Some((HoldCause::CutOff { agreeing }, kept.hold.since))
        }
        Sight::Seen { .. } => None,
    }
}

/// The holds that stand at this moment, those with their causes gone among them.
pub(super) fn standing<'a>(input: &'a StormInput<'_>) -> impl Iterator<Item = &'a Hold> {
    input.memory.holds.iter().filter(|kept| kept.stands(input.now)).map(|kept| &kept.hold)
}

/// Finds the causes of this moment and keeps those of before for as long as they stand.
pub(super) fn hold(
    sifted: &Sifted<'_>,
    survey: &NodeSurvey,
    correlations: &[Correlation],
    wakeup: &mut Wakeup,
) -> Vec<KeptHold> {
    let input = sifted.input;
    let mut found = Vec::new();
    found.extend(unseen(input).into_iter().map(|(data_centre, (cause, since))| here(data_centre, cause, since)));
    found.extend(probed(input));
    found.extend(measured(sifted, survey, correlations));
    let fresh = found.into_iter().map(|hold| KeptHold { hold, seen_at: input.now });
    let mut kept: Vec<KeptHold> = fresh.map(|fresh| continued(fresh, &input.memory.holds)).collect();
    for old in input.memory.holds.iter().filter(|old| old.stands(input.now)) {
        if !kept.iter().any(|kept| is_same(&kept.hold, &old.hold)) {
            kept.push(KeptHold { seen_at: old.seen_at.min(input.now), ..*old });
        }
    }
    kept.sort_unstable_by_key(|kept| kept.hold);
    kept.dedup_by(|next, one| is_same(&next.hold, &one.hold));
    kept.iter().for_each(|kept| wakeup.at(kept.seen_at.after(kept.hold.cause.clear_after())));
    kept
}

const fn here(data_centre: u32, cause: HoldCause, since: Timestamp) -> Hold {
    Hold { scope: Scope::In(Bucket::DataCentre(data_centre)), cause, since }
}

fn is_same(one: &Hold, other: &Hold) -> bool {
    one.scope == other.scope && one.cause.is_like(&other.cause)
}

/// A hold that stood before goes on since then.
fn continued(mut fresh: KeptHold, before: &[KeptHold]) -> KeptHold {
    if let Some(old) = before.iter().find(|old| is_same(&old.hold, &fresh.hold)) {
        fresh.hold.since = fresh.hold.since.min(old.hold.since);
    }
    fresh
}

/// What our own probes say of themselves and of CloudAPI.
fn probed(input: &StormInput<'_>) -> Vec<Hold> {
    let mut canaries: BTreeMap<u32, Vec<Probe>> = BTreeMap::new();
    for facts in input.probers {
        canaries.entry(facts.data_centre).or_default().push(facts.canary);
    }
    let blind = canaries.into_iter().filter_map(|(data_centre, canaries)| {
        let since: Option<Vec<Timestamp>> = canaries.iter().map(|canary| failing_since(*canary)).collect();
        let probers = count::of(canaries.len());
        Some(here(data_centre, HoldCause::ProbersFail { probers }, since?.into_iter().max()?))
    });
    let silent = input
        .data_centres
        .iter()
        .filter_map(|facts| Some(here(facts.data_centre, HoldCause::CloudFails, failing_since(facts.ping)?)));
    blind.chain(silent).collect()
}

const fn failing_since(probe: Probe) -> Option<Timestamp> {
    match probe {
        Probe::Passing => None,
        Probe::Failing { since } => Some(since),
    }
}

/// How the instances of a data centre stand.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    all: u32,
    checked: u32,
    failing: u32,
    degraded: u32,
}

/// What the instances and the compute nodes say.
fn measured(sifted: &Sifted<'_>, survey: &NodeSurvey, correlations: &[Correlation]) -> Vec<Hold> {
    let now = sifted.input.now;
    let mut found = Vec::new();
    for (data_centre, count) in counts(sifted, survey).iter() {
        let Ok(data_centre) = u32::try_from(data_centre) else { continue };
        let Count { all, checked, failing, degraded } = count;
        if checked >= JUDGED_MIN && is_share(failing, checked, DATA_CENTRE_SHARE_PERCENT) {
            found.push(here(data_centre, HoldCause::MostFail { failing, of: checked }, now));
        }
        if degraded >= DEGRADED_MIN && is_share(degraded, all, DEGRADED_PERCENT) {
            found.push(here(data_centre, HoldCause::Degrading { degraded, of: all }, now));
        }
    }
    for (data_centre, NodeCounts { known: of, suspect, lost }) in survey.counts() {
        let silent = suspect.saturating_add(lost);
        let is_share = suspect > 0 && silent >= SILENT_MIN && is_share(silent, of, SILENT_PERCENT);
        if suspect >= SUSPECTS_MAX || is_share {
            found.push(here(data_centre, HoldCause::NodesSilent { suspect, lost, of }, now));
        }
    }
    // A node has its own way to be given up, and a data centre that fails is measured above.
    let is_held = |found: &&Correlation| !matches!(found.bucket, Bucket::Node(_) | Bucket::DataCentre(_));
    let correlated = correlations.iter().filter(is_held);
    found.extend(correlated.map(|correlation| Hold {
        scope: Scope::In(correlation.bucket),
        cause: HoldCause::Correlated(*correlation),
        since: now,
    }));
    found
}

fn counts(sifted: &Sifted<'_>, survey: &NodeSurvey) -> ByNumber<Count> {
    let (silent, now) = (survey.silent(), sifted.input.now);
    let mut counts = ByNumber::<Count>::default();
    for seen in sifted.instances() {
        let is_failing = seen.outcome.is_failing();
        // What is silent with its node has a reason of its own, and a limit of its own.
        let is_counted = seen.outcome != Outcome::Unchecked && !silent.get(seen.facts.node.into());
        counts.change(seen.group.data_centre.into(), |count| {
            count.all += 1;
            if is_counted {
                count.checked += 1;
                count.failing += u32::from(is_failing);
                count.degraded += u32::from(is_failing && now.since(seen.facts.since) <= DEGRADING_WITHIN);
            }
        });
    }
    counts
}
