//! Answers to requests, and what they lead to.
//!
//! Owns that no answer is lost: one that cannot be recorded is kept until it can. Must never
//! read an error as "nothing happened"; `classify_create` says what it proves.

use core::time::Duration;

use tsg_core::model::id::{GroupId, InstanceId, OperationId};
use tsg_core::model::instance::ObservedInstance;
use tsg_core::model::operation::{AttemptOutcome, InvalidEdge, Phase};
use tsg_core::model::time::Timestamp;
use tsg_core::observe::arrivals::LedgerLookup as _;
use tsg_core::ports::cloud::{AccountProfile, CloudCode, CloudError, ErrorKind, InstancePage, Noted};
use tsg_core::ports::store::StoreError;
use tsg_core::protocol::create::{CreateOutcome, classify_create};

use super::Session;
use super::discovery::ListingRun;
use super::errand::ErrandRun;
use super::services::NamingRun;
use crate::board::Trouble;
use crate::ledger::Edit;
use crate::todo::Read;

/// What became of a request that changes something.
#[derive(Debug, Clone)]
pub(super) enum Sent<T> {
    /// It was held up for too long and dropped: not a byte of it left.
    Dropped,
    /// It left, and this came back.
    Replied(Result<T, CloudError>),
}

/// Which create request an answer belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct CreateUnderWay {
    pub(super) group: GroupId,
    pub(super) operation: OperationId,
    /// Which attempt of the operation, from 0: another engine may have begun the next one.
    pub(super) attempt: usize,
    pub(super) began: Duration,
    pub(super) asked_at: Timestamp,
}

/// The answer to one request.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Created {
        request: CreateUnderWay,
        sent: Sent<ObservedInstance>,
    },
    Deleted {
        group: GroupId,
        instance: InstanceId,
        sent: Sent<()>,
    },
    Started {
        group: GroupId,
        sent: Sent<()>,
    },
    Ran {
        run: ErrandRun,
        sent: Sent<Noted>,
    },
    Enlisted {
        run: ListingRun,
        sent: Sent<Noted>,
    },
    Named {
        run: NamingRun,
        sent: Sent<Noted>,
    },
    Listed {
        began: Option<Duration>,
        reply: Result<InstancePage, CloudError>,
    },
    LookedUp {
        read: Read,
        reply: Result<InstancePage, CloudError>,
    },
    Got {
        operation: OperationId,
        instance: InstanceId,
        asked_at: Timestamp,
        reply: Result<ObservedInstance, CloudError>,
    },
    Tested {
        reply: Result<AccountProfile, CloudError>,
    },
}

impl Session {
    /// Takes an answer; one that the store cannot take now is kept for later.
    pub(super) async fn take(&mut self, answer: Answer) {
        self.learn(&answer);
        let again = answer.clone();
        if let Err(error) = self.apply(answer).await {
            self.note_store_trouble(&error);
            self.unrecorded.push_back(again);
        }
    }

    pub(super) async fn retry_unrecorded(&mut self) -> Result<(), StoreError> {
        while let Some(answer) = self.unrecorded.front().cloned() {
            self.apply(answer).await?;
            self.unrecorded.pop_front();
        }
        Ok(())
    }

    /// What an answer says about the account as a whole.
    fn learn(&mut self, answer: &Answer) {
        match answer {
            Answer::Created { request, sent: Sent::Replied(reply) } => {
                self.bound.note(self.monotonic().saturating_sub(request.began));
                self.learn_from(reply);
            }
            Answer::Deleted { sent: Sent::Replied(reply), .. } | Answer::Started { sent: Sent::Replied(reply), .. } => {
                self.learn_from(reply);
            }
            Answer::Ran { sent: Sent::Replied(reply), .. }
            | Answer::Enlisted { sent: Sent::Replied(reply), .. }
            | Answer::Named { sent: Sent::Replied(reply), .. } => self.learn_from(reply),
            Answer::Created { .. }
            | Answer::Deleted { .. }
            | Answer::Started { .. }
            | Answer::Ran { .. }
            | Answer::Enlisted { .. }
            | Answer::Named { .. } => {}
            Answer::Listed { reply, .. } | Answer::LookedUp { reply, .. } => self.learn_from(reply),
            Answer::Got { reply, .. } => self.learn_from(reply),
            Answer::Tested { reply } => self.learn_from(reply),
        }
    }

