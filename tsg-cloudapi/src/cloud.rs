//! The `Cloud` port over CloudAPI: the only place where wire types become core types.
//!
//! Each call is exactly one request, sent at once: pacing, repeating and judging are the
//! engine's. Nothing here decides anything.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp as WallTime;
use tsg_core::{
    model::{
        id::{AccountId, ComputeNodeId, ImageId, InstanceId, NetworkId, PackageId},
        instance::{InstanceState, ObservedInstance, PackageMark},
        labels::LabelPage,
        name::operation_of,
        nic::Nic,
        tag::{self, Claim, TagValue, Tags},
        time::Timestamp,
    },
    ports::cloud::{
        AccountProfile, Addressing, Cloud, CloudCode, CloudError, CreateInstance, ErrorKind, FirewallState,
        InstancePage, InstanceUpdate, Labelling, ListFilter, ListPage, Noted, PackageProfile, Tombstones,
    },
    protocol::update::{StepReply, UpdateRun, UpdateStep, is_label_missing},
};

use crate::{
    client::{ApiCode, Client, ClientError, FoundMachine, MachineAction, MachineQuery, NameMatch, TombstoneMachines},
    signature::HttpDate,
    wire::{
        CreateMachine, LabelValue, Labels, Machine, MachineState,
        lean::{FoundNic, FoundTag, MachineFacts, ScanError, scan_labelled_page, scan_page, scan_whole_page},
    },
};

/// The metadata key under which guests look for their start-up script or configuration.
const USER_DATA: &str = "user-data";

/// [`Cloud`] over a [`Client`].
///
/// ```
/// use std::sync::Arc;
/// use tsg_cloudapi::client::{Client, ClientOptions};
/// use tsg_cloudapi::cloud::ClientCloud;
/// use tsg_cloudapi::signature::{KeyId, LocalSigner, NewKeyKind, PrivateKey};
/// use tsg_core::ports::Cloud;
/// let key = PrivateKey::generate(NewKeyKind::Ed25519, "example")?;
/// let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key)?;
/// let client = Client::new(ClientOptions::new("http://127.0.0.1:8080", "demo", signer.into()))?;
/// let cloud: Arc<dyn Cloud> = Arc::new(ClientCloud::new(&client));
/// # let _ = cloud;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientCloud {
    client: Client,
}

impl ClientCloud {
    /// Uses the client's connections, without its pacing and repeating.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { client: client.direct() }
    }

    /// Never a PUT: it would replace tsg's own labels and other people's.
    async fn send(&self, instance: InstanceId, step: UpdateStep<'_>) -> Result<(), ClientError> {
        let (client, id) = (&self.client, instance.uuid());
        match step {
            UpdateStep::Firewall(FirewallState::Enabled) => client.act(id, &MachineAction::EnableFirewall).await,
            UpdateStep::Firewall(FirewallState::Disabled) => client.act(id, &MachineAction::DisableFirewall).await,
            UpdateStep::RemoveMetadatum(key) => client.delete_metadata(id, key).await,
            UpdateStep::SetMetadata(metadata) => client.add_metadata(id, &texts(metadata)).await.map(drop),
            UpdateStep::RemoveTag(key) => client.delete_tag(id, key).await,
            UpdateStep::SetTags(tags) => client.add_tags(id, &labels(tags)).await.map(drop),
        }
    }
}

#[async_trait]
impl Cloud for ClientCloud {
    async fn list(&self, page: &ListPage) -> Result<InstancePage, CloudError> {
        let query = query_of(page);
        let reply = self.client.machines_reply(&query, page.offset, page.limit).await.map_err(explain)?;
        let read = read_page(&reply.body, page).map_err(|error| explain(reply.corrupt(&error.to_string())))?;
        Ok(InstancePage { server_time: reply.server_time().map(timestamp), ..read })
    }

    async fn get(&self, instance: InstanceId) -> Result<ObservedInstance, CloudError> {
        let found = self.client.machine(instance.uuid()).await.map_err(explain)?;
        let mut observed = observe_machine(found.machine());
        if matches!(found, FoundMachine::Deleted(_)) {
            observed.state = InstanceState::Deleted;
        }
        Ok(observed)
    }

    async fn create(&self, request: &CreateInstance) -> Result<ObservedInstance, CloudError> {
        let signed_at = WallTime::from_millisecond(request.signed_at.as_millis()).unwrap_or_default();
        let date = HttpDate::from_timestamp(signed_at);
        let machine = self.client.create_machine(&create_body(request), date).await;
        machine.map(|machine| observe_machine(&machine)).map_err(explain)
    }

