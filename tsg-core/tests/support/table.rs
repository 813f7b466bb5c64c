//! The table language of the planner's cases.
//!
//! A case is a header for the group, one line for each member, a rule, and the plan in words:
//!
//! ```text
//! ## a stopped member is started at once
//! group 1
//! a ready stopped
//! ----
//! converging: 0 of 1 serving, 1 stopped
//!   start a: it is stopped
//! ```
//!
//! Between the header and the members there can be lines that begin with one of these words:
//!
//! - `policy` and what a manifest would say, as JSON: `policy {"update": {"max_surge": 2}}`
//! - `orders`, `rollout` and `repair` with JSON for [`Orders`], [`Course`] (what is not given is
//!   as at the begin of a rollout) and [`RepairMemory`]; a time is given in seconds from now:
//!   `rollout {"target": 2, "from": 1, "state": "canary", "since": -60}`
//! - `stable 3`: the newest stable revision
//! - `revision 2 image:b package:x labels:y`: what a revision is; without such lines every
//!   revision has an image of its own
//! - `node 4 suspect/90s`, also `lost`, `returned` and `draining`
//! - `place 4 rack:1 dc:0`
//! - `hold prober/60s`, also `cloud`, `dc:6:10` and `nodes:3:9`
//!
//! - `remembering` as a word of the header: the plan's words end with what changes in the memory,
//!   as JSON, times in seconds from now
//!
//! Members are called by letters, which stand for their operations, sequence numbers and
//! machines; new operations are called `new1`, `new2`, ...

use core::fmt::Write as _;
use core::time::Duration;

use tsg_core::model::group::Lifecycle;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::{Cause, Phase};
use tsg_core::model::policy::Policy;
use tsg_core::model::revision::{RevisionDigest, RevisionFacts};
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::{
    Conditions, Detail, Intent, Limits, Lineage, Mark, Member, NodeCondition, NodeState, Orders, Place, RepairHold,
    RestartHistory, Retirement, RetirementStage, Sighting, Verdict, View, ViewTrust,
};
use tsg_core::plan::memory::{Backoff, Course, PlanMemory, RolloutState, Setback};
use tsg_core::plan::output::{Action, Plan, PlanError};
use tsg_core::plan::render::in_words;
use tsg_core::plan::{PlanInput, plan};
use tsg_core::protocol::create::Refusal;
use tsg_core::protocol::timing::ProtocolTiming;
use uuid::Uuid;

/// The moment all cases are planned at.
pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// One case.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub input: String,
    pub expected: String,
}

/// Everything a plan borrows from.
#[derive(Debug, Clone)]
pub struct Scene {
    pub intent: Intent,
    pub trust: ViewTrust,
    pub policy: Policy,
    pub revisions: Vec<RevisionFacts>,
    pub members: Vec<Member>,
    pub details: Vec<Detail>,
    pub nodes: Vec<NodeCondition>,
    pub places: Vec<Place>,
    pub hold: Option<RepairHold>,
    pub names: Vec<(String, OperationId)>,
    pub memory: PlanMemory,
    pub limits: Limits,
    pub timing: ProtocolTiming,
    pub now: Timestamp,
    pub seed: u128,
    /// Whether what is remembered is told as well.
    pub is_remembering: bool,
}

impl Scene {
    pub fn plan(&self) -> Result<Plan, PlanError> {
        plan(&self.input(&self.members))
    }

    pub fn input<'a>(&'a self, members: &'a [Member]) -> PlanInput<'a> {
        PlanInput {
            intent: self.intent,
            policy: &self.policy,
            revisions: &self.revisions,
            view: View { taken_at: self.now, trust: self.trust },
            members,
            details: &self.details,
            memory: self.memory,
            limits: self.limits,
            conditions: Conditions { nodes: &self.nodes, places: &self.places, hold: self.hold },
            timing: &self.timing,
            now: self.now,
            seed: self.seed,
        }
    }

    /// The plan in words, with the case's names for operations.
    pub fn told(&self) -> String {
        let (mut text, created) = match self.plan() {
            Ok(plan) => (in_words(&plan, self.now).to_string() + &self.remembered(&plan), created(&plan)),
            Err(error) => (format!("error: {error}"), Vec::new()),
        };
        for (number, operation) in (1..).zip(created) {
            text = text.replace(&operation.to_string(), &format!("new{number}"));
        }
        self.named(&text)
    }

    fn remembered(&self, plan: &Plan) -> String {
        let [before, after] = [Some(self.memory), plan.memory].map(|memory| in_seconds(serde_json::to_value(memory)));
        match changed(&before, after).filter(|_| self.is_remembering && plan.memory.is_some()) {
            Some(changed) => format!("\n  remembers {changed}"),
            None => String::new(),
        }
    }

