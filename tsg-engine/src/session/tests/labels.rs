//! What machines carry, and where each of their NICs is, is known as of the newest complete list that
//! showed it, and else not.

use super::*;
use crate::session::sight::Listing;
use tsg_core::model::id::NetworkId;
use tsg_core::model::labels::LabelPage;
use tsg_core::model::nic::Nic;
use tsg_core::model::tag::SeenValue;
use tsg_core::observe::paging::Paging;
use tsg_core::ports::cloud::{Addressing, InstancePage, Labelling};

impl Stage {
    /// A list is read, and its only page is answered.
    fn read_list(&mut self, labelling: Labelling, reply: Result<InstancePage, CloudError>) {
        let paging = Some(Paging::new(self.now, labelling).with_addresses(Addressing::EveryNetwork));
        self.session.sight.listing = Some(Listing { began: Duration::ZERO, pages: 0, paging });
        done(self.session.take_page(reply)).unwrap();
    }

    /// A page with somebody else's machine.
    fn page(&self, role: Option<&str>) -> InstancePage {
        let foreign = ObservedInstance { named: None, claim: None, ..self.machine(MACHINE) };
        let labels = role.map(|role| {
            let mut labels = LabelPage::new();
            labels.push(foreign.id, "silent_bob", [("role", SeenValue::Text(role))]);
            labels
        });
        InstancePage { instances: vec![foreign], labels, nics: None, server_time: None }
    }

    fn role(&self) -> Option<&str> {
        self.session.sight.carried.as_ref()?.machines().find(|(machine, _)| machine.id() == MACHINE)?.0.tag("role")
    }
}

#[test]
fn labels_are_those_of_the_newest_complete_list() {
    let mut stage = Stage::new();
    assert_eq!(stage.role(), None);
    stage.read_list(Labelling::Labelled, Ok(stage.page(Some("db"))));
    assert_eq!(stage.role(), Some("db"));
    let unavailable = CloudError {
        kind: ErrorKind::Unavailable,
        code: CloudCode::Other,
        reach: tsg_core::ports::cloud::Reach::MaybeSent,
        status: None,
        message: String::new(),
        request_id: None,
        retry_after: None,
    };
    stage.read_list(Labelling::Labelled, Err(unavailable));
    assert_eq!(stage.role(), Some("db"), "a list that failed shows nothing");
    stage.read_list(Labelling::Labelled, Ok(stage.page(Some("web"))));
    assert_eq!(stage.role(), Some("web"));
    stage.read_list(Labelling::Bare, Ok(stage.page(None)));
    assert_eq!(stage.role(), None, "what was shown earlier may be over");
}

#[test]
fn labels_are_not_asked_for_where_no_rule_needs_them() {
    let mut stage = Stage::new();
    stage.session.ask_for_list();
    let listing = stage.session.sight.listing.as_ref();
    let page = listing.and_then(|listing| listing.paging.as_ref()).map(Paging::page);
    assert_eq!(page.map(|page| (page.labelling, page.addressing)), Some((Labelling::Bare, Addressing::Primary)));
}

#[test]
fn nics_are_asked_for_where_a_check_names_a_network_and_are_those_of_the_newest_list() {
    let mut stage = Stage::new();
    stage.session.networked.insert(GROUP);
    assert!(stage.session.lacks_nics());
    stage.session.ask_for_list();
    let asked = stage.session.sight.listing.as_ref().and_then(|listing| listing.paging.as_ref()).map(Paging::page);
    assert_eq!(asked.map(|page| page.addressing), Some(Addressing::EveryNetwork));
    assert!(!stage.session.lacks_nics(), "they are under way");

    let network = NetworkId::new(Uuid::from_u128(9));
    let nic = Nic { instance: MACHINE, network, address: [10, 0, 0, 7].into() };
    stage.read_list(Labelling::Bare, Ok(InstancePage { nics: Some(vec![nic]), ..stage.page(None) }));
    let known = |stage: &Stage| stage.session.sight.nics.as_ref()?.of_instance(MACHINE);
    assert_eq!(known(&stage), Some([(network, nic.address)].into()));
    stage.read_list(Labelling::Bare, Ok(stage.page(None)));
    assert_eq!(known(&stage), None, "what was shown earlier may be over");
}
