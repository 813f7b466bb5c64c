//! Names and tags in lists: the simulator's port and tsg's own client show the same.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tsg_cloudapi::client::{Client as ApiClient, ClientOptions};
use tsg_cloudapi::cloud::ClientCloud;
use tsg_cloudapi::signature::{KeyId, LocalSigner, PrivateKey};
use tsg_core::model::id::{DeploymentId, GroupId, ImageId, InstanceId, OperationId, PackageId, TemplateId};
use tsg_core::model::instance::InstanceState;
use tsg_core::model::tag::{Claim, TagValue, Tags};
use tsg_core::model::template::TemplateSpec;
use tsg_core::ports::Cloud;
use tsg_core::ports::cloud::{
    Addressing, CreateInstance, InstancePage, InstanceUpdate, Labelling, ListFilter, ListPage, Tombstones,
};
use tsg_sim::cloud::SimCloud;
use tsg_sim::executor::Executor;
use tsg_sim::virtual_time::VirtualTime;
use tsg_sim::world::{World, WorldSpec};
use uuid::Uuid;

use crate::support::keys::ring;
use crate::support::site::{FAST, Site, quick, world};

/// How long, in real time, a test waits for something that takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same in virtual time.
const VIRTUAL_PATIENCE: Duration = Duration::from_secs(600);

/// What machines are made from.
#[derive(Clone, Copy)]
struct Stock {
    package: PackageId,
    image: ImageId,
}

impl Stock {
    fn of(world: &World) -> Self {
        Self {
            package: PackageId::new(world.package("sample-1G").unwrap().id.0),
            image: ImageId::new(world.newest_image("base-64-lts").unwrap().id.0),
        }
    }
}

/// Nobody is told to wait: lists are asked for again and again here.
fn spec() -> WorldSpec {
    WorldSpec { throttle: None, ..quick() }
}

async fn list(cloud: &dyn Cloud, labelling: Labelling) -> InstancePage {
    let tombstones = Tombstones::Hidden;
    cloud
        .list(&ListPage {
            filter: ListFilter::All,
            tombstones,
            labelling,
            addressing: Addressing::Primary,
            offset: 0,
            limit: 10,
        })
        .await
        .unwrap()
}

async fn make(cloud: &dyn Cloud, stock: Stock, name: &str, tags: Tags, claim_tags: Tags) -> InstanceId {
    let signed_at = list(cloud, Labelling::Bare).await.server_time.unwrap();
    let template = TemplateSpec {
        name: "plain".parse().unwrap(),
        package: stock.package,
        image: stock.image,
        networks: Vec::new(),
        firewall_enabled: false,
        userdata: String::new(),
        metadata: BTreeMap::new(),
        tags,
        placement: tsg_core::placement::rule::PlacementSpec::default(),
    };
    let request = CreateInstance { name: name.into(), template, claim_tags, affinity: Vec::new(), signed_at };
    cloud.create(&request).await.unwrap().id
}

/// Each machine's name and tags, by name.
type Shown = Vec<(String, Vec<(String, String)>)>;

fn shown(page: &InstancePage) -> Shown {
    let labels = page.labels.as_ref().unwrap();
    let ids = page.instances.iter().map(|instance| instance.id);
    assert!(labels.machines().map(|machine| machine.id()).eq(ids), "in the order of the machines");
    let texts = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let mut shown: Shown =
        labels.machines().map(|machine| (machine.name().to_owned(), machine.tags().map(texts).collect())).collect();
    shown.sort();
    shown
}

