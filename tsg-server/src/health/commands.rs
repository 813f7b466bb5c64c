//! The programs that are run in instances to find out how they are.
//!
//! Owns when each is run. Must never run one while it runs already, and never take a failure of the
//! executor for one of an instance.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, timeout};
use tsg_core::health::check::{CheckKind, CheckSpec};
use tsg_core::health::fact::{Fact, Outcome};
use tsg_core::health::rota::Ended;
use tsg_core::model::id::{AccountId, InstanceId};
use tsg_core::model::time::Timestamp;
use tsg_core::ports::Executor;
use tsg_core::ports::executor::Ran;

use super::shares::Shares;
use crate::probe::rounds::Rounds;

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

/// Runs programs at their pace: each is due at moments of its own, the same whenever the server starts.
pub struct Runner {
    executor: Arc<dyn Executor>,
    /// From the first look on.
    rounds: Option<Rounds>,
    numbers: BTreeMap<Key, u32>,
    /// By number.
    turns: Vec<Option<Turn>>,
    free: Vec<u32>,
    shares: Shares,
    running: JoinSet<Fact>,
    tasks: HashMap<Id, u32>,
}

struct Turn {
    key: Key,
    spec: Arc<CheckSpec>,
    activity: Activity,
    is_gone: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Activity {
    Idle,
    Waiting,
    Running,
}

impl Runner {
    /// Nothing is run yet.
    pub fn new(executor: Arc<dyn Executor>) -> Self {
        Self {
            executor,
            rounds: None,
            numbers: BTreeMap::new(),
            turns: Vec::new(),
            free: Vec::new(),
            shares: Shares::default(),
            running: JoinSet::new(),
            tasks: HashMap::new(),
        }
    }

    /// Takes in everything that is to be run from now on, and begins what is due.
    pub fn begin(&mut self, orders: impl IntoIterator<Item = (AccountId, Order)>, now: Instant, at: Timestamp) {
        let mut rounds = self.rounds.take().unwrap_or_else(|| Rounds::new("", (now, at)));
        self.take_in(orders, &mut rounds, now);
        let mut due = Vec::new();
        rounds.begin(now, &mut due);
        self.rounds = Some(rounds);
        for (number, _) in due {
            if let Some(turn) = self.turn(number) {
                turn.activity = Activity::Waiting;
                let account = turn.key.0;
                self.shares.wait(account, number);
            }
        }
        let mut accounts: Vec<AccountId> = self.numbers.keys().map(|key| key.0).collect();
        accounts.dedup();
        while let Some(number) = self.shares.next(accounts.len()) {
            self.run(number, at);
        }
    }

    fn take_in(&mut self, orders: impl IntoIterator<Item = (AccountId, Order)>, rounds: &mut Rounds, now: Instant) {
        let mut gone = std::mem::take(&mut self.numbers);
        for (account, Order { instance, check, spec }) in orders {
            let key = (account, instance, check);
            let known = gone.get(&key).copied();
            let is_same = |turn: &mut Turn| Arc::ptr_eq(&turn.spec, &spec);
            let number = match known.filter(|number| self.turn(*number).is_some_and(is_same)) {
                Some(number) => gone.remove(&key).unwrap_or(number),
                None => {
                    let number =
                        self.place(Turn { key, spec: Arc::clone(&spec), activity: Activity::Idle, is_gone: false });
                    rounds.set(number, (instance, check), &spec.pacing, now);
                    number
                }
            };
            self.numbers.insert(key, number);
        }
        for number in gone.into_values() {
            rounds.remove(number);
            self.let_go(number);
        }
    }

    fn turn(&mut self, number: u32) -> Option<&mut Turn> {
        self.turns.get_mut(number as usize)?.as_mut()
    }

    fn place(&mut self, turn: Turn) -> u32 {
        if let Some(number) = self.free.pop()
            && let Some(slot) = self.turns.get_mut(number as usize)
        {
            *slot = Some(turn);
            return number;
        }
        self.turns.push(Some(turn));
        u32::try_from(self.turns.len() - 1).unwrap_or(u32::MAX)
    }