    /// A text with the case's names for its members' operations.
    pub fn named(&self, text: &str) -> String {
        let name = |text: String, (name, operation): &(String, OperationId)| text.replace(&operation.to_string(), name);
        self.names.iter().fold(text.to_string(), name)
    }
}

fn created(plan: &Plan) -> Vec<OperationId> {
    let id = |action: Action| match action {
        Action::Create { operation, .. } => Some(operation),
        _ => None,
    };
    plan.actions.iter().filter_map(|planned| id(planned.action)).collect()
}

/// Splits a file of cases.
pub fn cases(text: &str) -> Vec<Case> {
    let parts = text.split("## ").skip(1);
    let case = |part: &str| {
        let (name, body) = part.split_once('\n').expect("a case has a body");
        let (input, expected) = body.split_once("----\n").expect("a case has an expectation");
        Case { name: name.into(), input: input.into(), expected: expected.trim_end().into() }
    };
    parts.map(case).collect()
}

/// Writes cases back with what was planned, keeping the head of the file.
pub fn written(text: &str) -> String {
    let mut out = text.split("## ").next().unwrap_or_default().to_string();
    for case in cases(text) {
        let told = scene(&case.input).told();
        write!(out, "## {}\n{}----\n{told}\n\n", case.name, case.input).expect("a string takes everything");
    }
    out.trim_end().to_string() + "\n"
}

/// Reads the table of one case.
pub fn scene(table: &str) -> Scene {
    let mut lines = table.lines().filter(|line| !line.trim().is_empty());
    let header = lines.next().expect("a header");
    let mut scene = header_of(header);
    for line in lines {
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        if word.len() > 1 { setting(&mut scene, word, rest) } else { put_member(&mut scene, line) }
    }
    scene.details.sort_by_key(|detail| detail.operation);
    if scene.revisions.is_empty() {
        // Each with an image of its own.
        scene.revisions = (1..10).map(|number| revision(&format!("{number} image:{number}"))).collect();
    }
    scene
}

fn put_member(scene: &mut Scene, line: &str) {
    let (name, member, detail) = member_of(line);
    if !scene.names.iter().any(|(known, _)| *known == name) {
        scene.names.push((name, member.operation));
    }
    scene.members.push(if detail.is_some() { member.with_detail() } else { member });
    scene.details.extend(detail);
}

/// One line between the header and the members.
fn setting(scene: &mut Scene, word: &str, rest: &str) {
    let json = || serde_json::from_str(rest).unwrap_or_else(|error| panic!("{word} {rest}: {error}"));
    match word {
        "policy" => scene.policy = serde_json::from_value(json()).unwrap_or_else(|error| panic!("{rest}: {error}")),
        "orders" => scene.intent.orders = over(&Orders::default(), json()),
        "rollout" => scene.memory.rollout.course = Some(over(&course(scene), json())),
        "repair" => scene.memory.repair = over(&scene.memory.repair, json()),
        "stable" => scene.memory.rollout.stable = rest.parse().expect("a revision"),
        "revision" => scene.revisions.push(revision(rest)),
        "node" => scene.nodes.push(node(rest)),
        "place" => place(scene, rest),
        "hold" => scene.hold = Some(hold(rest)),
        _ => panic!("unknown setting {word}"),
    }
}

/// A rollout that has just begun.
fn course(scene: &Scene) -> Course {
    let opened = Course::opened(scene.intent.revision, 0, NOW);
    Course { state: RolloutState::Rolling, ..opened }
}

/// A value with some of its fields given as JSON. Fields that hold a time are given in seconds
/// from now.
fn over<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T, given: serde_json::Value) -> T {
    let mut whole = serde_json::to_value(value).expect("it can be written");
    merge(&mut whole, given);
    serde_json::from_value(whole).expect("it can be read")
}

fn merge(whole: &mut serde_json::Value, given: serde_json::Value) {
    let serde_json::Value::Object(given) = given else {
        *whole = given;
        return;
    };
    if !whole.is_object() {
        *whole = serde_json::json!({});
    }
    for (key, mut value) in given {
        if let Some(seconds) = value.as_i64().filter(|_| is_moment(&key)) {
            value = (NOW.as_millis() + seconds * 1000).into();
        }
        merge(&mut whole[key], value);
    }
}

/// Whether a field of the memory or the orders holds a time.
fn is_moment(key: &str) -> bool {
    key.ends_with("_at") || key.ends_with("since") || key == "until"
}