    fn learn_from<T>(&mut self, reply: &Result<T, CloudError>) {
        let now = self.monotonic();
        self.sight.note_reply(reply, now);
        let Err(error) = reply else { return };
        if error.kind == ErrorKind::Throttled || error.code == CloudCode::TooManyRequests {
            self.counts.throttled += 1;
            let jitter = self.jitter();
            self.pace.note_throttled(now, error.retry_after, jitter);
        }
        if !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict) {
            self.sight.trouble = Some(Trouble { at: self.now(), what: error.to_string() });
        }
    }

    async fn apply(&mut self, answer: Answer) -> Result<(), StoreError> {
        match answer {
            Answer::Created { request, sent } => self.take_created(request, &sent).await,
            Answer::Deleted { group, instance, sent } => {
                self.take_deleted(group, instance, &sent);
                Ok(())
            }
            Answer::Started { group, sent } => {
                if let Sent::Replied(Err(error)) = sent {
                    tracing::warn!(%group, %error, "a start was refused");
                }
                self.mark_dirty(group);
                Ok(())
            }
            Answer::Ran { run, sent } => self.take_ran(run, &sent).await,
            Answer::Enlisted { run, sent } => {
                self.take_enlisted(run, &sent);
                Ok(())
            }
            Answer::Named { run, sent } => {
                self.take_named(run, &sent);
                Ok(())
            }
            // A page of a list that was given up meanwhile is no part of the present one.
            Answer::Listed { began, .. } if began != self.sight.listing.as_ref().map(|listing| listing.began) => Ok(()),
            Answer::Listed { reply, .. } => self.take_page(reply).await,
            Answer::LookedUp { read, reply } => self.take_look_up(read, reply).await,
            Answer::Got { operation, instance, asked_at, reply } => {
                self.take_get(operation, instance, asked_at, reply).await
            }
            Answer::Tested { reply } => {
                let is_green = reply.is_ok_and(|profile| profile.id == self.account);
                self.sight.note_test(is_green, self.monotonic());
                Ok(())
            }
        }
    }

    async fn take_created(&mut self, request: CreateUnderWay, sent: &Sent<ObservedInstance>) -> Result<(), StoreError> {
        let CreateUnderWay { group, operation: id, attempt, asked_at, .. } = request;
        let now = self.now();
        let result = self.books.record(group, now, |edit| apply_created(edit, (id, attempt), now, sent)).await;
        if let Err(crate::ledger::LedgerError::Store(error)) = &result
            && !matches!(error, StoreError::Corrupt { .. } | StoreError::Invalid { .. })
        {
            return Err(error.clone());
        }
        self.requested.remove(&id);
        self.mark_dirty(group);
        match sent {
            Sent::Replied(reply) => match classify_create(id, reply) {
                CreateOutcome::Bound(_) => {
                    if let Ok(instance) = reply {
                        self.sight.glimpse(asked_at, *instance);
                    }
                    self.await_change();
                    self.doubt_what_is_unknown(id);
                }
                CreateOutcome::DuplicateName => self.look_up_now(id),
                CreateOutcome::Unknown => self.doubt(id),
                CreateOutcome::Refused(_) => {}
            },
            Sent::Dropped => {}
        }
        self.only_store(group, result).map(|_| ())
    }

    /// A reply may name a machine that was given up: then it is in doubt what becomes of the operation.
    fn doubt_what_is_unknown(&mut self, id: OperationId) {
        if self.books.operation(id).is_some_and(|operation| operation.phase == Phase::Unknown) {
            self.doubt(id);
        }
    }
}

/// One attempt of an operation.
type Try = (OperationId, usize);