fn tags_of_every_type() -> Tags {
    let number = TagValue::Number;
    let tags: [(&str, TagValue); 12] = [
        ("Upper-key_1.x", "UPPER lower".into()),
        ("docker:label:role", "labelled".into()),
        ("empty", "".into()),
        ("escaped", "a \"quoted\" \\ back/slash,\n\ttab = and @".into()),
        ("flag", TagValue::Bool(true)),
        ("fraction", number(-2.50)),
        ("huge", number(1e21)),
        ("looks.like.a.flag", "true".into()),
        ("looks.like.a.number", "1.0".into()),
        ("star", "db*".into()),
        ("unicode", "Zürich \u{1f980} \u{202e}z".into()),
        ("whole", number(12.0)),
    ];
    tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn claim_tags() -> Tags {
    let claim = Claim {
        manager: DeploymentId::from_bits(1),
        group: GroupId::new(Uuid::from_u128(1)),
        operation: OperationId::from_bits(7),
        revision: 1,
        sequence: 1,
    };
    claim.tags(&"web".parse().unwrap(), TemplateId::new(Uuid::from_u128(2)))
}

/// Makes a machine of tsg's with tags of every type and a plain one, changes both once they run,
/// and says what lists show then.
async fn what_is_shown(cloud: Arc<dyn Cloud>, stock: Stock) -> Shown {
    let cloud = &*cloud;
    let one = make(cloud, stock, "silent_bob.1", tags_of_every_type(), claim_tags()).await;
    let other = make(cloud, stock, "Other-2", Tags::new(), Tags::new()).await;
    while list(cloud, Labelling::Bare).await.instances.iter().any(|seen| seen.state != InstanceState::Running) {}
    for id in [one, other] {
        let tags = [("later".to_owned(), TagValue::Bool(false))].into();
        cloud.update(id, &InstanceUpdate { tags, ..InstanceUpdate::default() }).await.unwrap();
    }
    loop {
        assert_eq!(list(cloud, Labelling::Bare).await.labels, None, "nobody asked");
        let page = list(cloud, Labelling::Labelled).await;
        if page.labels.as_ref().unwrap().machines().all(|machine| machine.tag("later").is_some()) {
            return shown(&page);
        }
    }
}

/// Tags in the order of their keys, as text; those that tell one machine of a group from another
/// are not among them.
fn expected() -> Shown {
    let own = [
        ("Upper-key_1.x", "UPPER lower"),
        ("docker:label:role", "labelled"),
        ("empty", ""),
        ("escaped", "a \"quoted\" \\ back/slash,\n\ttab = and @"),
        ("flag", "true"),
        ("fraction", "-2.5"),
        ("huge", "1e+21"),
        ("later", "false"),
        ("looks.like.a.flag", "true"),
        ("looks.like.a.number", "1.0"),
        ("star", "db*"),
        ("tsg.name", "web"),
        ("tsg.template", "00000000-0000-0000-0000-000000000002"),
        ("tsggroup", "g00000000000000000000000000000001"),
        ("unicode", "Zürich \u{1f980} \u{202e}z"),
        ("whole", "12"),
    ];
    let texts = |tags: &[(&str, &str)]| tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    vec![("Other-2".into(), texts(&[("later", "false")])), ("silent_bob.1".into(), texts(&own))]
}

#[tokio::test]
async fn the_client_shows_what_machines_carry() {
    let site = Site::at_speed(FAST, spec()).await;
    let key = PrivateKey::from_text(&std::fs::read(&ring().ed25519.private).unwrap(), None).unwrap();
    let signer = LocalSigner::new(KeyId::for_account("demo", key.public_key()), &key).unwrap();
    let url = format!("http://{}", site.server.cloudapi());
    let client = ApiClient::new(ClientOptions::new(&url, "demo", signer.into())).unwrap();
    let stock = site.server.with_world(|world| Stock::of(world));
    let seen = tokio::time::timeout(PATIENCE, what_is_shown(Arc::new(ClientCloud::new(&client)), stock)).await;
    assert_eq!(seen.expect("in time"), expected());
}

#[test]
fn the_simulators_port_shows_the_same() {
    let world = world(spec());
    let (time, stock) = (VirtualTime::starting_at(world.now()), Stock::of(&world));
    let account = world.find_account("demo").unwrap().id;
    let cloud = SimCloud::new(Arc::new(Mutex::new(world)), account, time.clone());
    let seen = Rc::new(RefCell::new(None));
    let slot = Rc::clone(&seen);
    let mut executor = Executor::new(time);
    let task = executor.spawn(async move {
        let shown = what_is_shown(Arc::new(cloud), stock).await;
        *slot.borrow_mut() = Some(shown);
    });
    executor.run_until(VIRTUAL_PATIENCE, |executor| executor.is_over(task));
    assert_eq!(seen.take().expect("in time"), expected());
}