/// With every time in seconds from now, and none as `null`.
fn in_seconds(value: serde_json::Result<serde_json::Value>) -> serde_json::Value {
    fn convert(key: &str, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| convert(key, value)),
            serde_json::Value::Number(millis) if is_moment(key) => {
                let millis = millis.as_i64().expect("a time is a whole number");
                *value = if millis == 0 { serde_json::Value::Null } else { ((millis - NOW.as_millis()) / 1000).into() };
            }
            _ => {}
        }
    }
    let mut value = value.expect("it can be written");
    convert("", &mut value);
    value
}

/// What is not as it was; `None` if nothing is.
fn changed(before: &serde_json::Value, after: serde_json::Value) -> Option<serde_json::Value> {
    match after {
        serde_json::Value::Object(fields) if before.is_object() => {
            let kept =
                fields.into_iter().filter_map(|(key, value)| Some((key.clone(), changed(&before[&key], value)?)));
            let kept: serde_json::Map<_, _> = kept.collect();
            (!kept.is_empty()).then_some(kept.into())
        }
        after => (*before != after).then_some(after),
    }
}

/// `2 image:b package:x labels:y`
fn revision(words: &str) -> RevisionFacts {
    let mut words = words.split_whitespace();
    let number = words.next().expect("a number").parse().expect("a number");
    let mut facts =
        RevisionFacts { number, digest: RevisionDigest { place: 0, size: 0, labels: 0 }, is_resizable: true };
    for word in words {
        let (key, value) = word.split_once(':').unwrap_or((word, ""));
        let content = value.bytes().fold(7, |sum: u64, byte| sum * 31 + u64::from(byte));
        match key {
            "image" => facts.digest.place = content,
            "package" => facts.digest.size = content,
            "labels" => facts.digest.labels = content,
            "rigid" => facts.is_resizable = false,
            _ => panic!("unknown part of a revision {word}"),
        }
    }
    facts
}

/// `4 suspect/90s`
fn node(words: &str) -> NodeCondition {
    let (node, state) = words.split_once(' ').expect("node state/ago");
    let (state, ago) = state.split_once('/').expect("state/ago");
    let since = NOW.before(duration(ago));
    let state = match state {
        "suspect" => NodeState::Suspect { since },
        "lost" => NodeState::Lost { since },
        "returned" => NodeState::Returned { at: since },
        "draining" => NodeState::Draining { since },
        _ => panic!("unknown state {state}"),
    };
    NodeCondition { node: node.parse().expect("a node"), state }
}

/// `4 rack:1 dc:0`
fn place(scene: &mut Scene, words: &str) {
    let mut numbers = words.split_whitespace().map(|word| word.split(':').next_back().expect("a number"));
    let mut number = || numbers.next().expect("node rack dc").parse::<u32>().expect("a number");
    let (node, rack, data_centre) = (number() as usize, number(), number());
    let nowhere = Place { rack: u32::MAX, data_centre: 0 };
    scene.places.resize(scene.places.len().max(node + 1), nowhere);
    scene.places[node] = Place { rack, data_centre };
}

/// `dc:6:10/60s`
fn hold(words: &str) -> RepairHold {
    let (cause, ago) = words.split_once('/').expect("cause/ago");
    let since = NOW.before(duration(ago));
    let mut parts = cause.split(':');
    let kind = parts.next().expect("a cause");
    let mut number = || parts.next().expect("a number").parse().expect("a number");
    match kind {
        "prober" => RepairHold::ProberFails { since },
        "cloud" => RepairHold::CloudFails { since },
        "dc" => RepairHold::DataCentreFails { failing: number(), of: number(), since },
        "nodes" => RepairHold::NodesSuspect { nodes: number(), of: number(), since },
        _ => panic!("unknown cause {kind}"),
    }
}

fn header_of(line: &str) -> Scene {
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("group"), "{line}");
    let capacity = words.next().expect("a capacity").parse().expect("a number");
    let mut scene = Scene {
        intent: Intent {
            group: GroupId::new(Uuid::from_u128(1)),
            lifecycle: Lifecycle::Active,
            capacity,
            revision: 1,
            is_frozen: false,
            orders: Orders::default(),
        },
        trust: ViewTrust::Trusted,
        policy: Policy::default(),
        revisions: Vec::new(),
        members: Vec::new(),
        details: Vec::new(),
        nodes: Vec::new(),
        places: Vec::new(),
        hold: None,
        names: Vec::new(),
        // Wide open, so that cases about other things are not about the slow start.
        memory: PlanMemory { create_window: 8, ..PlanMemory::default() },
        limits: Limits::default(),
        timing: ProtocolTiming::default(),
        now: NOW,
        seed: 0x5eed,
        is_remembering: false,
    };
    words.for_each(|word| header_word(&mut scene, word));
    scene
}