    /// One is not to be run any more. Its number is free once it neither waits nor runs.
    fn let_go(&mut self, number: u32) {
        let Some(turn) = self.turn(number) else { return };
        turn.is_gone = true;
        if turn.activity == Activity::Idle {
            self.release(number);
        }
    }

    fn release(&mut self, number: u32) {
        if let Some(slot) = self.turns.get_mut(number as usize) {
            *slot = None;
            self.free.push(number);
        }
    }

    fn run(&mut self, number: u32, at: Timestamp) {
        let executor = Arc::clone(&self.executor);
        let Some(turn) = self.turn(number) else { return };
        let ((account, instance, _), spec) = (turn.key, Arc::clone(&turn.spec));
        if turn.is_gone {
            self.shares.end(account);
            return self.release(number);
        }
        turn.activity = Activity::Running;
        let task = self.running.spawn(async move {
            let began = Instant::now();
            let outcome = outcome(executor.as_ref(), instance, &spec).await;
            Fact { at, took: began.elapsed(), outcome }
        });
        self.tasks.insert(task.id(), number);
    }

    /// What was found since this was asked last.
    pub fn take_ended(&mut self, now: Instant) -> Vec<(Key, Fact)> {
        let mut ended = Vec::new();
        while let Some(joined) = self.running.try_join_next_with_id() {
            let (task, found) = match joined {
                Ok((task, found)) => (task, Some(found)),
                // The executor has panicked, which says nothing of the instance.
                Err(error) => (error.id(), None),
            };
            let Some(number) = self.tasks.remove(&task) else { continue };
            let Some(turn) = self.turn(number) else { continue };
            turn.activity = Activity::Idle;
            let (key, is_gone) = (turn.key, turn.is_gone);
            self.shares.end(key.0);
            if is_gone {
                self.release(number);
                continue;
            }
            let has_failed = found.as_ref().is_some_and(|fact| matches!(fact.outcome, Outcome::Failed(_)));
            if let Some(rounds) = &mut self.rounds {
                rounds.done(number, if has_failed { Ended::Failing } else { Ended::Well }, now);
            }
            ended.extend(found.map(|fact| (key, fact)));
        }
        ended
    }
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

    use super::super::shares::AT_ONCE;
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

    fn account(number: u128) -> AccountId {
        AccountId::from_directory(Uuid::from_u128(number))
    }

    fn of(account_number: u128, instance: u128, spec: &Arc<CheckSpec>) -> (AccountId, Order) {
        let instance = InstanceId::new(Uuid::from_u128(instance));
        (account(account_number), Order { instance, check: 0, spec: Arc::clone(spec) })
    }

    fn order(instance: u128, spec: &Arc<CheckSpec>) -> (AccountId, Order) {
        of(1, instance, spec)
    }

    fn spec(program: &str) -> Arc<CheckSpec> {
        let form = serde_json::json!({"type": "command", "command": [program], "interval": "4s", "timeout": "1s",
            "unhealthy_interval": "2s"});
        Arc::new(serde_json::from_value(form).unwrap())
    }

    /// A server that was started some time after 1970, and looks each second.
    struct Stage {
        runner: Runner,
        started: (Instant, Duration),
    }

    impl Stage {
        fn new(started: Duration) -> Self {
            Self { runner: Runner::new(Arc::new(Literal)), started: (Instant::now(), started) }
        }

        fn begin(&mut self, orders: impl IntoIterator<Item = (AccountId, Order)>, second: u64) {
            let (since, (now, at)) = (Duration::from_secs(second), self.started);
            self.runner.begin(orders, now + since, Timestamp::EPOCH.after(at + since));
        }

        /// What has ended when all but so many have.
        async fn ended(&mut self, second: u64, hanging: usize) -> Vec<(Key, Fact)> {
            let (mut ended, now) = (Vec::new(), self.started.0 + Duration::from_secs(second));
            while self.runner.running.len() > hanging {
                tokio::task::yield_now().await;
                ended.extend(self.runner.take_ended(now));
            }
            ended
        }
    }

    /// What is found of so many instances in each of so many seconds.
    async fn found(program: &str, instances: u128, seconds: u64) -> Vec<Vec<Outcome>> {
        let (mut stage, spec, mut found) = (Stage::new(Duration::ZERO), spec(program), Vec::new());
        for second in 0..seconds {
            stage.begin((0..instances).map(|number| order(number, &spec)), second);
            found.push(stage.ended(second, 0).await.into_iter().map(|(_, fact)| fact.outcome).collect());
        }
        found
    }

