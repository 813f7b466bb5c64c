//! A data centre with two accounts, and a server for it.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tsg_core::ports::Executor;
use tsg_server::config::{ServerConfig, StoreLocation};
use tsg_server::{RunningServer, Server};
use tsg_sim::demo::{Residents, furnished};
use tsg_sim::http::{ServerConfig as SimConfig, SimServer, Speed};
use tsg_sim::world::{SimTime, Timing, WorldSpec};

use super::client::{Answer, Asking, Form};
use super::person::Person;
use super::verifier::CloudApiVerifier;

pub struct Site {
    pub sim: SimServer,
    pub server: RunningServer,
    pub demo: Person,
    pub other: Person,
    pub folder: TempDir,
}

/// Every test gives up after this long.
pub const DEADLINE: Duration = Duration::from_secs(60);

impl Site {
    /// With both accounts enrolled.
    pub async fn enrolled() -> Self {
        let site = Self::start(|_| {}).await;
        site.enrol(&site.demo).await;
        site.enrol(&site.other).await;
        site
    }

    /// With nobody enrolled, and settings changed.
    pub async fn start(change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::with_people(Person::new("demo"), Person::new("other"), change).await
    }

    /// With nobody enrolled, and a data centre that has other settings.
    pub async fn at_cloud(sim: impl FnOnce(&mut SimConfig), change: impl FnOnce(&mut ServerConfig)) -> Self {
        let (demo, other) = (Person::new("demo"), Person::new("other"));
        let sim = data_centre(&demo, &other, sim).await;
        Self::beside(sim, demo, other, change).await
    }

    /// With nobody enrolled, and somebody who runs programs in instances.
    pub async fn with_executor(executor: Arc<dyn Executor>) -> Self {
        let (demo, other) = (Person::new("demo"), Person::new("other"));
        let sim = data_centre(&demo, &other, |_| {}).await;
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start_with_executor(config(&sim.url(), folder.path()), executor).await.unwrap();
        Self { sim, server, demo, other, folder }
    }

    pub async fn with_people(demo: Person, other: Person, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let sim = data_centre(&demo, &other, |_| {}).await;
        Self::beside(sim, demo, other, change).await
    }

    async fn beside(sim: SimServer, demo: Person, other: Person, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&sim.url(), folder.path());
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        Self { sim, server, demo, other, folder }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub fn ask(&self, method: &str, path: &str) -> Asking {
        Asking::new(method, &self.url(), path)
    }

    /// A v1 request as old clients sign it.
    pub async fn v1(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask(method, path).body(body).signed(&self.demo, Form::DateOnly).send().await
    }

    /// A v2 request.
    pub async fn v2(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask(method, path).body(body).unique().signed(&self.demo, Form::Target).send().await
    }

    /// Runs an enrolment as the command line does.
    pub async fn enrol(&self, person: &Person) -> Answer {
        let begun = self.begin(&person.login).await;
        assert_eq!(begun.status, 201, "{begun:?}");
        self.upload(person, &begun).await;
        self.complete(person, &begun).await
    }

    pub async fn begin(&self, login: &str) -> Answer {
        let body = serde_json::json!({ "login": login }).to_string();
        self.ask("POST", "/v2/account/enrollments").body(body).send().await
    }

    /// The owner's own signed request to CloudAPI.
    pub async fn upload(&self, person: &Person, begun: &Answer) {
        let begun = begun.json();
        let body = serde_json::json!({ "name": begun["key_name"], "key": begun["public_key"] }).to_string();
        let path = format!("/{}/keys", person.login);
        let answer = Asking::new("POST", &self.sim.url(), &path)
            .body(body)
            .header("content-type", "application/json")
            .signed(person, Form::Target)
            .send()
            .await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    pub async fn complete(&self, person: &Person, begun: &Answer) -> Answer {
        let path = format!("/v2/account/enrollments/{}/complete", begun.json()["id"].as_str().unwrap());
        self.ask("POST", &path).unique().signed(person, Form::Target).send().await
    }

    /// Makes a template over v1 and returns its id.
    pub async fn template(&self, name: &str) -> String {
        let answer = self.v1("POST", "/v1/tsg/templates", &self.template_body(name)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// A template that the data centre can make instances from.
    pub fn template_body(&self, name: &str) -> String {
        let (package, image) = self.package_and_image();
        serde_json::json!({ "template_name": name, "package": package, "image_id": image, "tags": {"owner": "user"} })
            .to_string()
    }

    pub fn package_and_image(&self) -> (String, String) {
        self.sim.with_world(|world| {
            let account = world.find_account("demo").unwrap().id;
            let none = std::collections::BTreeMap::new();
            let package = serde_json::to_value(world.packages(&none)[0]).unwrap();
            let image = serde_json::to_value(world.images(account, &none)[0]).unwrap();
            let id = |value: &serde_json::Value| value["id"].as_str().unwrap().to_owned();
            (id(&package), id(&image))
        })
    }

    /// Makes a group over v1 and returns its id.
    pub async fn group(&self, name: &str, template: &str, capacity: u32) -> String {
        let body = serde_json::json!({ "group_name": name, "template_id": template, "capacity": capacity });
        let answer = self.v1("POST", "/v1/tsg/groups", &body.to_string()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn end(self) {
        self.server.shutdown().await;
        self.sim.shutdown().await;
    }
}

pub fn config(url: &str, folder: &Path) -> ServerConfig {
    let mut config = ServerConfig::for_cloud(url, folder);
    config.http.port = 0;
    config.store = StoreLocation::Memory;
    config.auth.allow = ["demo", "other"].map(str::to_owned).into();
    config.engine.simulated_datacenter = true;
    let engine = &mut config.engine.config;
    engine.list_interval_min = Duration::from_millis(50);
    engine.list_interval_max = Duration::from_millis(500);
    engine.requests_per_second = 500.0;
    engine.burst = 500;
    config
}

async fn data_centre(demo: &Person, other: &Person, change: impl FnOnce(&mut SimConfig)) -> SimServer {
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
    let spec = WorldSpec { timing: Timing::brisk(), start: SimTime::from_ms(now), ..WorldSpec::default() };
    let residents =
        Residents { keys: vec![demo.public_key()], sub_user_keys: Vec::new(), other_keys: vec![other.public_key()] };
    let world = furnished(spec, residents).unwrap();
    let mut config = SimConfig::on_loopback(Arc::new(CloudApiVerifier)).at_speed(Speed::new(100.0).unwrap());
    change(&mut config);
    SimServer::start(world, config).await.unwrap()
}

/// Often enough for a test, and seldom enough to leave the engine the processor.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Asks until the answer is as wanted.
pub async fn eventually<T: Debug>(mut ask: impl AsyncFnMut() -> T, is_wanted: impl Fn(&T) -> bool) -> T {
    let began = Instant::now();
    loop {
        let answer = ask().await;
        if is_wanted(&answer) {
            return answer;
        }
        assert!(began.elapsed() < DEADLINE, "gave up; the last answer was {answer:?}");
        tokio::time::sleep(ASK_AGAIN_AFTER).await;
    }
}
