//! The one prober of this process, and whose instances it asks.
//!
//! Owns the way of each finding to the account that it is about. Must never let one account's
//! findings reach another.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tsg_core::model::id::{AccountId, InstanceId};
use tsg_core::ports::Executor;

use super::commands::Runner;
use super::watch::{Errands, Watch};
use crate::accounts::registry::Enrolled;
use crate::app::Application;
use crate::probe::{Ability, Counts, Finding, Meter, Prober, ProberConfig, Report, StartError};

/// How often it is looked whom to ask.
const EVERY: Duration = Duration::from_secs(1);

/// The prober and whose instances it asks.
pub struct Station {
    config: ProberConfig,
    prober: Prober,
    reports: mpsc::Receiver<Report>,
    gauge: ProbeGauge,
    ability: Ability,
    /// Who looked after each account's instances last.
    watches: BTreeMap<AccountId, Arc<Watch>>,
    owners: Owners,
    /// Runs programs, where there is an executor.
    runner: Option<Runner>,
}

/// Reads what the prober counts, be it another one by then.
#[derive(Clone)]
pub struct ProbeGauge(Arc<Mutex<Meter>>);

impl ProbeGauge {
    fn on(prober: &Prober) -> Self {
        Self(Arc::new(Mutex::new(prober.meter())))
    }

    /// All numbers as they are now.
    pub fn read(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read()
    }

    fn turn_to(&self, prober: &Prober) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = prober.meter();
    }
}

/// What a station waits for.
enum Event {
    Report(Report),
    Tick,
    /// The prober is gone.
    Ended,
}

/// Whose instances are asked.
#[derive(Default)]
struct Owners(HashMap<InstanceId, AccountId>);

impl Station {
    /// Starts the prober.
    ///
    /// # Errors
    /// The prober's.
    pub fn start(config: ProberConfig, executor: Option<Arc<dyn Executor>>) -> Result<Self, StartError> {
        let (prober, reports) = Prober::start(config.clone())?;
        let runner = executor.map(Runner::new);
        Ok(Self { runner, ..Self::with(config, prober, reports) })
    }

    fn with(config: ProberConfig, prober: Prober, reports: mpsc::Receiver<Report>) -> Self {
        let (gauge, ability, watches) = (ProbeGauge::on(&prober), Ability::Able, BTreeMap::new());
        Self { config, prober, reports, gauge, ability, watches, owners: Owners::default(), runner: None }
    }

    /// Reads what its prober counts.
    pub fn gauge(&self) -> ProbeGauge {
        self.gauge.clone()
    }

    /// Asks until the server is gone.
    pub async fn work(mut self, app: Weak<Application>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                report = self.reports.recv() => report.map_or(Event::Ended, Event::Report),
                _ = ticks.tick() => Event::Tick,
            };
            if matches!(event, Event::Ended) {
                // So that one that ends again and again takes little.
                ticks.tick().await;
            }
            let Some(app) = app.upgrade() else { break };
            match event {
                Event::Report(report) => self.take(report, &app),
                Event::Tick => {
                    self.look(&app).await;
                    self.run_commands(&app);
                }
                Event::Ended => self.begin_anew(&app).await,
            }
        }
        self.prober.shutdown().await;
    }

    /// The prober has ended by itself, which it never should: another one takes its place.
    async fn begin_anew(&mut self, app: &Application) {
        tracing::error!("the prober has ended by itself; another one is started");
        if let Err(error) = self.replace_prober() {
            tracing::error!(%error, "no prober can be started; nobody is judged until one is");
            return;
        }
        self.take(Report::Ability(self.ability), app);
        let everything = app.accounts.all().iter().flat_map(|enrolled| enrolled.watch.assignments()).collect();
        self.prober.replace(everything).await;
    }

    fn replace_prober(&mut self) -> Result<(), StartError> {
        (self.prober, self.reports) = Prober::start(self.config.clone())?;
        self.gauge.turn_to(&self.prober);
        // As each one begins.
        self.ability = Ability::Able;
        Ok(())
    }

    fn take(&mut self, report: Report, app: &Application) {
        match report {
            Report::Findings(findings) => self.hand_out(findings, app),
            Report::Ability(ability) => {
                self.ability = ability;
                app.accounts.all().iter().for_each(|enrolled| note_ability(enrolled, ability));
            }
        }
    }

    fn hand_out(&self, findings: Vec<Finding>, app: &Application) {
        let mut by_account = self.owners.sort(findings);
        for enrolled in app.accounts.all() {
            if let Some(findings) = by_account.remove(&enrolled.account) {
                let facts = findings.into_iter().map(|found| (found.instance, found.check, found.fact));
                enrolled.watch.note(facts, &enrolled.engine.handle());
            }
        }
    }

    /// Tells what programs have found, and begins those whose turn it is.
    fn run_commands(&mut self, app: &Application) {
        let Some(runner) = &mut self.runner else { return };
        let accounts = app.accounts.all();
        let now = tokio::time::Instant::now();
        let ended = runner.take_ended(now);
        for enrolled in &accounts {
            let own = ended.iter().filter(|((account, ..), _)| *account == enrolled.account);
            let findings = own.map(|((_, instance, check), fact)| (*instance, *check, *fact));
            enrolled.watch.note_run(findings, &enrolled.engine.handle());
        }
        let of_one = |enrolled: &Arc<Enrolled>| {
            let account = enrolled.account;
            enrolled.watch.commands().into_iter().map(move |order| (account, order))
        };
        runner.begin(accounts.iter().flat_map(of_one), now, app.now());
    }

    /// Finds out whom to ask from now on.
    async fn look(&mut self, app: &Application) {
        let mut errands = Errands::default();
        for enrolled in app.accounts.all() {
            // An account that was enrolled again is looked after by somebody else.
            let before = self.watches.insert(enrolled.account, enrolled.watch.clone());
            if before.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &enrolled.watch)) {
                errands.gone.extend(before.iter().flat_map(|before| before.asked()));
                note_ability(&enrolled, self.ability);
            }
            let of_account = enrolled.watch.look(&enrolled.engine.handle());
            self.owners.note(enrolled.account, &of_account);
            errands.set.extend(of_account.set);
            errands.gone.extend(of_account.gone);
        }
        // One that is to be asked again is not gone.
        let set: HashSet<(InstanceId, u16)> = errands.set.iter().map(|one| (one.instance, one.check)).collect();
        let gone: Vec<_> = errands.gone.into_iter().filter(|key| !set.contains(key)).collect();
        if !errands.set.is_empty() || !gone.is_empty() {
            self.prober.update(errands.set, gone).await;
        }
    }
}

