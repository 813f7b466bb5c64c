//! tsg's own client against the data centre: what the port changes in a machine, over HTTP.

use std::time::Duration;

use tsg_cloudapi::client::{Client as ApiClient, ClientOptions};
use tsg_cloudapi::cloud::ClientCloud;
use tsg_cloudapi::signature::{KeyId, LocalSigner, PrivateKey};
use tsg_core::model::guest;
use tsg_core::model::id::{InstanceId, PackageId};
use tsg_core::model::instance::{Brand, InstanceState, ObservedInstance};
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{
    Addressing, CloudError, ErrorKind, FirewallState, InstanceUpdate, Labelling, ListFilter, ListPage, Noted,
    Tombstones,
};
use tsg_sim::world::{Fault, FaultRule, Machine, MachineId, Operation, parse_canonical};

use crate::client::Client;
use crate::support::keys::ring;
use crate::support::site::{FAST, Site, quick};

/// How long a test waits for something that takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

fn first_page(labelling: Labelling) -> ListPage {
    let addressing = Addressing::EveryNetwork;
    ListPage { filter: ListFilter::All, tombstones: Tombstones::Hidden, labelling, addressing, offset: 0, limit: 10 }
}

/// A data centre, tsg's client to it, and a running machine.
struct Bench {
    site: Site,
    cloud: ClientCloud,
    raw: Client,
    id: InstanceId,
}

async fn bench() -> Bench {
    let site = Site::at_speed(FAST, quick()).await;
    let key = PrivateKey::from_text(&std::fs::read(&ring().ed25519.private).unwrap(), None).unwrap();
    let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap();
    let url = format!("http://{}", site.server.cloudapi());
    let cloud = ClientCloud::new(&ApiClient::new(ClientOptions::new(&url, "demo", signer.into())).unwrap());
    let raw = Client::demo(&site);
    let id = InstanceId::new(parse_canonical(&raw.running("web").await).unwrap());
    Bench { site, cloud, raw, id }
}

impl Bench {
    async fn get(&self) -> ObservedInstance {
        self.cloud.get(self.id).await.unwrap()
    }

    fn truth(&self) -> Machine {
        let id = MachineId(self.id.uuid());
        self.site.server.with_world(|world| world.true_machine(id).cloned()).unwrap()
    }

