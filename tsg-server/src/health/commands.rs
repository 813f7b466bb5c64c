//! The programs that are run in instances to find out how they are.
//!
//! Owns when each is run, and how many run at once. Must never run one while it runs already, and
//! never take a failure of the executor for one of an instance.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, timeout};
use tsg_core::health::check::{CheckKind, CheckSpec};
use tsg_core::health::fact::{Fact, Outcome};
use tsg_core::model::id::{AccountId, InstanceId};
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Executor;
use tsg_core::ports::executor::Ran;

/// Programs that run at once.
const AT_ONCE: usize = 32;
/// How much longer than the program may an executor may take to say what became of it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which check of which instance, and whose.
type Key = (AccountId, InstanceId, u16);

/// A program to run in an instance.
pub struct Order {
    /// The instance.
    pub instance: InstanceId,
    /// The place of the check among those of its group.
    pub check: u16,
    /// The check.
    pub spec: Arc<CheckSpec>,
}

/// Runs programs at their pace.
pub struct Runner {
    executor: Arc<dyn Executor>,
    turns: BTreeMap<Key, Turn>,
    running: JoinSet<Fact>,
}

struct Turn {
    spec: Arc<CheckSpec>,
    /// When the newest began; before the first, when it would have.
    began: Instant,
    due: Instant,
    task: Option<Id>,
}

impl Runner {
    /// Nothing is run yet.
    pub fn new(executor: Arc<dyn Executor>) -> Self {
        Self { executor, turns: BTreeMap::new(), running: JoinSet::new() }
    }

    /// Takes in everything that is to be run from now on, and begins what is due.
    pub fn begin(&mut self, orders: impl IntoIterator<Item = (AccountId, Order)>, now: Instant, at: Timestamp) {
        let mut before = std::mem::take(&mut self.turns);
        for (account, Order { instance, check, spec }) in orders {
            let key = (account, instance, check);
            let known = before.remove(&key).filter(|turn| Arc::ptr_eq(&turn.spec, &spec));
            let due = now + phase(&key, spec.pacing.interval.as_duration());
            self.turns.insert(key, known.unwrap_or(Turn { spec, began: now, due, task: None }));
        }
        let is_due = |turn: &Turn| turn.task.is_none() && turn.due <= now;
        let due = self.turns.iter().filter(|(_, turn)| is_due(turn));
        let mut due: Vec<(Instant, Key)> = due.map(|(key, turn)| (turn.due, *key)).collect();
        due.sort_unstable();
        let room = AT_ONCE.saturating_sub(self.running.len());
        due.into_iter().take(room).for_each(|(_, key)| self.run(&key, now, at));
    }

    fn run(&mut self, key: &Key, now: Instant, at: Timestamp) {
        let (Some(turn), (_, instance, _)) = (self.turns.get_mut(key), *key) else { return };
        let (executor, spec) = (Arc::clone(&self.executor), Arc::clone(&turn.spec));
        let task = self.running.spawn(async move {
            let began = Instant::now();
            let outcome = outcome(executor.as_ref(), instance, &spec).await;
            Fact { at, took: began.elapsed(), outcome }
        });
        (turn.began, turn.task) = (now, Some(task.id()));
    }

    /// What was found since this was asked last.
    pub fn take_ended(&mut self) -> Vec<(Key, Fact)> {
        let mut ended = Vec::new();
        while let Some(joined) = self.running.try_join_next_with_id() {
            let (task, found) = match joined {
                Ok((task, found)) => (task, Some(found)),
                // The executor has panicked, which says nothing of the instance.
                Err(error) => (error.id(), None),
            };
            let Some((key, turn)) = self.turns.iter_mut().find(|(_, turn)| turn.task == Some(task)) else { continue };
            let pacing = &turn.spec.pacing;
            let has_failed = found.as_ref().is_some_and(|fact| matches!(fact.outcome, Outcome::Failed(_)));
            let interval = if has_failed { pacing.unhealthy_interval } else { pacing.interval };
            (turn.due, turn.task) = (turn.began + interval.as_duration(), None);
            ended.extend(found.map(|fact| (*key, fact)));
        }
        ended
    }
}

/// Spread over the interval, and the same for one check of one instance whenever the server starts.
fn phase(key: &Key, interval: Duration) -> Duration {
    let (_, instance, check) = key;
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((instance, check));
    interval.mul_f64((hash % 1024) as f64 / 1024.0)
}

