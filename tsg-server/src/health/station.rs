//! The one prober of this process, and whose instances it asks.
//!
//! Owns the way of each finding to the account that it is about. Must never let one account's
//! findings reach another.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tsg_core::model::id::{AccountId, InstanceId};

use super::watch::{Errands, Watch};
use crate::accounts::registry::Enrolled;
use crate::app::Application;
use crate::probe::{Ability, Finding, Prober, ProberConfig, Report, StartError};

/// How often it is looked whom to ask.
const EVERY: Duration = Duration::from_secs(1);

/// The prober and whose instances it asks.
pub struct Station {
    prober: Prober,
    reports: mpsc::Receiver<Report>,
    ability: Ability,
    /// Who looked after each account's instances last.
    watches: BTreeMap<AccountId, Arc<Watch>>,
    owners: HashMap<InstanceId, AccountId>,
}

impl Station {
    /// Starts the prober.
    ///
    /// # Errors
    /// The prober's.
    pub fn start(config: ProberConfig) -> Result<Self, StartError> {
        let (prober, reports) = Prober::start(config)?;
        Ok(Self { prober, reports, ability: Ability::Able, watches: BTreeMap::new(), owners: HashMap::new() })
    }

    /// Asks until the server is gone.
    pub async fn work(mut self, app: Weak<Application>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let report = tokio::select! {
                report = self.reports.recv() => report.map(Some),
                _ = ticks.tick() => Some(None),
            };
            let Some(app) = app.upgrade() else { break };
            let Some(report) = report else {
                tracing::error!("the prober has ended; nobody is judged any more until the server is started again");
                break;
            };
            match report {
                Some(report) => self.take(report, &app),
                None => self.look(&app).await,
            }
        }
        self.prober.shutdown().await;
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
        let mut by_account: BTreeMap<AccountId, Vec<Finding>> = BTreeMap::new();
        for finding in findings {
            if let Some(owner) = self.owners.get(&finding.instance) {
                by_account.entry(*owner).or_default().push(finding);
            }
        }
        for enrolled in app.accounts.all() {
            if let Some(findings) = by_account.remove(&enrolled.account) {
                let facts = findings.into_iter().map(|found| (found.instance, found.check, found.fact));
                enrolled.watch.note(facts, &enrolled.engine.handle());
            }
        }
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
            self.note_owners(enrolled.account, &of_account);
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

    fn note_owners(&mut self, account: AccountId, errands: &Errands) {
        for (instance, _) in &errands.gone {
            self.owners.remove(instance);
        }
        self.owners.extend(errands.set.iter().map(|one| (one.instance, account)));
    }
}

fn note_ability(enrolled: &Enrolled, ability: Ability) {
    enrolled.watch.note_ability(ability, &enrolled.engine.handle());
}
