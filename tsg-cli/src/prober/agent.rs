//! The loop between a prober and the server.
//!
//! Owns what is fetched and told when, and how long to wait for a server that does not answer. It must never hold the
//! prober up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tsg_core::health::fact::Obstruction;
use tsg_core::ports::Clock as _;
use tsg_server::SystemClock;
use tsg_server::probe::{Ability, Assignment, Prober, Report};
use tsg_server::remote::{GroupTargets, PUSH_GAP, PUSH_LATEST, ProberName, Push, Pushed, Targets};
use uuid::Uuid;

use super::event::Event;
use super::held::{Held, Label};
use crate::api::{Answer, Api, ApiError};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// The longest that an answer is waited for: what is under way does not look younger than it is by more.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The longest pause before a server that does not answer is asked again; it counts a prober as silent after as long.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long the end may take.
const END_WITHIN: Duration = Duration::from_secs(3);

/// A prober and its way to the server.
pub(crate) struct Agent<'a> {
    api: &'a Api,
    name: ProberName,
    output: Output,
    prober: Prober,
    held: Arc<Mutex<Held>>,
    run: Uuid,
    labels: Vec<Label>,
    /// The ETag of the targets.
    known: Option<String>,
    targets: u32,
    pushed_at: Option<Duration>,
    ability: Ability,
    obstruction: Option<Obstruction>,
    trouble: Option<String>,
}

/// Why a turn did not end well.
enum Stopped {
    /// It is tried again.
    Trouble(Failure),
    /// The server does not want it: that ends a prober that it has never wanted, and no other.
    Refused(Failure),
    /// It is of no use to try again.
    ForGood(Failure),
}

impl<'a> Agent<'a> {
    /// Of a prober that was just started.
    pub(crate) fn new(
        api: &'a Api,
        name: ProberName,
        output: Output,
        (prober, mut reports): (Prober, mpsc::Receiver<Report>),
    ) -> Self {
        let held = Arc::new(Mutex::new(Held::default()));
        let taking = Arc::clone(&held);
        tokio::spawn(async move {
            while let Some(report) = reports.recv().await {
                lock(&taking).take_in(report, SystemClock.monotonic());
            }
            lock(&taking).has_ended = true;
        });
        Self {
            api,
            name,
            output,
            prober,
            held,
            run: Uuid::new_v4(),
            labels: Vec::new(),
            known: None,
            targets: 0,
            pushed_at: None,
            ability: Ability::Able,
            obstruction: None,
            trouble: None,
        }
    }

    /// Works until there is no use in it.
    pub(crate) async fn work(&mut self) -> Failure {
        let mut pause = PUSH_GAP;
        loop {
            match self.turn().await {
                Ok(()) => {
                    pause = PUSH_GAP;
                    if self.trouble.take().is_some()
                        && let Err(failure) = self.say(&Event::Over)
                    {
                        return failure;
                    }
                    sleep(PUSH_GAP).await;
                }
                Err(Stopped::ForGood(failure)) => return failure,
                Err(Stopped::Refused(failure)) if self.known.is_none() => return failure,
                Err(Stopped::Trouble(failure) | Stopped::Refused(failure)) => {
                    if let Err(failure) = self.note_trouble(&failure) {
                        return failure;
                    }
                    sleep(pause.mul_f64(spread())).await;
                    pause = (2 * pause).min(PAUSE_MAX);
                }
            }
        }
    }

    /// Tells the server that it ends, and stops.
    pub(crate) async fn end(self) {
        // A server that does not answer will notice the silence.
        let path = format!("/v2/probers/{}", self.name);
        drop(timeout(END_WITHIN, self.api.delete(&path)).await);
        self.prober.shutdown().await;
    }

    async fn turn(&mut self) -> Result<(), Stopped> {
        if self.known.is_none() {
            self.fetch().await?;
            let (name, server) = (self.name.to_string(), self.api.base().to_string());
            self.say(&Event::Ready { name, server, targets: self.targets }).map_err(Stopped::ForGood)?;
        }
        self.look_at_itself()?;
        let now = SystemClock.monotonic();
        let is_quiet = self.pushed_at.is_some_and(|at| now.saturating_sub(at) < PUSH_LATEST);
        if is_quiet && lock(&self.held).is_empty() {
            return Ok(());
        }
        let pushed = self.push(now).await?;
        if self.known.as_ref() == Some(&pushed.targets) { Ok(()) } else { self.fetch().await }
    }

    /// Says what has become of the prober.
    fn look_at_itself(&mut self) -> Result<(), Stopped> {
        let (ability, obstruction, has_ended) = {
            let mut held = lock(&self.held);
            (held.ability, held.obstruction.take(), held.has_ended)
        };
        if has_ended {
            let failure = Failure::new(Exit::Failed, "the prober has ended by itself").next("start it again");
            return Err(Stopped::ForGood(failure));
        }
        if let Some(ability) = ability.filter(|ability| *ability != self.ability) {
            self.ability = ability;
            self.pushed_at = None;
            let event = if ability == Ability::Able { Event::Able } else { Event::Unable };
            self.say(&event).map_err(Stopped::ForGood)?;
        }
        if obstruction.is_some() && obstruction != self.obstruction {
            self.obstruction = obstruction;
            let why = obstruction.map(|obstruction| obstruction.to_string()).unwrap_or_default();
            self.say(&Event::Obstructed { why }).map_err(Stopped::ForGood)?;
        }
        Ok(())
    }