    /// Waits until the machine is truly as wanted.
    async fn until(&self, is_wanted: impl Fn(&Machine) -> bool) {
        let wait = async {
            while !is_wanted(&self.truth()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("it stays {:?}", self.truth()));
    }

    /// Waits until all jobs so far are through: until the newest one is in the audit.
    async fn until_done(&self, action: &str, count: usize) {
        let path = format!("/my/machines/{}/audit", self.id);
        let of_action = |records: &serde_json::Value| {
            records.as_array().unwrap().iter().filter(|record| record["action"] == action).count()
        };
        self.raw.until(&path, |answer| of_action(&answer.json()) == count).await;
    }

    async fn package(&self, name: &str) -> PackageId {
        let found = self.raw.get(&format!("/my/packages/{name}")).await.expect(200).json();
        PackageId::new(parse_canonical(found["id"].as_str().unwrap()).unwrap())
    }

    async fn inject(&self, rule: FaultRule) {
        self.site.server.admin().inject(&rule).await.unwrap();
    }
}

#[tokio::test]
async fn a_machine_is_stopped_started_restarted_and_resized() {
    let bench = bench().await;
    bench.cloud.stop(bench.id).await.unwrap();
    bench.until_done("stop", 1).await;
    assert_eq!(bench.get().await.state, InstanceState::Stopped);
    bench.cloud.stop(bench.id).await.expect("repeatable");
    bench.cloud.start(bench.id).await.unwrap();
    bench.until_done("start", 1).await;
    bench.cloud.restart(bench.id).await.unwrap();
    bench.until_done("reboot", 1).await;
    assert_eq!(bench.get().await.state, InstanceState::Running);

    let large = bench.package("sample-2G").await;
    let mark = bench.cloud.package(large).await.unwrap().mark;
    assert_ne!(bench.get().await.package, mark);
    bench.cloud.resize(bench.id, large).await.unwrap();
    bench.until_done("resize", 1).await;
    assert_eq!((bench.get().await.package, bench.get().await.brand), (mark, Brand::Zone));
    assert_eq!(bench.truth().memory_mib, 2_048);
}

#[tokio::test]
async fn an_update_takes_as_many_goes_as_it_needs_and_loses_nothing() {
    let bench = bench().await;
    bench.raw.post(&format!("/my/machines/{}/tags", bench.id), &serde_json::json!({"own": 1, "old": "x"})).await;
    bench.until_done("set_tags", 1).await;
    let change = InstanceUpdate {
        tags: [("tsgver".to_owned(), "v2".into())].into(),
        removed_tags: vec!["old".into(), "never".into()],
        metadata: [("k".to_owned(), "v".to_owned())].into(),
        firewall: Some(FirewallState::Enabled),
        ..InstanceUpdate::default()
    };
    assert_eq!(bench.cloud.update(bench.id, &change).await, Ok(Noted::Part));
    bench.until(|machine| !machine.tags.contains_key("old")).await;
    assert_eq!(bench.cloud.update(bench.id, &change).await, Ok(Noted::Whole));
    bench.until(|machine| machine.tags.contains_key("tsgver")).await;
    let machine = bench.truth();
    assert_eq!(machine.tags.keys().collect::<Vec<_>>(), ["own", "tsgver"]);
    assert!(machine.firewall_enabled && machine.metadata.contains_key("k"));
    assert!(machine.metadata.contains_key("root_authorized_keys"));
}

#[tokio::test]
async fn a_drain_arrives_and_lists_show_what_the_guest_answers() {
    let bench = bench().await;
    assert_eq!(bench.cloud.update(bench.id, &InstanceUpdate::drain("update")).await, Ok(Noted::Whole));
    bench.until(|machine| machine.metadata.contains_key(guest::DRAIN)).await;
    assert_eq!(bench.truth().metadata[guest::CNS_STATUS].as_text(), Some("down"));
    let machine = MachineId(bench.id.uuid());
    for (key, value) in [(guest::DRAINED, "true"), (guest::BUSY, "false"), (guest::SCALE_IN_COST, "40")] {
        bench.site.server.with_world(|world| world.put_guest_metadatum(machine, key, value));
    }
    let listed = bench.cloud.list(&first_page(Labelling::Bare)).await.unwrap().instances;
    assert_eq!(listed, [bench.get().await], "lists show metadata too");
    let said = listed[0].guest;
    assert_eq!((said.has_drained, said.busy, said.scale_in_cost), (true, Some(false), Some(40)));
    assert_eq!(bench.cloud.update(bench.id, &InstanceUpdate::undrain()).await, Ok(Noted::Whole));
    bench.until_done("set_metadata", 2).await;
    assert!(!bench.get().await.guest.has_drained);
}

#[tokio::test]
async fn faults_meet_the_new_requests_as_they_meet_all_others() {
    let bench = bench().await;
    let kind = |outcome: Result<(), CloudError>| outcome.map_err(|error| error.kind);
    bench.inject(FaultRule::times(Fault::LoseReply, 1).only(Operation::ActOnMachine)).await;
    assert_eq!(kind(bench.cloud.stop(bench.id).await), Err(ErrorKind::Unavailable));
    bench.until_done("stop", 1).await;
    assert_eq!(bench.get().await.state, InstanceState::Stopped, "the answer was lost, not the request");
    bench.inject(FaultRule::times(Fault::InternalError, 1).only(Operation::WriteMetadata)).await;
    let drain = InstanceUpdate::drain("update");
    assert_eq!(kind(bench.cloud.update(bench.id, &drain).await.map(drop)), Err(ErrorKind::Unavailable));
    assert!(!bench.truth().metadata.contains_key(guest::DRAIN));
    bench.inject(FaultRule::times(Fault::FailAction, 1)).await;
    bench.cloud.start(bench.id).await.expect("accepted");
    bench.until_done("start", 1).await;
    assert_eq!(bench.get().await.state, InstanceState::Stopped, "and then it failed");
    let nobody = InstanceId::new(uuid::Uuid::from_u128(9));
    let change = InstanceUpdate { removed_metadata: vec!["k".into()], ..InstanceUpdate::default() };
    assert_eq!(kind(bench.cloud.restart(nobody).await), Err(ErrorKind::NotFound));
    assert_eq!(kind(bench.cloud.update(nobody, &change).await.map(drop)), Err(ErrorKind::NotFound));
    bench.cloud.delete(bench.id).await.unwrap();
    bench.raw.until(&format!("/my/machines/{}", bench.id), |answer| answer.status == 410).await;
    assert_eq!(kind(bench.cloud.stop(bench.id).await), Err(ErrorKind::NotFound));
    assert_eq!(kind(bench.cloud.update(bench.id, &change).await.map(drop)), Err(ErrorKind::NotFound));
}