    async fn delete(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.client.delete_machine(instance.uuid()).await.map(drop).map_err(explain)
    }

    async fn start(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.client.act(instance.uuid(), &MachineAction::Start).await.map_err(explain)
    }

    async fn stop(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.client.act(instance.uuid(), &MachineAction::Stop).await.map_err(explain)
    }

    async fn restart(&self, instance: InstanceId) -> Result<(), CloudError> {
        self.client.act(instance.uuid(), &MachineAction::Reboot).await.map_err(explain)
    }

    async fn resize(&self, instance: InstanceId, package: PackageId) -> Result<(), CloudError> {
        let action = MachineAction::Resize { package: package.uuid() };
        self.client.act(instance.uuid(), &action).await.map_err(explain)
    }

    async fn update(&self, instance: InstanceId, change: &InstanceUpdate) -> Result<Noted, CloudError> {
        let mut run = UpdateRun::new(change);
        while let Some(step) = run.step() {
            let reply = match self.send(instance, step).await.map_err(explain) {
                Ok(()) => StepReply::Noted,
                Err(error) if step.is_removal() && is_label_missing(&error, instance) => StepReply::NothingToDo,
                Err(error) => return Err(error),
            };
            run.advance(reply);
        }
        Ok(run.outcome())
    }

    async fn package(&self, package: PackageId) -> Result<PackageProfile, CloudError> {
        let found = self.client.package(package.uuid()).await.map_err(explain)?;
        Ok(PackageProfile {
            id: PackageId::new(found.id),
            mark: PackageMark::of_name(&found.name),
            memory_mib: found.memory,
            disk_mib: found.disk,
            has_flexible_disk: found.flexible_disk,
        })
    }

    async fn account(&self) -> Result<AccountProfile, CloudError> {
        let account = self.client.account().await.map_err(explain)?;
        Ok(AccountProfile {
            id: AccountId::from_directory(account.id),
            login: account.login,
            has_cns: account.triton_cns_enabled,
        })
    }
}

/// The machines of a reply, with their labels and NICs where they are wanted.
fn read_page(body: &[u8], asked: &ListPage) -> Result<InstancePage, ScanError> {
    let mut page = InstancePage {
        instances: Vec::with_capacity(asked.limit as usize),
        labels: (asked.labelling == Labelling::Labelled).then(LabelPage::new),
        nics: (asked.addressing == Addressing::EveryNetwork).then(Vec::new),
        server_time: None,
    };
    match (asked.labelling, asked.addressing) {
        (Labelling::Bare, Addressing::Primary) => scan_page(body, |machine| page.instances.push(observe(&machine))),
        (Labelling::Labelled, Addressing::Primary) => {
            scan_labelled_page(body, |machine, tags| take(&mut page, &machine, tags, &[]))
        }
        (_, Addressing::EveryNetwork) => {
            scan_whole_page(body, |machine, tags, nics| take(&mut page, &machine, tags, nics))
        }
    }?;
    Ok(page)
}

fn take(page: &mut InstancePage, machine: &MachineFacts<'_>, tags: &[FoundTag<'_>], found: &[FoundNic]) {
    let instance = InstanceId::new(machine.id);
    page.instances.push(observe(machine));
    if let Some(labels) = &mut page.labels {
        labels.push(instance, &machine.name, tags.iter().map(FoundTag::seen));
    }
    if let Some(nics) = &mut page.nics {
        let network = |nic: &FoundNic| NetworkId::new(nic.network);
        nics.extend(found.iter().map(|nic| Nic { instance, network: network(nic), address: nic.address }));
    }
}

fn query_of(page: &ListPage) -> MachineQuery {
    let query = match &page.filter {
        ListFilter::All => MachineQuery::all(),
        ListFilter::Operation(operation) => {
            MachineQuery::all().tagged(tag::OPERATION, &Claim::operation_value(*operation))
        }
        ListFilter::NamePrefix(prefix) => MachineQuery::all().named(NameMatch::Prefix(prefix.clone())),
    };
    query.tombstones(match page.tombstones {
        Tombstones::Hidden => TombstoneMachines::Hidden,
        Tombstones::Shown => TombstoneMachines::Shown,
    })
}

/// tsg's own tags win over the template's, which may not use their keys anyway.
fn create_body(request: &CreateInstance) -> CreateMachine {
    let template = &request.template;
    let mut tags = labels(&template.tags);
    tags.extend(labels(&request.claim_tags));
    let mut metadata = texts(&template.metadata);
    if !template.userdata.is_empty() {
        metadata.insert(USER_DATA.to_owned(), LabelValue::Text(template.userdata.clone()));
    }
    CreateMachine {
        name: request.name.clone(),
        image: template.image.uuid(),
        package: template.package.uuid(),
        networks: template.networks.iter().map(|network| network.uuid()).collect(),
        affinity: request.affinity.clone(),
        firewall_enabled: template.firewall_enabled,
        deletion_protection: false,
        tags,
        metadata,
    }
}