    #[tokio::test]
    async fn each_is_run_at_its_pace_and_spread_over_the_interval() {
        let passed = found("0", 8, 41).await;
        assert_eq!(passed[1..].concat(), vec![Outcome::Passed; 8 * 10], "each 4 s");
        assert!(passed.iter().all(|ended| ended.len() < 8), "{passed:?}");
        let failed = found("3", 1, 41).await.concat();
        assert!((18..=20).contains(&failed.len()), "each 2 s while it fails: {}", failed.len());
        assert!(failed.iter().all(|outcome| *outcome == Outcome::Failed(Failure::Exit(3))));
    }

    #[tokio::test]
    async fn whenever_the_server_starts_each_is_run_at_the_same_moments_of_its_interval() {
        let (spec, mut moments) = (spec("0"), Vec::new());
        for started in [0, 1_700_000_000_000, 1_700_000_003_700, 1_799_999_999_300] {
            let (mut stage, mut of_this) = (Stage::new(Duration::from_millis(started)), BTreeMap::new());
            for second in 0..9 {
                stage.begin((0..8).map(|number| order(number, &spec)), second);
                for ((_, instance, _), fact) in stage.ended(second, 0).await {
                    // The look that finds it due is at most a second later.
                    of_this.insert(instance, fact.at.as_millis().rem_euclid(4_000));
                }
            }
            moments.push(of_this);
        }
        for (instance, moment) in &moments[0] {
            for other in &moments[1..] {
                let apart = (other[instance] - moment).rem_euclid(4_000);
                assert!(apart.min(4_000 - apart) < 1_000, "{instance}: {moment} and {} ms", other[instance]);
            }
        }
    }

    #[tokio::test]
    async fn never_too_many_run_at_once_and_none_twice() {
        let (mut stage, spec) = (Stage::new(Duration::ZERO), spec("hangs"));
        for second in 0..60 {
            stage.begin((0..5).map(|number| order(number, &spec)), second);
        }
        assert_eq!(stage.runner.running.len(), 5, "one of each");
        for second in 60..70 {
            stage.begin(
                (0..10)
                    .flat_map(|owner| (0..100).map(move |number| (owner, number)))
                    .map(|(owner, number)| of(owner, 100 * owner + number, &spec)),
                second,
            );
        }
        assert_eq!(stage.runner.running.len(), AT_ONCE);
    }

    #[tokio::test]
    async fn programs_of_one_account_that_hang_hold_up_no_other_account() {
        let (mut stage, hang, pass) = (Stage::new(Duration::ZERO), spec("hangs"), spec("0"));
        let mut passed = 0;
        for second in 0..41 {
            let hanging = (0..100).map(|number| of(1, number, &hang));
            stage.begin(hanging.chain((100..120).map(|number| of(2, number, &pass))), second);
            let most = stage.runner.running.len().min(AT_ONCE / 2);
            passed += stage.ended(second, most).await.len();
        }
        assert!((20 * 9..=20 * 11).contains(&passed), "each 4 s: {passed}");
    }

    #[tokio::test]
    async fn what_is_not_to_be_run_any_more_gives_its_place_back_when_it_ends() {
        let (mut stage, spec) = (Stage::new(Duration::ZERO), spec("0"));
        for second in 0..200 {
            let number = u128::from(second / 10);
            stage.begin([order(number, &spec)], second);
            stage.ended(second, 0).await;
        }
        assert!(stage.runner.turns.len() <= 2 && stage.runner.tasks.is_empty(), "{}", stage.runner.turns.len());
    }

    #[tokio::test]
    async fn one_that_panics_says_nothing_and_is_run_again() {
        let (mut stage, spec, mut runs) = (Stage::new(Duration::ZERO), spec("panics"), 0);
        for second in 0..41 {
            stage.begin([order(1, &spec)], second);
            runs += stage.runner.running.len();
            assert_eq!(stage.ended(second, 0).await, []);
        }
        assert!((9..=11).contains(&runs), "each 4 s: {runs}");
    }
}