fn header_word(scene: &mut Scene, word: &str) {
    let (key, value) = word.split_once(':').unwrap_or((word, ""));
    let number = || value.parse::<u32>().unwrap_or_else(|_| panic!("{word}: a number"));
    match key {
        "frozen" => scene.intent.is_frozen = true,
        "remembering" => scene.is_remembering = true,
        "deleting" => scene.intent.lifecycle = Lifecycle::Deleting,
        "revision" => scene.intent.revision = number(),
        "surge" => scene.limits.surge = number(),
        "orphans" => scene.limits.orphans = number(),
        "window" => scene.memory.create_window = number(),
        "creates" => scene.limits.creates = number(),
        "deletes" => scene.limits.asked_deletes = number(),
        "repairs" => scene.limits.unasked_deletes = number(),
        "starts" => scene.limits.starts = number(),
        "most" => scene.limits.most_instances = number(),
        "least-listed" => scene.limits.least_listed = number(),
        "vanished" => scene.limits.lost_recently = number(),
        "attempts" => scene.policy.restart.attempts = u8::try_from(number()).expect("a small number"),
        "view" => scene.trust = trust(value),
        "refused" => scene.memory.create_backoff = Some(backoff(value)),
        _ => panic!("unknown word {word}"),
    }
}

fn trust(word: &str) -> ViewTrust {
    match word {
        "unobserved" => ViewTrust::Unobserved,
        "distrusted" => ViewTrust::Distrusted,
        "locked-out" => ViewTrust::LockedOut,
        "ledger-behind" => ViewTrust::LedgerBehind,
        _ => panic!("unknown trust {word}"),
    }
}

/// `quota/60s` waits another minute; `quota/-1s` is over since a second.
fn backoff(words: &str) -> Backoff {
    let (cause, until) = words.split_once('/').expect("cause/until");
    let cause = match cause {
        "quota" => Setback::Refused(Refusal::Quota),
        "capacity" => Setback::Refused(Refusal::Capacity),
        "request" => Setback::Refused(Refusal::Request),
        "failures" => Setback::ProvisioningFailed,
        _ => panic!("unknown cause {cause}"),
    };
    let until = match until.strip_prefix('-') {
        Some(ago) => NOW.before(duration(ago)),
        None => NOW.after(duration(until)),
    };
    Backoff { cause, times: 1, until }
}

fn member_of(line: &str) -> (String, Member, Option<Detail>) {
    let mut words = line.split_whitespace();
    let name = words.next().expect("a name").to_string();
    let number = number_of(&name);
    let operation = OperationId::from_bits(u128::from(number));
    let since = NOW.before(Duration::from_secs(60));
    let mut member = Member::planned(operation, number, 1, since);
    member.phase = phase(words.next().expect("a phase"));
    if matches!(member.phase, Phase::Bound | Phase::Ready | Phase::Failed | Phase::Deleting) {
        member = member.with_instance(InstanceId::new(Uuid::from_u128(u128::from(number) << 64)));
    }
    let mut detail = None;
    for word in words {
        member = match detailed(detail.unwrap_or(Detail::new(operation, member.phase_since)), word) {
            Some(said) => {
                detail = Some(said);
                member
            }
            None => member_word(member, word),
        };
    }
    (name, member, detail)
}

fn number_of(name: &str) -> u32 {
    u32::from(name.as_bytes()[0] - b'a') + 1
}

