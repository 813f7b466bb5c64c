//! A prober that cannot see its control targets has nothing to say of others.

use std::sync::Arc;

use tsg_core::health::fact::Outcome;
use tsg_server::probe::{Ability, Control, ProberConfig, Report};

use crate::responders::{OK, Responder, answer, answering, hang};
use crate::rig::{Rig, assignment, check, http, loopback, nic};

fn control(responder: &Responder) -> Control {
    let spec = check(&format!(r#"{{"type": "tcp", "port": {}}}"#, responder.port()));
    Control { nic: nic(responder.address.ip()), spec: Arc::new(spec) }
}

async fn ability(rig: &mut Rig) -> Ability {
    loop {
        if let Report::Ability(ability) = rig.report().await {
            return ability;
        }
    }
}

#[tokio::test]
async fn without_a_control_target_that_answers_nothing_is_found() {
    let (first, second, target) = (Responder::new(hang).await, Responder::new(hang).await, answering(OK).await);
    let controls = vec![control(&first), control(&second)];
    let mut rig = Rig::new(ProberConfig { controls, uses_max: 1, ..loopback() });
    rig.prober.replace(vec![assignment(1, target.address, http(target.port()))]).await;
    assert_eq!(ability(&mut rig).await, Ability::Unable, "nothing is known of them yet");
    assert_eq!(ability(&mut rig).await, Ability::Able);
    rig.findings().await;

    drop(first);
    rig.outcomes(1, 5).await;
    assert!(rig.prober.counts().is_able, "one is enough");

    let address = second.address;
    drop(second);
    assert_eq!(ability(&mut rig).await, Ability::Unable);
    let probed = target.accepted();
    while target.accepted() < probed + 5 {
        tokio::task::yield_now().await;
    }
    assert!(rig.reports.try_recv().is_err(), "it goes on probing and says nothing");
    assert!(rig.prober.counts().withheld >= 4);

    let _again = Responder::at(address, |stream| answer(stream, OK)).await;
    assert_eq!(rig.report().await, Report::Ability(Ability::Able));
    assert_eq!(rig.outcomes(1, 1).await[0], Outcome::Passed);
    rig.prober.shutdown().await;
}