impl Owners {
    /// An account has something else to ask.
    fn note(&mut self, account: AccountId, errands: &Errands) {
        for (instance, _) in &errands.gone {
            self.0.remove(instance);
        }
        self.0.extend(errands.set.iter().map(|one| (one.instance, account)));
    }

    /// What was found, by whose it is.
    fn sort(&self, findings: Vec<Finding>) -> BTreeMap<AccountId, Vec<Finding>> {
        let mut by_account: BTreeMap<AccountId, Vec<Finding>> = BTreeMap::new();
        for finding in findings {
            if let Some(owner) = self.0.get(&finding.instance) {
                by_account.entry(*owner).or_default().push(finding);
            }
        }
        by_account
    }
}

fn note_ability(enrolled: &Enrolled, ability: Ability) {
    enrolled.watch.note_ability(ability, &enrolled.engine.handle());
}

#[cfg(test)]
mod tests {
    use tsg_core::health::check::CheckSpec;
    use tsg_core::health::fact::{Fact, Outcome};
    use tsg_core::model::span::Span;
    use tsg_core::model::time::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::probe::{Assignment, Nic, Permission, TargetPolicy};

    const CHECK: &str = "http:8080/ping";

    fn instance(number: u128) -> InstanceId {
        InstanceId::new(Uuid::from_u128(number))
    }

    fn errands(set: &[u128], gone: &[u128]) -> Errands {
        let spec = Arc::new(CHECK.parse().unwrap());
        let one = |number: &u128| Assignment {
            instance: instance(*number),
            check: 0,
            place: 0,
            nics: Vec::new(),
            spec: Arc::clone(&spec),
        };
        let gone = gone.iter().map(|number| (instance(*number), 0)).collect();
        Errands { set: set.iter().map(one).collect(), gone }
    }

    fn found(numbers: &[u128]) -> Vec<Finding> {
        let fact = Fact { at: Timestamp::EPOCH, took: Duration::ZERO, outcome: Outcome::Passed };
        numbers
            .iter()
            .map(|number| Finding { instance: instance(*number), check: 0, fact, waited: Duration::ZERO })
            .collect()
    }

    #[test]
    fn what_is_found_goes_to_whom_it_is_about_and_to_nobody_else() {
        let [one, other] = [1, 2].map(|number| AccountId::from_directory(Uuid::from_u128(number)));
        let mut owners = Owners::default();
        owners.note(one, &errands(&[10, 11], &[]));
        owners.note(other, &errands(&[20], &[]));
        let sorted = owners.sort(found(&[20, 10, 11, 30, 10]));
        assert_eq!(sorted, BTreeMap::from([(one, found(&[10, 11, 10])), (other, found(&[20]))]), "30 is nobody's");

        owners.note(one, &errands(&[], &[11]));
        assert_eq!(owners.sort(found(&[11, 10])), BTreeMap::from([(one, found(&[10]))]), "it is not asked any more");
        owners.note(one, &errands(&[10], &[10]));
        assert_eq!(owners.sort(found(&[10])).len(), 1, "it is asked otherwise");
    }

    #[tokio::test]
    async fn another_prober_takes_the_place_of_one_that_ended() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let policy = TargetPolicy { loopback: Permission::Allowed, ..TargetPolicy::default() };
        let config = ProberConfig { policy, ..ProberConfig::default() };
        let (prober, reports, work) = Prober::prepare(config.clone()).unwrap();
        let mut station = Station { ability: Ability::Unable, ..Station::with(config, prober, reports) };
        let gauge = station.gauge();
        drop(work);
        assert_eq!(station.reports.recv().await, None);

        station.replace_prober().unwrap();
        let mut spec: CheckSpec = format!("tcp:{}", address.port()).parse().unwrap();
        spec.pacing.interval = Span::from_secs(1);
        let (spec, nics) = (Arc::new(spec), vec![Nic { address: address.ip(), network: None }]);
        station.prober.replace(vec![Assignment { instance: instance(1), check: 0, place: 0, nics, spec }]).await;
        let Some(Report::Findings(findings)) = station.reports.recv().await else { panic!("nothing was found") };
        assert_eq!((findings[0].instance, findings[0].fact.outcome), (instance(1), Outcome::Passed));
        assert_eq!(station.ability, Ability::Able);
        assert_eq!(gauge.read().total().passed, 1, "it reads what the new one counts");
    }
}