fn labels(tags: &Tags) -> Labels {
    let label = |value: &TagValue| match value {
        TagValue::Bool(value) => LabelValue::Bool(*value),
        TagValue::Number(value) => LabelValue::Number(*value),
        TagValue::Text(text) => LabelValue::Text(text.clone()),
    };
    tags.iter().map(|(key, value)| (key.clone(), label(value))).collect()
}

fn texts(metadata: &BTreeMap<String, String>) -> Labels {
    metadata.iter().map(|(key, text)| (key.clone(), LabelValue::Text(text.clone()))).collect()
}

/// The planner's record of a machine.
#[must_use]
pub fn observe(machine: &MachineFacts<'_>) -> ObservedInstance {
    ObservedInstance {
        id: InstanceId::new(machine.id),
        state: instance_state(machine.state),
        created_at: timestamp(machine.created),
        named: operation_of(&machine.name),
        claim: Claim::read(|key| machine.claim_tag(key)),
        compute_node: machine.compute_node.map(ComputeNodeId::new),
        image: ImageId::new(machine.image),
        package: PackageMark::of_name(&machine.package),
        brand: machine.brand,
        guest: machine.guest,
        address: machine.primary_ip,
        is_protected: machine.deletion_protection,
        is_delisted: machine.is_delisted,
        signs: machine.signs,
        services: machine.services,
    }
}

fn observe_machine(machine: &Machine) -> ObservedInstance {
    observe(&MachineFacts::of(machine))
}

fn instance_state(state: MachineState) -> InstanceState {
    match state {
        MachineState::Provisioning => InstanceState::Provisioning,
        MachineState::Ready => InstanceState::Ready,
        MachineState::Running => InstanceState::Running,
        MachineState::Stopping => InstanceState::Stopping,
        MachineState::Stopped => InstanceState::Stopped,
        MachineState::Offline => InstanceState::Offline,
        MachineState::Failed => InstanceState::Failed,
        MachineState::Deleted => InstanceState::Deleted,
        MachineState::Unknown => InstanceState::Unknown,
    }
}

fn timestamp(time: WallTime) -> Timestamp {
    Timestamp::from_millis(time.as_millisecond())
}

fn explain(error: ClientError) -> CloudError {
    CloudError {
        kind: error.kind(),
        code: cloud_code(&error),
        reach: error.reach(),
        status: error.status(),
        message: error.message().to_owned(),
        request_id: error.request_id().map(str::to_owned),
        retry_after: error.retry_after(),
    }
}

fn cloud_code(error: &ClientError) -> CloudCode {
    if error.is_duplicate_name() {
        return CloudCode::DuplicateName;
    }
    if error.is_clock_skew() {
        return CloudCode::ClockSkew;
    }
    if error.is_quota() {
        return CloudCode::QuotaExceeded;
    }
    match error.code() {
        ApiCode::InvalidCredentials => CloudCode::InvalidCredentials,
        ApiCode::NotAuthorized => CloudCode::NotAuthorized,
        ApiCode::MissingParameter => CloudCode::MissingParameter,
        ApiCode::InvalidArgument => CloudCode::InvalidArgument,
        ApiCode::ValidationFailed => CloudCode::ValidationFailed,
        ApiCode::NoAllocatableServers => CloudCode::NoAllocatableServers,
        ApiCode::UnallocatedVm => CloudCode::UnallocatedVm,
        ApiCode::CannotDestroyMachine => CloudCode::DeletionProtected,
        ApiCode::ResourceNotFound => CloudCode::ResourceNotFound,
        ApiCode::TooManyRequests => CloudCode::TooManyRequests,
        ApiCode::Maintenance => CloudCode::Maintenance,
        // CloudAPI and its proxy both throttle; the status says it without a code.
        _ if error.kind() == ErrorKind::Throttled => CloudCode::TooManyRequests,
        ApiCode::InvalidHeader
        | ApiCode::InvalidVersion
        | ApiCode::InvalidContent
        | ApiCode::RequestExpired
        | ApiCode::InvalidParameters
        | ApiCode::KeyRequired
        | ApiCode::InvalidNetworks
        | ApiCode::CloudApiError
        | ApiCode::InternalError
        | ApiCode::NotImplemented
        | ApiCode::Unlisted
        | ApiCode::Absent => CloudCode::Other,
    }
}
