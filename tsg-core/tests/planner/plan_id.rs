//! The ids of plans, exactly: what is hashed for them, and which texts are ids.

use crate::support::table::{Scene, scene};
use sha2::{Digest, Sha256};
use tsg_core::model::fingerprint::Fingerprint;
use tsg_core::model::id::{GroupId, OperationId};
use tsg_core::plan::Plan;
use tsg_core::plan::fingerprint::{InvalidPlanId, PlanId};
use tsg_core::plan::output::{Action, Origin};
use uuid::Uuid;

fn id(scene: &Scene, plan: &Plan) -> PlanId {
    plan.id(&scene.input(&scene.members))
}

/// The plan of a group that lacks two, one of which takes an ordinal.
fn plan_with_origin(scene: &Scene, of_create: usize) -> Plan {
    let mut plan = scene.plan().unwrap();
    let Action::Create { operation, .. } = plan.actions[of_create].action else { panic!("{plan:?}") };
    plan.origins = vec![Origin { operation, replaces: None, retries: 0, ordinal: Some(3), avoid: [None; 2] }];
    plan
}

#[test]
fn it_is_the_first_half_of_the_hash_of_its_lines() {
    let scene = scene("group 2");
    let plan = plan_with_origin(&scene, 1);
    let nobody = serde_json::to_string(&OperationId::from_bits(0)).unwrap();
    let policy = serde_json::to_string(&Fingerprint::of(&scene.policy)).unwrap();
    let step = |number: u32| {
        let planned = format!(
            r#"{{"action":{{"create":{{"operation":{nobody},"revision":1}}}},"expects":null,"reason":{}}}"#,
            r#"{"below_capacity":{"occupied":0,"wanted":2}}"#
        );
        format!(r#"{{"number":{number},"planned":{planned}}}"#)
    };
    let origin = format!(r#"{{"operation":{nobody},"replaces":null,"retries":0,"ordinal":3,"avoid":[null,null]}}"#);
    let lines = [
        r#"["tsg plan 1","00000000-0000-0000-0000-000000000001","active"]"#.into(),
        format!("[2,1,{policy}]"),
        step(0),
        step(1),
        format!("[1,{origin}]"),
    ];
    let text = lines.map(|line| line + "\n").concat();
    let whole: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(id(&scene, &plan).to_string(), whole[..32], "a plan that was shown is applied by a later version");
}

#[test]
fn another_group_origin_or_new_operation_that_it_is_of_is_another_plan() {
    let shown = scene("group 2");
    let mut of_another = scene("group 2");
    of_another.intent.group = GroupId::new(Uuid::from_u128(2));
    let plan = shown.plan().unwrap();
    let ids = [
        id(&shown, &plan),
        id(&of_another, &plan),
        id(&shown, &plan_with_origin(&shown, 0)),
        id(&shown, &plan_with_origin(&shown, 1)),
    ];
    for (place, one) in ids.iter().enumerate() {
        assert!(!ids[..place].contains(one), "{place}");
    }
}

#[test]
fn an_id_is_32_lower_case_digits_and_shows_them() {
    let text = "0123456789abcdef0123456789abcdef";
    let parsed: PlanId = text.parse().unwrap();
    assert_eq!((parsed.to_string(), format!("{parsed:?}")), (text.into(), format!("PlanId({text})")));
    for wrong in ["0123456789ABCDEF0123456789abcdef", "+123456789abcdef0123456789abcdef", &text[1..]] {
        assert_eq!(wrong.parse::<PlanId>(), Err(InvalidPlanId), "{wrong}");
    }
}