/// What a create's answer makes of its operation.
fn apply_created(
    edit: &mut Edit<'_>,
    of: Try,
    now: Timestamp,
    sent: &Sent<ObservedInstance>,
) -> Result<(), InvalidEdge> {
    let reply = match sent {
        Sent::Dropped => return apply_refusal(edit, of, AttemptOutcome::Unsent, "held up too long and dropped unsent"),
        Sent::Replied(reply) => reply,
    };
    match classify_create(of.0, reply) {
        CreateOutcome::Bound(instance) => apply_bound(edit, of, instance),
        CreateOutcome::Refused(refusal) => {
            let retry_after = reply.as_ref().err().and_then(|error| error.retry_after);
            edit.memory().note_refused(refusal, now, retry_after);
            apply_refusal(edit, of, AttemptOutcome::Refused, &evidence("refused", reply))
        }
        CreateOutcome::DuplicateName => apply_doubt(edit, of.0, &evidence("the name is in use", reply)),
        CreateOutcome::Unknown => {
            edit.memory().note_unknown();
            apply_doubt(edit, of.0, &evidence("nothing is proved", reply))
        }
    }
}

fn apply_bound(edit: &mut Edit<'_>, (id, attempt): Try, instance: InstanceId) -> Result<(), InvalidEdge> {
    if edit.is_residue(id, instance) {
        return apply_given_up(edit, (id, attempt));
    }
    match edit.operation(id).map(|operation| (operation.phase, operation.instance)) {
        Some((Phase::Sent | Phase::Unknown | Phase::Lost, None)) => {
            edit.conclude_attempt(id, attempt, AttemptOutcome::Bound);
            edit.bind(id, instance, "the reply named it")
        }
        // Bound already, to this one or to one of an earlier attempt.
        Some((_, Some(own))) if own == instance => Ok(()),
        Some(_) => {
            edit.add_residue(id, instance);
            Ok(())
        }
        None => Ok(()),
    }
}

/// What one attempt made was filed before its reply came, so it has nothing to show for itself.
fn apply_given_up(edit: &mut Edit<'_>, (id, attempt): Try) -> Result<(), InvalidEdge> {
    match edit.operation(id).is_some_and(|operation| attempt + 1 == operation.attempts.len()) {
        true => apply_doubt(edit, id, "the reply named a machine that was given up"),
        // A later attempt is under way; its own answer decides.
        false => Ok(()),
    }
}

/// One attempt surely made nothing. The operation is over when no other attempt is open.
fn apply_refusal(
    edit: &mut Edit<'_>,
    (id, attempt): Try,
    outcome: AttemptOutcome,
    evidence: &str,
) -> Result<(), InvalidEdge> {
    if !edit.operation(id).is_some_and(|operation| operation.phase.is_in_doubt()) {
        return Ok(());
    }
    edit.conclude_attempt(id, attempt, outcome);
    let Some(operation) = edit.operation(id) else { return Ok(()) };
    let is_over = operation.attempts.iter().all(|attempt| attempt.outcome.is_some());
    let is_newest = attempt + 1 == operation.attempts.len();
    let was_quiet = operation.attempts.iter().any(|attempt| attempt.outcome == Some(AttemptOutcome::Quiet));
    match (is_over, is_newest) {
        // Quiet is not proof: the machine of an earlier attempt may come late, and is taken in
        // only while its operation counts as lost.
        (true, _) if was_quiet => {
            apply_doubt(edit, id, evidence)?;
            edit.enter(id, Phase::Lost, "earlier attempts stayed quiet, the newest was refused")
        }
        (true, _) => edit.enter(id, Phase::Refused, evidence),
        (false, true) => apply_doubt(edit, id, evidence),
        // A later attempt is under way; its own answer decides.
        (false, false) => Ok(()),
    }
}

fn apply_doubt(edit: &mut Edit<'_>, id: OperationId, evidence: &str) -> Result<(), InvalidEdge> {
    match edit.operation(id).map(|operation| operation.phase) {
        Some(Phase::Sent) => edit.enter(id, Phase::Unknown, evidence),
        _ => Ok(()),
    }
}

/// What was concluded, and the cloud's own words, which is what a person asks for first.
fn evidence(conclusion: &str, reply: &Result<ObservedInstance, CloudError>) -> String {
    match reply {
        Ok(_) => format!("{conclusion}: the answer was for another request"),
        Err(error) => format!("{conclusion}: {error}"),
    }
}
