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
//! Members are called by letters, which stand for their operations, sequence numbers and
//! machines; new operations are called `new1`, `new2`, ...

use core::fmt::Write as _;
use core::time::Duration;

use tsg_core::model::group::Lifecycle;
use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::operation::Phase;
use tsg_core::model::time::Timestamp;
use tsg_core::plan::input::{Intent, Limits, Member, Sighting, Verdict, View, ViewTrust};
use tsg_core::plan::memory::{Backoff, PlanMemory, Setback};
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
    pub members: Vec<Member>,
    pub names: Vec<(String, OperationId)>,
    pub memory: PlanMemory,
    pub limits: Limits,
    pub timing: ProtocolTiming,
    pub now: Timestamp,
    pub seed: u128,
}

impl Scene {
    pub fn plan(&self) -> Result<Plan, PlanError> {
        plan(&self.input(&self.members))
    }

    pub fn input<'a>(&'a self, members: &'a [Member]) -> PlanInput<'a> {
        PlanInput {
            intent: self.intent,
            view: View { taken_at: self.now, trust: self.trust },
            members,
            memory: self.memory,
            limits: self.limits,
            timing: &self.timing,
            now: self.now,
            seed: self.seed,
        }
    }

    /// The plan in words, with the case's names for operations.
    pub fn told(&self) -> String {
        let (mut text, created) = match self.plan() {
            Ok(plan) => (in_words(&plan, self.now).to_string(), created(&plan)),
            Err(error) => (format!("error: {error}"), Vec::new()),
        };
        for (name, operation) in &self.names {
            text = text.replace(&operation.to_string(), name);
        }
        for (number, operation) in (1..).zip(created) {
            text = text.replace(&operation.to_string(), &format!("new{number}"));
        }
        text
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
        let (name, member) = member_of(line);
        if !scene.names.iter().any(|(known, _)| *known == name) {
            scene.names.push((name, member.operation));
        }
        scene.members.push(member);
    }
    scene
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
        },
        trust: ViewTrust::Trusted,
        members: Vec::new(),
        names: Vec::new(),
        // Wide open, so that cases about other things are not about the slow start.
        memory: PlanMemory { create_window: 8, ..PlanMemory::default() },
        limits: Limits::default(),
        timing: ProtocolTiming::default(),
        now: NOW,
        seed: 0x5eed,
    };
    words.for_each(|word| header_word(&mut scene, word));
    scene
}

fn header_word(scene: &mut Scene, word: &str) {
    let (key, value) = word.split_once(':').unwrap_or((word, ""));
    let number = || value.parse::<u32>().unwrap_or_else(|_| panic!("{word}: a number"));
    match key {
        "frozen" => scene.intent.is_frozen = true,
        "deleting" => scene.intent.lifecycle = Lifecycle::Deleting,
        "revision" => scene.intent.revision = number(),
        "surge" => scene.limits.surge = number(),
        "orphans" => scene.limits.orphans = number(),
        "window" => scene.memory.create_window = number(),
        "creates" => scene.limits.creates = number(),
        "deletes" => scene.limits.asked_deletes = number(),
        "repairs" => scene.limits.unasked_deletes = number(),
        "starts" => scene.limits.starts = number(),
        "attempts" => scene.limits.start_attempts = u8::try_from(number()).expect("a small number"),
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

fn member_of(line: &str) -> (String, Member) {
    let mut words = line.split_whitespace();
    let name = words.next().expect("a name").to_string();
    let number = u32::from(name.as_bytes()[0] - b'a') + 1;
    let operation = OperationId::from_bits(u128::from(number));
    let mut member = Member::planned(operation, number, 1, NOW.before(Duration::from_secs(60)));
    member.phase = phase(words.next().expect("a phase"));
    if matches!(member.phase, Phase::Bound | Phase::Ready | Phase::Failed | Phase::Deleting) {
        member = member.with_instance(InstanceId::new(Uuid::from_u128(u128::from(number) << 64)));
    }
    let member = words.fold(member, member_word);
    (name, member)
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
        "protected" => member = member.with_protection(),
        "for" => member.phase_since = NOW.before(duration(value)),
        "revision" => member.revision = number(),
        "age" => member.sequence = number(),
        "cn" => member.compute_node = number(),
        // `tried:2/20s`: started twice, the second time 20 s ago.
        "tried" => {
            let (count, ago) = value.split_once('/').expect("count/ago");
            member = member.with_starts(count.parse().expect("a count"), NOW.before(duration(ago)));
        }
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
        _ => panic!("unknown unit in {word}"),
    }
}
