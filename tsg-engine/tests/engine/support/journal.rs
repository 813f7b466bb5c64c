//! The journal: everything that passes between engines, store and cloud, in the one order in
//! which it happened, with the true time. The oracle reads it; engines never see it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use tsg_core::model::audit::RequestKind;
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::id::{InstanceId, PackageId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{
    AccountProfile, CloudCode, CloudError, CreateInstance, ErrorKind, InstancePage, InstanceUpdate, Labelling,
    ListFilter, ListPage, Noted, PackageProfile, Reach,
};
use tsg_core::ports::store::Commit;
use tsg_sim::virtual_time::VirtualTime;

/// Which engine did it, counted from 1; users' intents have none.
pub type Author = Option<u64>;

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Note {
    /// True time since the start.
    pub at: Duration,
    pub by: Author,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    /// The store took it, whatever it answered.
    Committed(Commit),
    /// A request that changes something left an engine.
    Left(Departure),
    /// A create was answered.
    CreateAnswered { departure: Departure, refusal: Option<CloudError> },
    /// A complete list was answered.
    Listed(Vec<ObservedInstance>),
    /// A single reply or a look-up showed a machine.
    Shown(ObservedInstance),
    /// CloudAPI's own 404 to a get.
    NotFound(InstanceId),
    /// A reply said whether the credentials are accepted.
    Accepted(bool),
}

/// A request that changes something, on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    pub kind: RequestKind,
    pub payload: Fingerprint,
    /// Of a create.
    pub signed_at: Option<Timestamp>,
}

/// Shared by the store and the clouds of all engines.
#[derive(Clone)]
pub struct Journal {
    time: VirtualTime,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    notes: Vec<Note>,
    is_denied: bool,
    labelled_pages: u32,
    hides_labels: bool,
}

impl Journal {
    pub fn new(time: &VirtualTime) -> Self {
        Self { time: time.clone(), state: Arc::default() }
    }

    pub fn note(&self, by: Author, what: What) {
        let at = self.time.elapsed();
        self.state.lock().unwrap().notes.push(Note { at, by, what });
    }

    /// What happened since the first `known` notes, in order.
    pub fn after(&self, known: usize) -> Vec<Note> {
        self.state.lock().unwrap().notes[known..].to_vec()
    }

    /// From now on the credentials are refused, or accepted again.
    pub fn deny(&self, is_denied: bool) {
        self.state.lock().unwrap().is_denied = is_denied;
    }

    /// Pages of complete lists that were asked for with names and tags.
    pub fn labelled_pages(&self) -> u32 {
        self.state.lock().unwrap().labelled_pages
    }

    /// From now on lists show no names and tags, whoever asks for them.
    pub fn hide_labels(&self) {
        self.state.lock().unwrap().hides_labels = true;
    }

    fn is_denied(&self) -> bool {
        self.state.lock().unwrap().is_denied
    }
}

/// The cloud of one engine with a witness.
pub struct WitnessedCloud {
    pub inner: Arc<dyn Cloud>,
    pub journal: Journal,
    pub engine: u64,
}

impl WitnessedCloud {
    fn note(&self, what: What) {
        self.journal.note(Some(self.engine), what);
    }

    fn check_credentials(&self) -> Result<(), CloudError> {
        if !self.journal.is_denied() {
            return Ok(());
        }
        self.note(What::Accepted(false));
        Err(CloudError {
            kind: ErrorKind::Denied,
            code: CloudCode::InvalidCredentials,
            reach: Reach::Answered,
            status: Some(401),
            message: "the key was taken away".to_owned(),
            request_id: None,
            retry_after: None,
        })
    }

    fn depart(&self, kind: RequestKind, payload: Fingerprint, signed_at: Option<Timestamp>) -> Departure {
        let departure = Departure { kind, payload, signed_at };
        self.note(What::Left(departure));
        departure
    }

