//! One run of an account's engine: its state and its loop.
//!
//! Owns everything in memory and the only place where the engine waits. Nothing here outlives
//! the run: what matters is in the store. Must never wait except through the clock.

mod answers;
mod bounds;
mod discovery;
mod dispatch;
mod doubt;
mod early;
mod errand;
mod explain;
mod health;
mod listing;
mod placement;
mod reads;
mod recall;
mod rehearse;
mod relabel;
mod remove;
mod round;
mod seen;
mod services;
mod show;
mod sight;
mod storm;
mod tell;
mod terrain;
#[cfg(test)]
mod tests;
mod wait;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use core::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use tsg_core::model::id::{AccountId, DeploymentId, GroupId, InstanceId, OperationId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::model::operation::{Absence, InvalidEdge};
use tsg_core::model::template::Template;
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Health;
use tsg_core::ports::store::StoreError;

use crate::board::{RequestCounts, Trouble};
use crate::budget::UnaskedBudget;
use crate::config::EngineConfig;
use crate::engine::EnginePorts;
use crate::event::Witness;
use crate::handle::EngineHandle;
use crate::in_flight::CreateBound;
use crate::ledger::{Books, Edit, LedgerError, Recorded};
use crate::pace::Pace;
use crate::todo::Todo;

use answers::Answer;
use discovery::Directory;
use doubt::Doubt;
use early::Early;
use placement::Placed;
use round::Agenda;
use services::Named;
use sight::Sight;
use storm::Weather;
use terrain::Terrain;
use wait::Woken;

/// Wait after the store did not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How long a stopping engine waits for answers to what it has sent.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// One run of an account's engine.
pub(crate) struct Session {
    account: AccountId,
    deployment: DeploymentId,
    ports: EnginePorts,
    config: EngineConfig,
    handle: EngineHandle,
    health: Option<Arc<dyn Health>>,
    witness: Option<Arc<dyn Witness>>,
    books: Books,
    templates: BTreeMap<tsg_core::model::id::TemplateId, Template>,
    pace: Pace,
    budget: UnaskedBudget,
    bound: CreateBound,
    sight: Sight,
    early: Early,
    todo: Todo,
    /// Requests under way.
    answers: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// Creates under way, which belong to nobody else's look-ups.
    requested: BTreeMap<OperationId, Duration>,
    /// Operations with an errand under way.
    on_errand: BTreeSet<OperationId>,
    /// Answers that could not be recorded yet.
    unrecorded: VecDeque<Answer>,
    doubts: BTreeMap<OperationId, Doubt>,
    agenda: BTreeMap<GroupId, Agenda>,
    /// Groups that say where their instances may go.
    placed: BTreeMap<GroupId, Placed>,
    /// Groups with instances still to be made under a block, be it of a former template.
    placed_before: BTreeSet<GroupId>,
    /// Groups whose instances are asked in networks that their checks name.
    networked: BTreeSet<GroupId>,
    weather: Weather,
    terrain: Terrain,
    /// Groups in discovery.
    directories: BTreeMap<GroupId, Directory>,
    /// Instances whose services were written.
    named: Named,
    /// When each delete is to be looked at again.
    removals: BTreeMap<InstanceId, Duration>,
    /// The newest look at a machine that is to be deleted.
    looks: BTreeMap<InstanceId, (ObservedInstance, Timestamp)>,
    /// Evidence about residue that is no more.
    residue_absence: BTreeMap<InstanceId, Absence>,
    counts: RequestCounts,
    /// Plans made.
    plans: u64,
    is_woken: bool,
    store_retry_at: Duration,
    store_trouble: Option<Trouble>,
}

impl Session {
    pub(crate) fn new(
        account: AccountId,
        deployment: DeploymentId,
        ports: EnginePorts,
        config: EngineConfig,
        handle: EngineHandle,
    ) -> Self {
        let now = ports.clock.monotonic();
        Self {
            account,
            deployment,
            books: Books::new(account, ports.store.clone()),
            templates: BTreeMap::new(),
            pace: Pace::new(config.requests_per_second, config.burst, now),
            budget: UnaskedBudget::new(config.unasked_per_minute, config.unasked_gap, config.ramp, now),
            bound: CreateBound::new(config.creates_in_flight_max),
            sight: Sight::default(),
            early: Early::default(),
            todo: Todo::default(),
            answers: FuturesUnordered::new(),
            requested: BTreeMap::new(),
            on_errand: BTreeSet::new(),
            unrecorded: VecDeque::new(),
            doubts: BTreeMap::new(),
            agenda: BTreeMap::new(),
            placed: BTreeMap::new(),
            placed_before: BTreeSet::new(),
            networked: BTreeSet::new(),
            weather: Weather::default(),
            terrain: Terrain::new(&config.topology),
            directories: BTreeMap::new(),
            named: Named::new(),
            removals: BTreeMap::new(),
            looks: BTreeMap::new(),
            residue_absence: BTreeMap::new(),
            counts: RequestCounts::default(),
            plans: 0,
            is_woken: false,
            store_retry_at: Duration::ZERO,
            store_trouble: None,
            ports,
            config,
            handle,
            health: None,
            witness: None,
        }
    }

