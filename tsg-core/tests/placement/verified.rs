//! What is found of one that landed is what the rules would have said of its node without it.

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use tsg_core::model::id::{ComputeNodeId, InstanceId};
use tsg_core::placement::compile::{Newcomer, Resident, View};
use tsg_core::placement::inventory::Label;
use tsg_core::placement::rule::{Criterion, PlacementSpec, SpecPlace};
use tsg_core::placement::topology::{Coverage, Site, Topology};
use tsg_core::placement::verify::{Inspection, Unknown, Verdict, Verified, prospects};
use uuid::Uuid;

const NODES: u128 = 6;

fn node(number: u128) -> ComputeNodeId {
    ComputeNodeId::new(Uuid::from_u128(number + 1))
}

fn labels() -> [Label; 3] {
    let role = |value: &str| Label { criterion: Criterion::InstanceTag("role".into()), value: value.into() };
    [Label { criterion: Criterion::Service, value: "web".into() }, role("db"), role("filler")]
}

/// Racks and names for some nodes; some are not listed at all.
fn topology() -> impl Strategy<Value = Topology> {
    let site = (any::<bool>(), 0..4_u8, any::<bool>());
    (vec(site, NODES as usize), any::<bool>(), any::<bool>()).prop_map(|(sites, is_whole, is_named)| {
        let listed = (0..).zip(sites).filter(|(_, (is_listed, ..))| *is_listed || is_whole);
        let nodes = listed.map(|(number, (_, rack, has_name))| {
            let rack = (rack > 0).then(|| format!("r{rack}"));
            (node(number), Site { rack, name: has_name.then(|| format!("cn-{number}")) })
        });
        Topology {
            nodes: nodes.collect(),
            coverage: if is_whole { Coverage::Whole } else { Topology::default().coverage },
            data_centre: is_named.then(|| "dc1".to_owned()),
        }
    })
}

fn spec() -> impl Strategy<Value = PlacementSpec> {
    let what = prop_oneof![
        Just("service{}web"),
        Just("role{}db"),
        Just("role{}*"),
        Just("instance{}web-*"),
        Just("instance{}/^web-[1-3]$/"),
        Just("cn{}cn-1"),
        Just("role{}nobody"),
    ];
    let operator = prop_oneof![Just("=="), Just("!="), Just("==~"), Just("!=~")];
    let rules =
        || vec((what.clone(), operator.clone()).prop_map(|(what, operator)| what.replace("{}", operator)), 0..4);
    (rules(), rules(), rules()).prop_map(|(cn, rack, dc)| {
        let spread = serde_json::json!([{ "over": "rack", "max_skew": 1 }]);
        let form = serde_json::json!({ "cn": cn, "rack": rack, "dc": dc, "spread": spread });
        serde_json::from_value(form).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_that_landed_is_judged_beside_the_others(
        topology in topology(),
        spec in spec(),
        drawn in vec((0..3_usize, proptest::option::weighted(0.9, 0..NODES)), 1..12),
        kind in 0..3_usize,
    ) {
        let labels = labels();
        let names: Vec<String> = (0..drawn.len()).map(|number| format!("web-{number}")).collect();
        let resident = |number: usize, label: usize, on: Option<u128>| Resident {
            id: InstanceId::new(Uuid::from_u128(number as u128 + 100)),
            name: names.get(number).map_or("filler", String::as_str),
            labels: &labels[label..=label],
            node: on.map(node),
        };
        // One that no rule is about keeps each node in sight.
        let fillers = (0..NODES).map(|number| resident(200 + number as usize, 2, Some(number)));
        let fillers: Vec<_> = fillers.map(|filler| Resident { labels: &[], ..filler }).collect();
        let residents = drawn.iter().enumerate().map(|(number, (label, on))| resident(number, *label, *on));
        let residents: Vec<_> = residents.chain(fillers).collect();
        let newcomer = Newcomer { labels: &labels[kind..=kind], group: Some(&labels[kind]), ..Newcomer::default() };

        let view = View::new(&topology, residents.clone(), vec![]);
        let inspection = Inspection::new(&spec, &view, &newcomer);
        for (at, landed) in residents.iter().enumerate() {
            let found: Vec<Verified> = inspection.landed(landed.id);
            let is_rule = |one: &&Verified| matches!(one.at, SpecPlace::Rule { .. });
            let rules: Vec<Verified> = found.iter().filter(is_rule).copied().collect();
            let mut others = residents.clone();
            others.remove(at);
            let without = View::new(&topology, others, vec![]);
            let prospects = prospects(&spec, &without, &newcomer);
            match landed.node {
                Some(on) => {
                    let prospect = prospects.iter().find(|prospect| prospect.node == on);
                    // A filler may have been the only one there.
                    if let Some(prospect) = prospect {
                        prop_assert_eq!(&rules, &prospect.verified, "{}", landed.name);
                    }
                }
                None => {
                    let is_unknown = |one: &&Verified| matches!(one.verdict, Verdict::Unknown(_));
                    prop_assert_eq!(found.iter().filter(is_unknown).count(), found.len());
                    prop_assert_eq!(found.last().map(|one| one.verdict), Some(Verdict::Unknown(Unknown::NotPlaced)));
                }
            }
        }
    }
}
