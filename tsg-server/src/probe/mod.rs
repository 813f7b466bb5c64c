//! Probing: asks instances over real sockets how they are, and says what it found.
//!
//! Owns sockets and pace. Knows nothing of groups, stores or HTTP APIs, so that it can be put
//! into any process; must never judge an instance, and never connect to anything but an address
//! that it was given.
//!
//! A prober is one thread with one loop. Whatever its targets do, an idle one costs memory only,
//! and one that does not answer takes no slot that those that answer have a right to.

mod answer;
mod attempt;
mod chunks;
mod connection;
mod containerpilot;
mod control;
mod counts;
mod doubt;
mod driver;
mod files;
mod histogram;
mod job;
mod lanes;
mod outbox;
mod plan;
mod roster;
pub(crate) mod rounds;
mod target;
mod tls;

use std::io;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tsg_core::health::check::CheckSpec;
use tsg_core::model::id::InstanceId;

pub use control::{Control, InvalidControl};
pub use counts::{Counts, Meter, ProbeKind, Tally};
pub use histogram::Histogram;
pub use outbox::{Ability, Finding, Report};
pub use target::{InvalidNetwork, Network, Nic, Permission, TargetPolicy};

use control::ANYWHERE;
use counts::Counters;
use driver::{Command, Driver, Fixed};
use files::{FILES_MIN, FileBudget, make_room};
use outbox::{Belief, Outbox};
use plan::Plan;
use roster::{Key, Prepared};
use tls::TrustStore;

/// One check of one instance.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The instance.
    pub instance: InstanceId,
    /// The number under which it is reported, which no other check of the instance has.
    pub check: u16,
    /// The place of the check among those of its group: when it is made within its interval follows
    /// from it, the instance and the prober's name.
    pub place: u16,
    /// The addresses of the instance's own NICs, the primary one first.
    pub nics: Vec<Nic>,
    /// The check. One of a kind that needs no socket (`cloud`, `guest`, `command`) is never
    /// probed: nothing is found, and nothing reported.
    pub spec: Arc<CheckSpec>,
}

/// How a prober works.
#[derive(Debug, Clone)]
pub struct ProberConfig {
    /// What it is called. Probers of different names ask the same target at different moments.
    /// Default: nothing.
    pub name: String,
    /// Which addresses may be probed.
    pub policy: TargetPolicy,
    /// Targets that should always answer. While none does, the prober reports that it is unable
    /// and nothing else; and what fails it reports only once one has answered since. Default: none,
    /// so that it always believes itself.
    pub controls: Vec<Control>,
    /// Sockets that it may have open at most. Default: 65,536. The process's limit on open files
    /// is raised as far as it can be.
    pub sockets_max: u32,
    /// Open files that are left to the rest of the process. Default: 256.
    pub files_reserved: u32,
    /// Probes that one connection carries, before a new one shows that new ones are still taken.
    /// Default: 8. 1: connections are not kept.
    pub uses_max: u32,
    /// After how long without an answer a probe is not taken for a prompt one any more, and gives its
    /// slot back if that is wanted. Default: 500 ms.
    pub patience: Duration,
}

impl Default for ProberConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            policy: TargetPolicy::default(),
            controls: Vec::new(),
            sockets_max: 65_536,
            files_reserved: 256,
            uses_max: 8,
            patience: Duration::from_millis(500),
        }
    }
}

/// Why a prober cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// There would be too few sockets.
    #[error(
        "a prober needs {FILES_MIN} sockets at least, and beside {reserved} reserved files the limit on open files \
         leaves {left}; raise the limit (ulimit -n) or have fewer targets on more probers"
    )]
    Files {
        /// Sockets that the limit leaves.
        left: u64,
        /// Files left to the rest of the process.
        reserved: u32,
    },
    /// The system gave no thread or event queue.
    #[error("the prober's thread cannot start: {0}")]
    Thread(#[from] io::Error),
}

/// A running prober. It stops when this is dropped.
pub struct Prober {
    policy: TargetPolicy,
    trust: TrustStore,
    counters: Arc<Counters>,
    commands: mpsc::Sender<Command>,
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

/// Reports that wait to be taken. While so many do, nothing more is probed.
const REPORTS_MAX: usize = 64;
/// Changes of the targets that wait to be made.
const COMMANDS_MAX: usize = 16;

impl Prober {
    /// Starts one without targets, on a thread of its own: however busy the rest of the process
    /// is, probes begin in time. Its reports have to be taken for it to go on.
    ///
    /// # Errors
    /// The limit on open files is too low, or the system gives no thread.
    pub fn start(config: ProberConfig) -> Result<(Self, mpsc::Receiver<Report>), StartError> {
        let (prober, reports, work) = Self::prepare(config)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Builder::new().name("tsg-prober".to_owned()).spawn(move || {
            // As a task of its own, so that its wake-ups stay within the thread.
            let task = runtime.spawn(work);
            _ = runtime.block_on(task);
        })?;
        Ok((prober, reports))
    }

