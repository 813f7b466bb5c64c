//! Lists: filters with their surprises, order, and paging.

use proptest::prelude::{ProptestConfig, any, prop, proptest};
use tsg_sim::world::{ListQuery, ListedState, MachineAction, Scalar, ScalarInput};

use crate::fixture::{Site, params, site, text, told};

fn listed(site: &Site, pairs: &[(&str, &str)]) -> Vec<String> {
    let query = ListQuery::parse(&params(pairs)).unwrap();
    let page = site.world.list_machines(site.demo, &query);
    let mut names: Vec<String> = page.items.iter().map(|machine| machine.name.clone()).collect();
    names.sort();
    names
}

fn refused(pairs: &[(&str, &str)]) -> String {
    told(&ListQuery::parse(&params(pairs)).unwrap_err())
}

#[test]
fn the_name_filter_is_a_prefix() {
    let mut site = site();
    for name in ["web", "web1", "web-2", "aweb", "we"] {
        let request = site.request(name);
        site.create(request).unwrap();
    }
    assert_eq!(listed(&site, &[("name", "web")]), ["web", "web-2", "web1"]);
    assert_eq!(listed(&site, &[("name", "web"), ("brand", "lx")]), [""; 0]);
    assert!(refused(&[("name", "a b")]).starts_with("409 ValidationFailed"));
}

#[test]
fn states_have_a_closed_list() {
    let mut site = site();
    site.running("up");
    let down = site.running("down");
    site.world.act_on_machine(&site.caller.clone(), &down.to_string(), MachineAction::Stop).unwrap();
    site.settle();
    let gone = site.running("gone");
    site.world.delete_machine(&site.caller.clone(), &gone.to_string()).unwrap();
    site.settle();
    assert_eq!(listed(&site, &[("state", "running")]), ["up"]);
    assert_eq!(listed(&site, &[("state", "stopped")]), ["down"]);
    for all_active in ["active", "provisioning", "stopping"] {
        assert_eq!(listed(&site, &[("state", all_active)]), ["down", "up"]);
    }
    assert_eq!(listed(&site, &[("state", "destroyed")]), ["gone"]);
    assert_eq!(listed(&site, &[("tombstone", "true")]), ["down", "gone", "up"]);
    for illegal in ["failed", "deleted", "offline"] {
        assert_eq!(refused(&[("state", illegal)]), format!("409 InvalidArgument {illegal} is not a valid state"));
    }
    assert!(refused(&[("state", "unknown")]).starts_with("409 ValidationFailed"));
    assert_eq!(refused(&[("type", "toaster")]), "409 InvalidArgument toaster is not a valid type");
}

#[test]
fn tags_are_compared_as_text_with_wildcards_and_all_must_hold() {
    let mut site = site();
    for (name, n, flag, role) in [("a", 3, true, "web"), ("b", 4, false, "web"), ("c", 3, true, "db")] {
        let mut request = site.request(name);
        request.tags.insert("n".into(), ScalarInput::Scalar(Scalar::Integer(n)));
        request.tags.insert("b".into(), ScalarInput::Scalar(Scalar::Bool(flag)));
        request.tags.insert("role".into(), text(role));
        site.create(request).unwrap();
    }
    let request = site.request("plain");
    site.create(request).unwrap();
    assert_eq!(listed(&site, &[("tag.n", "3")]), ["a", "c"]);
    assert_eq!(listed(&site, &[("tag.b", "true")]), ["a", "c"]);
    assert_eq!(listed(&site, &[("tag.role", "*")]), ["a", "b", "c"]);
    assert_eq!(listed(&site, &[("tag.role", "w*")]), ["a", "b"]);
    assert_eq!(listed(&site, &[("tag.role", "web"), ("tag.n", "3")]), ["a"]);
    assert_eq!(listed(&site, &[("memory", "1024"), ("tag.role", "web")]), ["a", "b"]);
    assert_eq!(listed(&site, &[("memory", "2048")]), [""; 0]);
}

#[test]
fn limits_and_offsets_are_checked() {
    for (key, value) in [("limit", "0"), ("limit", "1001"), ("limit", "x"), ("offset", "-1"), ("offset", "x")] {
        assert!(refused(&[(key, value)]).starts_with("409 ValidationFailed"), "{key}={value}");
    }
    assert_eq!(ListQuery::parse(&params(&[])).unwrap().limit, 1_000);
}

#[test]
fn another_account_sees_nothing() {
    let mut site = site();
    site.running("web");
    assert!(site.world.list_machines(site.other, &ListQuery::default()).items.is_empty());
    let id = site.world.live_machines(site.demo).next().unwrap().id.to_string();
    assert_eq!(
        told(&site.world.machine(site.other, &id).unwrap_err()),
        format!("404 ResourceNotFound VM {id} not found")
    );
}

#[test]
fn a_machine_that_goes_between_two_pages_makes_a_living_one_slip_through() {
    let mut site = site();
    for n in 0..4 {
        site.running(&format!("web{n}"));
    }
    let query = |offset| ListQuery { limit: 2, offset, ..ListQuery::default() };
    let first: Vec<_> = site.world.list_machines(site.demo, &query(0)).items.iter().map(|machine| machine.id).collect();
    site.world.delete_machine(&site.caller.clone(), &first[0].to_string()).unwrap();
    site.settle();
    let second = site.world.list_machines(site.demo, &query(2));
    assert_eq!(second.items.len(), 1, "of two living ones that were not on the first page");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Pages are uuid-descending, without gap or repetition, and agree with a filter by hand.
    #[test]
    fn pages_cover_exactly_what_passes(
        roles in prop::collection::vec(0_u8..3, 1..30),
        limit in 1_u64..9,
        wanted in 0_u8..3,
        asks_for_role in any::<bool>(),
    ) {
        let mut site = site();
        for (n, role) in roles.iter().enumerate() {
            site.placed(&format!("m{n}"), ("role", &format!("r{role}")), &[]).unwrap();
        }
        let mut query = ListQuery { limit, state: Some(ListedState::Active), ..ListQuery::default() };
        if asks_for_role {
            query.tags.insert("role".into(), format!("r{wanted}"));
        }
        let mut collected = Vec::new();
        loop {
            query.offset = collected.len() as u64;
            let page = site.world.list_machines(site.demo, &query);
            collected.extend(page.items.iter().map(|machine| machine.id));
            if (page.items.len() as u64) < limit {
                break;
            }
        }
        let mut expected: Vec<_> = site
            .world
            .live_machines(site.demo)
            .filter(|machine| !asks_for_role || machine.tags["role"] == Scalar::from(format!("r{wanted}")))
            .map(|machine| machine.id)
            .collect();
        expected.sort_by(|a, b| b.cmp(a));
        assert_eq!(collected, expected);
    }
}