    fn heard<T>(&self, reply: &Result<T, CloudError>) {
        if reply.is_ok() {
            self.note(What::Accepted(true));
        }
    }
}

#[async_trait]
impl Cloud for WitnessedCloud {
    async fn list(&self, page: &ListPage) -> Result<InstancePage, CloudError> {
        if page.labelling == Labelling::Labelled {
            self.journal.state.lock().unwrap().labelled_pages += 1;
        }
        self.check_credentials()?;
        let mut reply = self.inner.list(page).await;
        if let Ok(read) = &mut reply
            && self.journal.state.lock().unwrap().hides_labels
        {
            read.labels = None;
        }
        self.heard(&reply);
        if let Ok(read) = &reply {
            let is_complete = page.offset == 0 && read.instances.len() < page.limit as usize;
            match page.filter {
                ListFilter::All if is_complete => self.note(What::Listed(read.instances.clone())),
                _ => read.instances.iter().for_each(|seen| self.note(What::Shown(*seen))),
            }
        }
        reply
    }

    async fn get(&self, instance: InstanceId) -> Result<ObservedInstance, CloudError> {
        self.check_credentials()?;
        let reply = self.inner.get(instance).await;
        self.heard(&reply);
        match &reply {
            Ok(seen) => self.note(What::Shown(*seen)),
            Err(error) if error.status == Some(404) && error.kind == ErrorKind::NotFound => {
                self.note(What::NotFound(instance));
            }
            Err(_) => {}
        }
        reply
    }

    async fn create(&self, request: &CreateInstance) -> Result<ObservedInstance, CloudError> {
        let departure = self.depart(RequestKind::Create, request.fingerprint(), Some(request.signed_at));
        let reply = match self.check_credentials() {
            Ok(()) => self.inner.create(request).await,
            Err(error) => Err(error),
        };
        self.heard(&reply);
        if let Ok(seen) = &reply {
            self.note(What::Shown(*seen));
        }
        self.note(What::CreateAnswered { departure, refusal: reply.as_ref().err().cloned() });
        reply
    }

    async fn delete(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.depart(RequestKind::Delete, Fingerprint::of(&instance), None);
        self.check_credentials()?;
        let reply = self.inner.delete(instance).await;
        self.heard(&reply);
        reply
    }

    async fn start(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.depart(RequestKind::Start, Fingerprint::of(&instance), None);
        self.check_credentials()?;
        let reply = self.inner.start(instance).await;
        self.heard(&reply);
        reply
    }

    async fn stop(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.depart(RequestKind::Stop, Fingerprint::of(&instance), None);
        self.check_credentials()?;
        let reply = self.inner.stop(instance).await;
        self.heard(&reply);
        reply
    }

    async fn restart(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.depart(RequestKind::Restart, Fingerprint::of(&instance), None);
        self.check_credentials()?;
        let reply = self.inner.restart(instance).await;
        self.heard(&reply);
        reply
    }

    async fn resize(&self, instance: InstanceId, package: PackageId) -> Result<(), CloudError> {
        self.depart(RequestKind::Resize, Fingerprint::of(&(instance, package)), None);
        self.check_credentials()?;
        let reply = self.inner.resize(instance, package).await;
        self.heard(&reply);
        reply
    }

    async fn update(&self, instance: InstanceId, change: &InstanceUpdate) -> Result<Noted, CloudError> {
        self.depart(RequestKind::Update, change.fingerprint(instance), None);
        self.check_credentials()?;
        let reply = self.inner.update(instance, change).await;
        self.heard(&reply);
        reply
    }

    async fn package(&self, package: PackageId) -> Result<PackageProfile, CloudError> {
        self.check_credentials()?;
        let reply = self.inner.package(package).await;
        self.heard(&reply);
        reply
    }

    async fn account(&self) -> Result<AccountProfile, CloudError> {
        self.check_credentials()?;
        let reply = self.inner.account().await;
        self.heard(&reply);
        reply
    }
}
