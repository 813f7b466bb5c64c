//! Machines that were filed to be deleted: a DELETE may be on its way to them, so nothing takes
//! them back, and only what is proved to be gone is.

use super::*;
use tsg_core::ports::cloud::Reach;
use tsg_core::protocol::resolve::Resolution;

const MINUTE: Duration = Duration::from_secs(60);

fn file(edit: &mut Edit<'_>, _: Timestamp) -> Result<(), InvalidEdge> {
    edit.add_residue(FIRST, MACHINE);
    Ok(())
}

fn lose(edit: &mut Edit<'_>, _: Timestamp) -> Result<(), InvalidEdge> {
    edit.call_quiet(FIRST);
    edit.enter(FIRST, Phase::Lost, "test")
}

impl Stage {
    fn with_residue() -> Self {
        let mut stage = Self::new();
        stage.write(file);
        stage
    }

    /// A get of the residue is answered, so many minutes after the quiet time is over.
    fn get(&mut self, minutes: u32, reply: Result<ObservedInstance, CloudError>) {
        self.time.advance_to(self.session.config.timing.quiet + MINUTE * minutes);
        let now = self.session.monotonic();
        self.session.sight.note_test(true, now);
        let asked_at = self.session.now();
        done(self.session.take(Answer::Got { operation: FIRST, instance: MACHINE, asked_at, reply }));
    }

    fn list(&mut self) {
        let instances = [self.machine(MACHINE)].into_iter().collect();
        self.session.sight.snapshot = Snapshot { taken_at: self.now, instances };
        done(self.session.take_arrivals()).unwrap();
    }

    /// A create request is answered: it made the machine.
    fn hear(&mut self, attempt: usize) {
        let (began, asked_at) = (Duration::ZERO, self.now);
        let request = CreateUnderWay { group: GROUP, operation: FIRST, attempt, began, asked_at };
        let sent = Sent::Replied(Ok(self.machine(MACHINE)));
        done(self.session.take(Answer::Created { request, sent }));
    }

    /// The machine is nobody's own, and still to be deleted.
    fn assert_filed(&self) {
        let operation = self.operation(FIRST);
        assert_eq!((operation.instance, operation.residue), (None, vec![MACHINE]));
    }
}

fn not_found() -> Result<ObservedInstance, CloudError> {
    Err(CloudError {
        kind: ErrorKind::NotFound,
        code: CloudCode::ResourceNotFound,
        reach: Reach::Answered,
        status: Some(404),
        message: String::new(),
        request_id: None,
        retry_after: None,
    })
}

/// A second attempt is under way, and the machine of the first was filed.
fn sent_again() -> Stage {
    let mut stage = Stage::new();
    stage.write(call_quiet);
    stage.write(|edit, now| edit.dispatch_create(FIRST, now, Fingerprint::ZERO));
    stage.write(file);
    stage
}

#[test]
fn residue_that_is_filed_leaves_an_audit_entry() {
    let event = Stage::with_residue().audit().pop().unwrap().event;
    assert_eq!(event, AuditEvent::ResidueFiled { operation: FIRST, instance: MACHINE });
}

#[test]
fn residue_that_is_seen_again_is_not_gone() {
    let ways: [fn(&mut Stage); 2] = [|stage| stage.get(2, Ok(stage.machine(MACHINE))), Stage::list];
    for (number, see) in ways.into_iter().enumerate() {
        let mut stage = Stage::with_residue();
        stage.get(1, not_found());
        see(&mut stage);
        stage.get(3, not_found());
        assert_eq!(stage.operation(FIRST).residue, [MACHINE], "{number}");
        stage.get(4, not_found());
        assert_eq!(stage.operation(FIRST).residue, [], "{number}");
    }
}

#[test]
fn residue_that_comes_up_after_all_stays_residue() {
    let mut stage = Stage::with_residue();
    let now = stage.now;
    let recorded = done(stage.session.books.record(GROUP, now, |edit| edit.bind(FIRST, MACHINE, "test")));
    assert_eq!(recorded, Ok(Recorded::Nothing));
    stage.assert_filed();
}

#[test]
fn a_reply_that_was_held_up_does_not_take_back_what_was_filed_meanwhile() {
    let mut lost = Stage::with_residue();
    lost.write(lose);
    let stages = [(Stage::with_residue(), Phase::Unknown), (lost, Phase::Lost), (sent_again(), Phase::Unknown)];
    for (mut stage, phase) in stages {
        stage.session.doubts.clear();
        stage.hear(stage.operation(FIRST).attempts.len() - 1);
        stage.assert_filed();
        assert_eq!(stage.operation(FIRST).phase, phase);
        // It is found out what became of the request, as if nobody had answered.
        assert_eq!(stage.session.doubts.contains_key(&FIRST), phase == Phase::Unknown, "{phase:?}");
    }
}

#[test]
fn an_earlier_reply_for_residue_leaves_the_attempt_under_way_alone() {
    let mut stage = sent_again();
    stage.hear(0);
    stage.assert_filed();
    assert_eq!(stage.operation(FIRST).phase, Phase::Sent);
}

#[test]
fn what_a_look_up_found_is_not_bound_once_somebody_else_has_filed_it() {
    let mut stage = Stage::new();
    stage.write_elsewhere(file);
    let resolution = Resolution::Bind { instance: stage.machine(MACHINE), residue: Vec::new() };
    done(stage.session.apply_finding(FIRST, resolution)).unwrap();
    done(stage.session.take_in_rereads()).unwrap();
    stage.assert_filed();
    let operation = stage.operation(FIRST);
    assert_eq!((operation.phase, operation.attempts[0].outcome), (Phase::Unknown, None));
    assert!(stage.session.doubts.contains_key(&FIRST));
}

#[test]
fn what_came_late_is_not_bound_once_somebody_else_has_filed_it() {
    let mut stage = Stage::new();
    stage.write(lose);
    stage.write_elsewhere(file);
    stage.list();
    stage.assert_filed();
    assert_eq!(stage.operation(FIRST).phase, Phase::Lost);
}