async fn outcome(executor: &dyn Executor, instance: InstanceId, spec: &CheckSpec) -> Outcome {
    let within = spec.pacing.timeout.as_duration();
    let CheckKind::Command(words) = &spec.kind else { return Ran::Unavailable.outcome() };
    let ran = timeout(within + PATIENCE, executor.run(instance, words, within)).await;
    ran.unwrap_or(Ran::Unavailable).outcome()
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use tsg_core::health::fact::Failure;
    use uuid::Uuid;

    use super::*;

    /// Ends at once with the code that its program is called.
    struct Literal;

    #[async_trait]
    impl Executor for Literal {
        async fn run(&self, _: InstanceId, words: &[String], _: Duration) -> Ran {
            match words[0].as_str() {
                "panics" => panic!("as it is to"),
                "hangs" => std::future::pending().await,
                code => Ran::Ended(code.parse().unwrap()),
            }
        }
    }

    fn order(instance: u128, spec: &Arc<CheckSpec>) -> (AccountId, Order) {
        let instance = InstanceId::new(Uuid::from_u128(instance));
        (AccountId::from_directory(Uuid::from_u128(1)), Order { instance, check: 0, spec: Arc::clone(spec) })
    }

    fn spec(program: &str) -> Arc<CheckSpec> {
        let form = serde_json::json!({"type": "command", "command": [program], "interval": "4s", "timeout": "1s",
            "unhealthy_interval": "2s"});
        Arc::new(serde_json::from_value(form).unwrap())
    }

    /// What is found of so many instances in each of so many seconds.
    async fn found(program: &str, instances: u128, seconds: u64) -> Vec<Vec<Outcome>> {
        let (mut runner, spec, began) = (Runner::new(Arc::new(Literal)), spec(program), Instant::now());
        let mut found = Vec::new();
        for second in 0..seconds {
            let orders = (0..instances).map(|number| order(number, &spec));
            runner.begin(orders, began + Duration::from_secs(second), Timestamp::EPOCH);
            let mut ended = Vec::new();
            while !runner.running.is_empty() {
                tokio::task::yield_now().await;
                ended.extend(runner.take_ended().into_iter().map(|(_, fact)| fact.outcome));
            }
            found.push(ended);
        }
        found
    }

    #[tokio::test]
    async fn each_is_run_at_its_pace_and_spread_over_the_interval() {
        let passed = found("0", 20, 41).await;
        assert_eq!(passed[1..].concat(), vec![Outcome::Passed; 20 * 10], "each 4 s");
        assert!(passed[1..5].iter().all(|ended| !ended.is_empty()), "{passed:?}");
        let failed = found("3", 1, 41).await.concat();
        assert!((19..=20).contains(&failed.len()), "each 2 s while it fails: {}", failed.len());
        assert!(failed.iter().all(|outcome| *outcome == Outcome::Failed(Failure::Exit(3))));
    }

    #[tokio::test]
    async fn never_too_many_run_at_once_and_none_twice() {
        let (mut runner, spec, began) = (Runner::new(Arc::new(Literal)), spec("hangs"), Instant::now());
        for second in 0..60 {
            let orders = (0..20).map(|number| order(number, &spec));
            runner.begin(orders, began + Duration::from_secs(second), Timestamp::EPOCH);
        }
        assert_eq!(runner.running.len(), 20, "one of each");
        let orders = (0..100).map(|number| order(number, &spec));
        runner.begin(orders, began, Timestamp::EPOCH);
        let orders = (0..100).map(|number| order(number, &spec));
        runner.begin(orders, began + Duration::from_secs(60), Timestamp::EPOCH);
        assert_eq!(runner.running.len(), AT_ONCE);
    }

    #[tokio::test]
    async fn one_that_panics_says_nothing_and_is_run_again() {
        assert_eq!(found("panics", 1, 20).await.concat(), []);
        let (mut runner, spec, began) = (Runner::new(Arc::new(Literal)), spec("panics"), Instant::now());
        for second in [0, 10, 20] {
            runner.begin([order(1, &spec)], began + Duration::from_secs(second), Timestamp::EPOCH);
            while runner.turns.values().any(|turn| turn.task.is_some()) {
                tokio::task::yield_now().await;
                runner.take_ended();
            }
        }
        assert!(runner.turns.values().all(|turn| turn.began >= began + Duration::from_secs(20)));
    }
}