    pub(crate) fn with_health(self, health: Option<Arc<dyn Health>>) -> Self {
        Self { health, ..self }
    }

    pub(crate) fn with_witness(self, witness: Option<Arc<dyn Witness>>) -> Self {
        Self { witness, ..self }
    }

    pub(crate) async fn run(mut self) {
        self.load().await;
        while !self.handle.is_stopped() {
            self.turn().await;
            self.show_health();
            match self.wait().await {
                Woken::Answer(answer) => self.take(*answer).await,
                Woken::Call => self.is_woken = true,
                Woken::News | Woken::Time => {}
            }
            while let Some(answer) = self.next_answer_now() {
                self.take(answer).await;
            }
        }
        self.wind_up().await;
        self.handle.drop_questions();
    }

    async fn load(&mut self) {
        while let Err(error) = self.books.load().await {
            self.note_store_trouble(&error);
            if self.pause_for_store().await {
                return;
            }
        }
    }

    /// Everything that can be done now.
    async fn turn(&mut self) {
        let now = self.monotonic();
        if now < self.store_retry_at {
            return;
        }
        if let Err(error) = self.turn_on_store().await {
            self.note_store_trouble(&error);
            self.store_retry_at = now + STORE_PAUSE;
        } else {
            self.store_trouble = None;
        }
    }

    async fn turn_on_store(&mut self) -> Result<(), StoreError> {
        self.retry_unrecorded().await?;
        if self.is_woken {
            self.books.refresh().await?;
            // Not before: what a failure leaves unread is read on the next turn.
            self.is_woken = false;
        }
        self.take_in_rereads().await?;
        self.take_in_verdicts();
        self.take_in_hints();
        self.ask_for_list();
        self.settle_doubts().await?;
        self.assess_storm();
        self.plan_groups().await?;
        self.answer_question().await?;
        self.take_in_rereads().await?;
        self.dispatch_all().await
    }

    /// Answers to what was sent are worth a moment: recorded now, they need no look-up later.
    async fn wind_up(&mut self) {
        let deadline = self.monotonic() + STOP_PATIENCE;
        while !self.answers.is_empty() && self.monotonic() < deadline {
            match self.wait_for_answer_until(deadline).await {
                Some(answer) => self.take(answer).await,
                None => return,
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.ports.clock.monotonic()
    }

    /// A moment of wall time on the monotonic clock, not before now.
    fn when(&self, at: Timestamp) -> Duration {
        self.monotonic() + at.since(self.now())
    }

    /// From 0 to 1.
    fn jitter(&self) -> f64 {
        (self.ports.entropy.draw() >> 64) as u64 as f64 / u64::MAX as f64
    }

    fn note_store_trouble(&mut self, error: &StoreError) {
        tracing::warn!(account = %self.account, %error, "the store does not answer");
        self.store_trouble = Some(Trouble { at: self.now(), what: error.to_string() });
    }

    /// Records a request before it is sent. If somebody else was first, or it is not wanted any more, its
    /// token is given back, the group is looked at again, and nothing is to be sent.
    async fn is_announced(
        &mut self,
        group: GroupId,
        announce: impl Fn(&mut Edit<'_>) -> Result<(), InvalidEdge> + Send + Sync,
    ) -> Result<bool, StoreError> {
        let result = self.books.record_once(group, self.now(), announce).await;
        let is_announced = self.only_store(group, result)? == Some(Recorded::Changed);
        if !is_announced {
            self.pace.give_back();
            self.mark_dirty(group);
        }
        Ok(is_announced)
    }

    /// Sorts what went wrong with one group from what went wrong with the store as a whole.
    fn only_store<T>(&mut self, group: GroupId, result: Result<T, LedgerError>) -> Result<Option<T>, StoreError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(
                LedgerError::Store(StoreError::Corrupt { reason }) | LedgerError::Store(StoreError::Invalid { reason }),
            ) => {
                self.set_aside(group, reason);
                Ok(None)
            }
            Err(LedgerError::Store(error)) => Err(error),
            Err(LedgerError::Edge(edge)) => {
                self.set_aside(group, edge.to_string());
                Ok(None)
            }
            Err(LedgerError::Overtaken(_) | LedgerError::UnknownGroup(_)) => {
                self.mark_dirty(group);
                Ok(None)
            }
        }
    }
}
