//! One probe, from the first packet to what it found.
//!
//! Owns the order of its stages, the limit on its time, and what each error means. Must never
//! follow a redirect, and never blame the target for what the prober lacks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::time::{Instant, timeout_at};
use tsg_core::health::check::Method;
use tsg_core::health::fact::{Failure, Obstruction, Outcome, Stage};

use super::answer::{Answer, Rest};
use super::connection::Connection;
use super::plan::{Plan, Question};
use super::tls;

/// How long the rest of a good answer is waited for, so that its connection can be kept.
const REST_MAX: Duration = Duration::from_millis(250);

/// What came of a probe.
pub struct Attempted {
    /// What it found.
    pub outcome: Outcome,
    /// How long it took until that was known.
    pub took: Duration,
    /// Its connection, when it can carry another request.
    pub connection: Option<Connection>,
    /// Whether an answer came over a connection that was kept.
    pub is_reused: bool,
}

/// How far it has come; outlives a probe whose time is over.
struct Progress {
    stage: Stage,
    judged: Option<(Outcome, Instant)>,
    is_reused: bool,
}

/// Probes once, over `kept` if that is still good.
pub async fn attempt(plan: Arc<Plan>, kept: Option<Connection>, began: Instant) -> Attempted {
    let mut progress = Progress { stage: Stage::Connect, judged: None, is_reused: false };
    let deadline = began + plan.timeout;
    let ended = timeout_at(deadline, converse(&plan, kept, &mut progress)).await;
    let (connection, found) = match ended {
        Ok(Ok(connection)) => (connection, Outcome::Passed),
        Ok(Err(found)) => (None, found),
        Err(_) => (None, Outcome::Failed(Failure::TimedOut(progress.stage))),
    };
    // A status that was read stands, however the rest of the answer ends.
    let (outcome, at) = progress.judged.unwrap_or_else(|| (found, Instant::now()));
    Attempted { outcome, took: at.saturating_duration_since(began), connection, is_reused: progress.is_reused }
}

async fn converse(
    plan: &Plan,
    kept: Option<Connection>,
    progress: &mut Progress,
) -> Result<Option<Connection>, Outcome> {
    let Question::Ask { request, method, .. } = &plan.question else {
        connect(plan, progress).await?;
        return Ok(None);
    };
    let is_ours = |connection: &mut Connection| !connection.is_stale();
    let mut kept = kept.and_then(|mut connection| is_ours(&mut connection).then_some(connection));
    loop {
        let is_kept = kept.is_some();
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => connect(plan, progress).await?,
        };
        let mut answer = match *method {
            Method::Head => Answer::to_head_request(),
            _ if plan.question.reads_body() => Answer::with_body(),
            _ => Answer::to_request(),
        };
        match ask(plan, &mut connection, request, &mut answer, progress).await {
            Ok(()) => {
                progress.is_reused = is_kept;
                return finish(connection, answer, progress).await;
            }
            // It was closed while nobody looked: that says nothing of the target.
            Err(_) if is_kept && !answer.has_begun() => {}
            Err(found) => return Err(found),
        }
    }
}

async fn connect(plan: &Plan, progress: &mut Progress) -> Result<Connection, Outcome> {
    progress.stage = Stage::Connect;
    let connection = Connection::open(plan.address).await.map_err(|error| found_by(&error, Stage::Connect))?;
    let Question::Ask { trust: Some(trust), .. } = &plan.question else {
        return Ok(connection);
    };
    progress.stage = Stage::Handshake;
    connection.secured(trust).await.map_err(|error| found_by(&error, Stage::Handshake))
}

/// Sends the request and reads on until what counts is known.
async fn ask(
    plan: &Plan,
    connection: &mut Connection,
    request: &[u8],
    answer: &mut Answer,
    progress: &mut Progress,
) -> Result<(), Outcome> {
    progress.stage = Stage::Request;
    connection.send(request).await.map_err(|error| found_by(&error, Stage::Request))?;
    progress.stage = Stage::Head;
    loop {
        let taken =
            connection.receive(|arrived| if arrived.is_empty() { Err(cut(answer)) } else { answer.take(arrived) });
        taken.await.map_err(|error| found_by(&error, Stage::Head))?.map_err(Outcome::Failed)?;
        let Some(status) = answer.status() else { continue };
        let is_enough = !plan.question.reads_body() || plan.question.judge_status(status) != Outcome::Passed;
        if is_enough || answer.rest() != Rest::Wanted {
            progress.judged = Some((plan.question.judge(status, answer.body()), Instant::now()));
            return Ok(());
        }
    }
}

/// What it means that the other side closed before its answer was complete.
const fn cut(answer: &Answer) -> Failure {
    if answer.has_begun() { Failure::Malformed } else { Failure::Reset }
}

/// Reads the rest of a good answer, if that lets the connection be kept.
async fn finish(
    mut connection: Connection,
    mut answer: Answer,
    progress: &Progress,
) -> Result<Option<Connection>, Outcome> {
    if !matches!(progress.judged, Some((Outcome::Passed | Outcome::Degraded, _))) {
        return Ok(None);
    }
    if answer.rest() == Rest::Wanted {
        let rest = async {
            while answer.rest() == Rest::Wanted {
                let goes_on = connection.receive(|arrived| !arrived.is_empty() && answer.take(arrived).is_ok()).await;
                if !goes_on.unwrap_or(false) {
                    return;
                }
            }
        };
        // The status stands whether the rest comes or not.
        _ = timeout_at(Instant::now() + REST_MAX, rest).await;
    }
    Ok((answer.rest() == Rest::Nothing).then_some(connection))
}

/// What an error at some stage says.
fn found_by(error: &io::Error, stage: Stage) -> Outcome {
    if let Some(failure) = tls::failure_of(error) {
        return Outcome::Failed(failure);
    }
    let lacking = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL, Errno::AGAIN];
    match Errno::from_io_error(error) {
        Some(errno) if lacking.contains(&errno) => return Outcome::Unjudged(Obstruction::Exhausted),
        Some(Errno::NETUNREACH | Errno::NETDOWN | Errno::AFNOSUPPORT) => {
            return Outcome::Unjudged(Obstruction::NoRoute);
        }
        Some(Errno::PERM | Errno::ACCESS) => return Outcome::Unjudged(Obstruction::Forbidden),
        _ => {}
    }
    Outcome::Failed(match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Refused,
        io::ErrorKind::TimedOut => Failure::TimedOut(stage),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => Failure::Reset,
        _ if stage == Stage::Connect => Failure::Unreachable,
        _ => Failure::Reset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_prober_lacks_is_not_the_targets_fault() {
        let found = |errno: Errno| found_by(&io::Error::from(errno), Stage::Connect);
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL] {
            assert_eq!(found(errno), Outcome::Unjudged(Obstruction::Exhausted), "{errno}");
        }
        assert_eq!(found(Errno::PERM), Outcome::Unjudged(Obstruction::Forbidden));
        assert_eq!(found(Errno::CONNREFUSED), Outcome::Failed(Failure::Refused));
        assert_eq!(found(Errno::HOSTUNREACH), Outcome::Failed(Failure::Unreachable));
        for errno in [Errno::NETUNREACH, Errno::NETDOWN, Errno::AFNOSUPPORT] {
            assert_eq!(found(errno), Outcome::Unjudged(Obstruction::NoRoute), "{errno}");
        }
        assert_eq!(found(Errno::TIMEDOUT), Outcome::Failed(Failure::TimedOut(Stage::Connect)));
    }
}