    async fn push(&mut self, now: Duration) -> Result<Pushed, Stopped> {
        let facts = {
            let mut held = lock(&self.held);
            if self.trouble.is_some() {
                // Whatever kept it from the server may have kept it from its targets: what it found meanwhile must not
                // count as many failures in a row.
                held.keep_newest();
            }
            held.batch(&self.labels, now)
        };
        let last = facts.last().map(|fact| fact.number);
        let (run, is_able, targets) = (self.run, self.ability == Ability::Able, self.targets);
        let push = Push { run, is_able, targets, facts };
        let path = format!("/v2/probers/{}/facts", self.name);
        let answer: Answer<Pushed> =
            in_time(self.api.post(&path, Some(&push)), "tell the server what was found").await?;
        self.pushed_at = Some(now);
        if let Some(last) = last {
            lock(&self.held).forget(last);
        }
        Ok(answer.value)
    }

    async fn fetch(&mut self) -> Result<(), Stopped> {
        let path = format!("/v2/probers/{}/targets", self.name);
        let fetching = self.api.get_unless::<Targets>(&path, self.known.as_deref());
        let Some(answer) = in_time(fetching, "ask the server for targets").await? else { return Ok(()) };
        let mut all = Vec::new();
        for group in &answer.value.groups {
            assign(&mut self.labels, group, &mut all);
        }
        self.targets = u32::try_from(all.len()).unwrap_or(u32::MAX);
        self.prober.replace(all).await;
        self.known = Some(answer.etag.unwrap_or_default());
        Ok(())
    }

    fn note_trouble(&mut self, failure: &Failure) -> Result<(), Failure> {
        let why = failure.to_string();
        if self.trouble.as_ref() == Some(&why) {
            return Ok(());
        }
        self.trouble = Some(why.clone());
        self.say(&Event::Trouble { why })
    }

    fn say(&self, event: &Event) -> Result<(), Failure> {
        self.output.show(event)
    }
}

/// What of a group is to be asked. Whatever order groups come in, each check of an instance keeps its moments: only
/// its label is of this run.
fn assign(labels: &mut Vec<Label>, group: &GroupTargets, all: &mut Vec<Assignment>) {
    for check in &group.checks {
        let Some(label) = label(labels, (check.place, check.tag.clone())) else { continue };
        let (place, spec) = (check.place, Arc::new(check.spec.clone()));
        all.extend(group.instances.iter().filter_map(|target| {
            let nics = target.addresses.of(spec.kind.endpoint()?)?;
            Some(Assignment { instance: target.instance, check: label, place, nics, spec: Arc::clone(&spec) })
        }));
    }
}

/// The number of a check; a new one, if it was never asked before.
fn label(labels: &mut Vec<Label>, wanted: Label) -> Option<u16> {
    let place = labels.iter().position(|known| *known == wanted).unwrap_or_else(|| {
        labels.push(wanted);
        labels.len() - 1
    });
    u16::try_from(place).ok()
}

async fn in_time<T>(asking: impl Future<Output = Result<T, ApiError>>, what: &str) -> Result<T, Stopped> {
    match timeout(ANSWER_WITHIN, asking).await {
        Ok(answer) => answer.map_err(|error| stopped(error, what)),
        Err(_) => {
            let why = format!("it did not answer within {} s", ANSWER_WITHIN.as_secs());
            Err(Stopped::Trouble(Failure::new(Exit::Unreachable, format!("cannot {what}")).why(why)))
        }
    }
}

fn stopped(error: ApiError, what: &str) -> Stopped {
    let is_refused = matches!(&error, ApiError::Refused { status: 400 | 401 | 403 | 404 | 413 | 422, .. });
    let failure = error.preventing(format!("cannot {what}"));
    if is_refused { Stopped::Refused(failure) } else { Stopped::Trouble(failure) }
}

/// From 0.75 to 1.25, so that probers do not come back all at once.
fn spread() -> f64 {
    let drawn = Uuid::new_v4().as_bytes()[0];
    0.75 + f64::from(drawn) / 510.0
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tsg_core::model::id::InstanceId;
    use tsg_server::remote::{Addresses, CheckTag, PlacedCheck, TargetInstance};

    use super::*;

    fn group(number: u128, checks: &[&str]) -> GroupTargets {
        let placed = |(place, text): (u16, &&str)| {
            let spec = text.parse().unwrap();
            PlacedCheck { place, tag: CheckTag::of(&spec), spec }
        };
        let addresses = Addresses { primary: Some([127, 0, 0, 1].into()), networks: None };
        let instances = vec![TargetInstance { instance: InstanceId::new(Uuid::from_u128(number)), addresses }];
        GroupTargets { checks: (0..).zip(checks).map(placed).collect(), instances }
    }

    /// The place by which each check of each instance is spread, however it is labelled.
    fn places(groups: &[GroupTargets]) -> Vec<(InstanceId, String, u16)> {
        let (mut labels, mut all) = (Vec::new(), Vec::new());
        groups.iter().for_each(|group| assign(&mut labels, group, &mut all));
        let mut places: Vec<_> = all.iter().map(|one| (one.instance, one.spec.to_string(), one.place)).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn when_a_check_is_made_does_not_follow_from_the_order_in_which_groups_come() {
        let (one, other) = (group(1, &["tcp:22", "tcp:80"]), group(2, &["tcp:443", "tcp:22"]));
        let places = [places(&[one.clone(), other.clone()]), places(&[other, one])];
        assert_eq!(places[0], places[1]);
        assert_eq!(places[0].iter().map(|(_, _, place)| *place).collect::<Vec<_>>(), [0, 1, 1, 0]);
    }
}