    /// Makes one without targets that works only while the returned future is polled, on whatever
    /// runtime that happens.
    ///
    /// # Errors
    /// The limit on open files is too low.
    pub fn prepare(
        config: ProberConfig,
    ) -> Result<(Self, mpsc::Receiver<Report>, impl Future<Output = ()> + Send + 'static), StartError> {
        let reserved = config.files_reserved;
        let left = make_room(u64::from(config.sockets_max), u64::from(reserved));
        if left < FILES_MIN {
            return Err(StartError::Files { left, reserved });
        }
        let counters = Arc::new(Counters::default());
        let (reports_in, reports) = mpsc::channel(REPORTS_MAX);
        let (commands, commands_out) = mpsc::channel(COMMANDS_MAX);
        let ((stop, stop_out), (stopped_in, stopped)) = (oneshot::channel(), oneshot::channel());
        let trust = TrustStore::default();
        let controls = prepare_controls(&config.controls, &trust);
        let belief = if controls.is_empty() { Belief::AtOnce } else { Belief::OnceConfirmed };
        let outbox = Outbox::new(reports_in, Arc::clone(&counters), belief);
        let counted = Arc::clone(&counters);
        let fixed = Fixed {
            name: config.name,
            budget: FileBudget::of(left),
            uses_max: config.uses_max,
            patience: config.patience,
        };
        let work = async move {
            let driver = Driver::new(fixed, controls, outbox, counted, (commands_out, stop_out));
            tokio::task::unconstrained(driver.run()).await;
            drop(stopped_in);
        };
        Ok((Self { policy: config.policy, trust, counters, commands, stop, stopped }, reports, work))
    }

    /// Probes these from now on, and nothing else. What stays the same keeps its pace.
    pub async fn replace(&self, assignments: Vec<Assignment>) {
        let all = assignments.into_iter().filter_map(|assignment| self.prepared(assignment)).collect();
        self.say(Command::Replace(all)).await;
    }

    /// Probes `set` as well from now on, each instead of what it was before, and `gone` not any
    /// more.
    pub async fn update(&self, set: Vec<Assignment>, gone: Vec<(InstanceId, u16)>) {
        let mut gone: Vec<Key> = gone.into_iter().map(|(instance, check)| Key::Check(instance, check)).collect();
        let mut prepared = Vec::with_capacity(set.len());
        for assignment in set {
            let key = Key::Check(assignment.instance, assignment.check);
            match self.prepared(assignment) {
                Some(target) => prepared.push(target),
                None => gone.push(key),
            }
        }
        self.say(Command::Update(prepared, gone)).await;
    }

    async fn say(&self, command: Command) {
        // It fails only once the prober's thread is gone: there is nothing left to change.
        _ = self.commands.send(command).await;
    }

    fn prepared(&self, Assignment { instance, check, place, nics, spec }: Assignment) -> Option<Prepared> {
        spec.kind.endpoint()?;
        let plan = Plan::of(&spec, &nics, &self.policy, &self.trust).map(Arc::new);
        Some(Prepared { key: Key::Check(instance, check), place, spec, plan })
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    /// Reads what it has done, also from elsewhere.
    pub fn meter(&self) -> Meter {
        Meter::new(Arc::clone(&self.counters))
    }

    /// Stops at once: what is being probed is dropped. Afterwards nothing of it is left.
    pub async fn shutdown(self) {
        drop(self.stop);
        _ = self.stopped.await;
    }
}

fn prepare_controls(controls: &[Control], trust: &TrustStore) -> Vec<Prepared> {
    let prepared = controls.iter().zip(0..).map(|(Control { nic, spec }, number)| {
        let nics = [Nic { network: spec.kind.endpoint().and_then(|endpoint| endpoint.network), ..*nic }];
        let plan = Plan::of(spec, &nics, &ANYWHERE, trust).map(Arc::new);
        Prepared { key: Key::Control(number), place: number, spec: Arc::clone(spec), plan }
    });
    prepared.collect()
}