/// What belongs into the sparse half of a member; `None` for every other word.
fn detailed(mut detail: Detail, word: &str) -> Option<Detail> {
    let (key, value) = word.split_once(':').unwrap_or((word, ""));
    let number = || value.parse::<u32>().unwrap_or_else(|_| panic!("{word}: a number"));
    let ago = || NOW.before(duration(value));
    let mark = |mut detail: Detail, mark| {
        detail.marks = detail.marks.with(mark);
        Some(detail)
    };
    match key {
        "held" => return mark(detail, Mark::Held),
        "skipped" => return mark(detail, Mark::Skipped),
        "condemned" => return mark(detail, Mark::Condemned),
        "named" => return mark(detail, Mark::Named),
        "reprovision" => return mark(detail, Mark::Reprovision),
        "restart" => return mark(detail, Mark::Restart),
        "asked" => detail.asked_at = ago(),
        // `tried:2/20s`: started twice, the second time 20 s ago, the first 20 s before.
        "tried" => {
            let (count, ago) = value.split_once('/').expect("count/ago");
            let (count, gap): (u32, _) = (count.parse().expect("a count"), duration(ago));
            let times = (1..=count).rev().map(|nth| NOW.before(gap * nth));
            detail.restarts = times.fold(RestartHistory::NONE, RestartHistory::with);
        }
        // `rebooted:2m`: started then because its compute node was rebooted.
        "rebooted" => detail.restarts = detail.restarts.with_excused(ago()),
        "retry" => detail.lineage = Lineage { retries: u8::try_from(number()).expect("a small number") },
        "replaces" => detail.replaces = Some(OperationId::from_bits(u128::from(number_of(value)))),
        // `draining:30s`, with the cause after it when it is not a scale-in: `stopping:5s/repair`.
        "draining" | "stopping" | "kept" => detail.retirement = Some(retirement(key, value)?),
        "busy" => detail.guest.busy = Some(true),
        "idle" => detail.guest.busy = Some(false),
        "cost" => detail.guest.scale_in_cost = Some(value.parse().expect("a cost")),
        "drained" => detail.guest.has_drained = true,
        "bad" => detail.guest.is_unhealthy = true,
        "said" => detail.guest_at = ago(),
        "adopted" => detail.adopted_at = ago(),
        "ordinal" => detail.ordinal = Some(number()),
        _ => return None,
    }
    Some(detail)
}

/// `None` for the state `stopping`, which has no time.
fn retirement(stage: &str, value: &str) -> Option<Retirement> {
    if value.is_empty() {
        return None;
    }
    let (ago, cause) = value.split_once('/').unwrap_or((value, "scale-in"));
    let stage = match stage {
        "draining" => RetirementStage::Draining,
        "stopping" => RetirementStage::Stopping,
        _ => RetirementStage::Kept,
    };
    let cause = match cause {
        "scale-in" => Cause::ScaleIn,
        "repair" => Cause::Repair,
        "rollout" => Cause::Rollout,
        _ => panic!("unknown cause {cause}"),
    };
    Some(Retirement { stage, since: NOW.before(duration(ago)), cause })
}

fn member_word(mut member: Member, word: &str) -> Member {
    let (key, value) = word.split_once(':').unwrap_or((word, ""));
    let number = || value.parse::<u32>().unwrap_or_else(|_| panic!("{word}: a number"));
    match key {
        "missing" => member.sighting = Sighting::Missing,
        "unhealthy" => member.verdict = Verdict::Unhealthy,
        "degraded" => member.verdict = Verdict::Degraded,
        "healthy" => member.verdict = Verdict::Healthy,
        "warming" => member.verdict = Verdict::Starting,
        "recovering" => member.verdict = Verdict::Recovering,
        "protected" => member = member.with_protection(),
        "unlisted" => member = member.with_no_listing(),
        "for" => {
            member.phase_since = NOW.before(duration(value));
            member.state_since = member.phase_since;
        }
        "state" => member.state_since = NOW.before(duration(value)),
        "revision" => member.revision = number(),
        "age" => member.sequence = number(),
        "cn" => member.compute_node = number(),
        "without-machine" => {
            let (sighting, phase) = (member.sighting, member.phase);
            member = Member::planned(member.operation, member.sequence, member.revision, member.phase_since);
            (member.sighting, member.phase) = (sighting, phase);
        }
        state => member.sighting = Sighting::Present(instance_state(state)),
    }
    member
}

fn phase(word: &str) -> Phase {
    match word {
        "planned" => Phase::Planned,
        "sent" => Phase::Sent,
        "unknown" => Phase::Unknown,
        "bound" => Phase::Bound,
        "ready" => Phase::Ready,
        "failed" => Phase::Failed,
        "deleting" => Phase::Deleting,
        "gone" => Phase::Gone,
        "lost" => Phase::Lost,
        _ => panic!("unknown phase {word}"),
    }
}

fn instance_state(word: &str) -> InstanceState {
    match word {
        "provisioning" => InstanceState::Provisioning,
        "booting" => InstanceState::Ready,
        "running" => InstanceState::Running,
        "stopping" => InstanceState::Stopping,
        "stopped" => InstanceState::Stopped,
        "offline" => InstanceState::Offline,
        "failed" => InstanceState::Failed,
        "deleted" => InstanceState::Deleted,
        "strange" => InstanceState::Unknown,
        _ => panic!("unknown word {word}"),
    }
}

fn duration(word: &str) -> Duration {
    let (number, unit) = word.split_at(word.len() - 1);
    let number: u64 = number.parse().unwrap_or_else(|_| panic!("{word}: a duration"));
    match unit {
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number * 60),
        "h" => Duration::from_secs(number * 3600),
        _ => panic!("unknown unit in {word}"),
    }
}
