//! Programs that run in instances, as a port.
//!
//! Owns the one request and what can become of it. Must never hand out what a program writes: nobody
//! asks for it, and it may be endless.

use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use async_trait::async_trait;

use crate::health::fact::{Failure, Obstruction, Outcome, Stage};
use crate::model::id::InstanceId;

/// Runs programs in instances.
///
/// ```
/// use std::time::Duration;
/// use async_trait::async_trait;
/// # use core::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use tsg_core::model::id::InstanceId;
/// use tsg_core::ports::Executor;
/// use tsg_core::ports::executor::Ran;
///
/// /// Instances that have nothing but `/bin/true`.
/// struct Spare;
///
/// #[async_trait]
/// impl Executor for Spare {
///     async fn run(&self, _instance: InstanceId, words: &[String], _within: Duration) -> Ran {
///         if words == ["/bin/true"] { Ran::Ended(0) } else { Ran::Ended(127) }
///     }
/// }
/// # fn wait<T>(future: impl Future<Output = T>) -> T {
/// #     match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
/// #         Poll::Ready(answer) => answer,
/// #         Poll::Pending => unreachable!(),
/// #     }
/// # }
/// let instance = InstanceId::new(uuid::Uuid::from_u128(1));
/// let ran = wait(Spare.run(instance, &["/bin/true".into()], Duration::from_secs(1)));
/// assert_eq!(ran, Ran::Ended(0));
/// ```
#[async_trait]
pub trait Executor: Send + Sync {
    /// Runs a program, the first of `words`, with the others as its arguments. One that has not
    /// ended within that time is killed.
    async fn run(&self, instance: InstanceId, words: &[String], within: Duration) -> Ran;
}

/// What became of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// It ended with this code.
    Ended(i32),
    /// It had not ended in time.
    Overdue,
    /// It could not be run, or nobody knows what became of it, through no fault of the instance.
    Unavailable,
}

impl Ran {
    /// What it says of an instance.
    ///
    /// ```
    /// use tsg_core::health::fact::{Failure, Outcome};
    /// use tsg_core::ports::executor::Ran;
    /// assert_eq!(Ran::Ended(0).outcome(), Outcome::Passed);
    /// assert_eq!(Ran::Ended(2).outcome(), Outcome::Failed(Failure::Exit(2)));
    /// assert!(matches!(Ran::Unavailable.outcome(), Outcome::Unjudged(_)));
    /// ```
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Ended(0) => Outcome::Passed,
            Self::Ended(code) => Outcome::Failed(Failure::Exit(code)),
            Self::Overdue => Outcome::Failed(Failure::TimedOut(Stage::Command)),
            Self::Unavailable => Outcome::Unjudged(Obstruction::NoExecutor),
        }
    }
}
