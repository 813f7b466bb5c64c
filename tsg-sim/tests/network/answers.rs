//! What is answered: names, records, how long they live, and how no is said.

use hickory_server::proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_server::proto::rr::{DNSClass, Name, RecordType};

use crate::dns::{both, outcome, question, question_for, tcp, texts, udp};
use crate::scene::{Scene, ZONE};

#[tokio::test]
async fn records_of_every_kind_live_for_thirty_seconds() {
    let scene = Scene::with(&[("web-1", "web:8080:priority=1:weight=20"), ("web-2", "web:8081,api")]).await;
    let (server, [one, two]) = (scene.address(), [scene.machines[0], scene.machines[1]]);
    let mut ips: Vec<String> = [one, two].iter().flat_map(|id| scene.addresses(*id)).map(|ip| ip.to_string()).collect();
    ips.sort();
    let mut ids = vec![one.to_string(), two.to_string()];
    ids.sort();
    for owner in ["demo".to_owned(), scene.demo.to_string()] {
        let name = format!("web.svc.{owner}.{ZONE}.");
        let a = both(server, &name, RecordType::A).await;
        assert_eq!(texts(&a.answers), ips);
        assert_eq!(texts(&both(server, &name, RecordType::TXT).await.answers), ids);
        let srv = both(server, &name, RecordType::SRV).await;
        let targets = [format!("0 10 8081 web-2.inst.demo.{ZONE}."), format!("1 20 8080 web-1.inst.demo.{ZONE}.")];
        assert_eq!(texts(&srv.answers), targets);
        assert_eq!(texts(&srv.additionals), ips, "with the addresses of the targets");
        for message in [&a, &srv] {
            assert!(message.metadata.authoritative && !message.metadata.truncation);
            assert!(message.answers.iter().chain(&message.additionals).all(|record| record.ttl == 30));
            assert_eq!(texts(&message.authorities), [format!("ns.{ZONE}.")]);
            assert_eq!(message.authorities[0].ttl, 3_600);
        }
    }
    let zone = both(server, &format!("{ZONE}."), RecordType::SOA).await;
    assert_eq!(zone.answers.len(), 1);
    assert!(texts(&zone.answers)[0].starts_with(&format!("ns.{ZONE}. hostmaster.{ZONE}. ")), "{zone:?}");
    assert_eq!(texts(&both(server, ZONE, RecordType::NS).await.answers), [format!("ns.{ZONE}.")]);
}

#[tokio::test]
async fn a_missing_name_is_told_from_a_missing_record() {
    let scene = Scene::with(&[("web-1", "web")]).await;
    let cases = [
        (format!("web.svc.demo.{ZONE}"), RecordType::SRV, ResponseCode::NoError),
        (format!("web.svc.demo.{ZONE}"), RecordType::AAAA, ResponseCode::NoError),
        (format!("svc.demo.{ZONE}"), RecordType::A, ResponseCode::NoError),
        (format!("api.svc.demo.{ZONE}"), RecordType::A, ResponseCode::NXDomain),
        (format!("web.svc.other.{ZONE}"), RecordType::A, ResponseCode::NXDomain),
        (format!("a.web.svc.demo.{ZONE}"), RecordType::A, ResponseCode::NXDomain),
    ];
    for (name, kind, code) in cases {
        let answer = both(scene.address(), &name, kind).await;
        assert_eq!(outcome(&answer), (code, 0), "{name} {kind}");
        assert!(answer.metadata.authoritative);
        assert_eq!(answer.authorities.len(), 1, "how long to believe it is said by the zone's own record");
        assert!(texts(&answer.authorities)[0].ends_with(" 30"), "{answer:?}");
        assert_eq!(answer.authorities[0].ttl, 30);
    }
}

#[tokio::test]
async fn letter_case_is_ignored_and_given_back() {
    let scene = Scene::with(&[("Web_1", "Web")]).await;
    for name in [format!("WEB.sVc.Demo.{}.", ZONE.to_uppercase()), format!("wEb-1.INST.demo.{ZONE}.")] {
        let answer = udp(scene.address(), &question(&name, RecordType::A)).await;
        assert_eq!(outcome(&answer), (ResponseCode::NoError, 2));
        assert_eq!(answer.queries[0].name().to_ascii(), name);
        assert!(answer.answers.iter().all(|record| record.name.to_ascii() == name));
    }
}

#[tokio::test]
async fn large_answers_are_cut_over_udp_and_whole_over_tcp() {
    let names: Vec<String> = (0..100).map(|n| format!("web-{n}")).collect();
    let machines: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "web:80")).collect();
    let scene = Scene::with(&machines).await;
    let (server, name) = (scene.address(), format!("web.svc.demo.{ZONE}."));
    for (kind, count) in [(RecordType::A, 200), (RecordType::TXT, 100), (RecordType::SRV, 100)] {
        for cut in [question(&name, kind), question_for(&name, kind, 4_096)] {
            let answer = udp(server, &cut).await;
            assert!(answer.metadata.truncation && answer.answers.len() < count, "{kind}");
        }
        let whole = tcp(server, &question(&name, kind)).await;
        assert!(!whole.metadata.truncation);
        assert_eq!(whole.answers.len(), count);
    }
    let one = udp(server, &question_for(&format!("web-7.inst.demo.{ZONE}."), RecordType::A, 1_232)).await;
    assert_eq!((one.metadata.truncation, one.max_payload()), (false, 1_232));
}

#[tokio::test]
async fn what_is_no_question_about_the_zone_is_refused() {
    let scene = Scene::with(&[("web-1", "web")]).await;
    let name = format!("web.svc.demo.{ZONE}.");
    let mut chaos = Query::query(Name::from_ascii(&name).unwrap(), RecordType::A);
    chaos.set_query_class(DNSClass::CH);
    let mut of_chaos = Message::query();
    of_chaos.add_query(chaos);
    let mut notify = question(&name, RecordType::SOA);
    notify.metadata.op_code = OpCode::Notify;
    let cases = [
        (question("example.com.", RecordType::A), ResponseCode::Refused),
        (question(ZONE, RecordType::AXFR), ResponseCode::Refused),
        (of_chaos, ResponseCode::Refused),
        (notify, ResponseCode::NotImp),
        (Message::query(), ResponseCode::FormErr),
    ];
    for (message, code) in cases {
        let answer = udp(scene.address(), &message).await;
        assert_eq!(outcome(&answer), (code, 0), "{message:?}");
        assert!(!answer.metadata.authoritative);
    }
}
