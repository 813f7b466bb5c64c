//! The policy as it runs: a ward with one instance. Owns nothing but the calls; must never look
//! into the ward.

use std::sync::Arc;

use tsg_core::health::fact::Fact;
use tsg_core::health::quorum::Ability;
use tsg_core::health::spec::HealthSpec;
use tsg_core::health::verdict::Judgement;
use tsg_core::health::ward::{Target, Ward};
use tsg_core::model::id::{GroupId, InstanceId};
use tsg_core::model::time::Timestamp;
use uuid::Uuid;

use super::Judge;

pub fn group(number: u128) -> GroupId {
    GroupId::new(Uuid::from_u128(number))
}

pub fn instance(number: u128) -> InstanceId {
    InstanceId::new(Uuid::from_u128(number))
}

pub struct Warded {
    ward: Ward,
    health: Arc<HealthSpec>,
}

impl Warded {
    pub fn new(health: Arc<HealthSpec>, began_at: Timestamp, has_served: bool, now: Timestamp) -> Self {
        let mut ward = Ward::new(now);
        ward.set_group(
            group(1),
            &health,
            &[Target { instance: instance(1), began_at, has_served, was_ready: has_served }],
            now,
        );
        Self { ward, health }
    }
}

impl Judge for Warded {
    fn set_prober(&mut self, prober: u16, ability: Ability, now: Timestamp) {
        self.ward.set_prober(prober, ability, now);
    }

    fn note(&mut self, prober: u16, check: u16, fact: Fact, now: Timestamp) {
        self.ward.note(prober, instance(1), check, fact, now);
    }

    fn restart(&mut self, now: Timestamp) {
        let target = Target { instance: instance(1), began_at: now, has_served: true, was_ready: true };
        self.ward.set_group(group(1), &self.health, &[target], now);
    }

    fn judgement(&mut self, now: Timestamp) -> Judgement {
        self.ward.advance(now);
        self.ward.judgement(instance(1), now).expect("it has a seat")
    }
}
