//! The same, as `dig` sees it: a resolver nobody here wrote.
//!
//! Its package is bind9-dnsutils; `cargo xtask tools` installs it.

use std::process::Command;

use tsg_sim::world::{Fault, Target};

use crate::scene::{Scene, ZONE};

/// The lines that `dig` prints, sorted.
async fn dig(scene: &Scene, arguments: &[&str]) -> Vec<String> {
    let (address, mut command) = (scene.address(), Command::new("dig"));
    command.arg(format!("@{}", address.ip())).args(["-p", &address.port().to_string()]).args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().expect("dig (package bind9-dnsutils) is needed");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{arguments:?}: {text}");
    let mut lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    lines.retain(|line| !line.is_empty());
    lines.sort();
    lines
}

#[tokio::test]
async fn it_prints_what_is_there() {
    let scene = Scene::with(&[("web-1", "web:8080"), ("web-2", "web:8080:weight=5")]).await;
    let name = format!("web.svc.demo.{ZONE}");
    let mut ips: Vec<String> =
        scene.machines.iter().flat_map(|id| scene.addresses(*id)).map(|ip| ip.to_string()).collect();
    ips.sort();
    assert_eq!(dig(&scene, &["+short", &name]).await, ips);
    let mut ids: Vec<String> = scene.machines.iter().map(|id| format!("\"{id}\"")).collect();
    ids.sort();
    assert_eq!(dig(&scene, &["+short", &name, "TXT"]).await, ids);
    let srv = [
        format!("{name}. 30 IN SRV 0 10 8080 web-1.inst.demo.{ZONE}."),
        format!("{name}. 30 IN SRV 0 5 8080 web-2.inst.demo.{ZONE}."),
    ];
    assert_eq!(dig(&scene, &["+noall", "+answer", &name, "SRV"]).await, srv);
    assert_eq!(dig(&scene, &["+noall", "+answer", "+tcp", &name, "SRV"]).await, srv);
    assert_eq!(dig(&scene, &["+noall", "+answer", ZONE, "NS"]).await, [format!("{ZONE}. 3600 IN NS ns.{ZONE}.")]);
}

#[tokio::test]
async fn it_finds_no_fault_with_how_no_is_said() {
    let scene = Scene::with(&[("web-1", "web")]).await;
    let unknown = dig(&scene, &["+norecurse", &format!("api.svc.demo.{ZONE}")]).await.join("\n");
    assert!(unknown.contains("status: NXDOMAIN") && unknown.contains(" aa"), "{unknown}");
    let empty = dig(&scene, &["+norecurse", &format!("web.svc.demo.{ZONE}"), "MX"]).await.join("\n");
    assert!(empty.contains("status: NOERROR") && empty.contains("ANSWER: 0, AUTHORITY: 1"), "{empty}");
    for text in [unknown, empty] {
        assert!(!text.to_lowercase().contains("warning"), "{text}");
    }
}

#[tokio::test]
async fn it_goes_over_to_tcp_for_what_udp_cannot_carry() {
    let names: Vec<String> = (0..120).map(|n| format!("web-{n}")).collect();
    let machines: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "web")).collect();
    let scene = Scene::with(&machines).await;
    let name = format!("web.svc.demo.{ZONE}");
    let cut = dig(&scene, &["+ignore", &name]).await.join("\n");
    assert!(cut.contains(" tc"), "{cut}");
    assert_eq!(dig(&scene, &["+short", &name]).await.len(), 240);
}

#[tokio::test]
async fn it_stops_listing_a_machine_that_died() {
    let scene = Scene::with(&[("web-1", "web"), ("web-2", "web")]).await;
    let name = format!("web.svc.demo.{ZONE}");
    scene.inject(Fault::KillInstance { machine: Target::Named("web-1".into()) }).await;
    assert_eq!(dig(&scene, &["+short", &name]).await.len(), 4);
    scene.advance(3_000).await;
    let mut ips: Vec<String> = scene.addresses(scene.machines[1]).iter().map(ToString::to_string).collect();
    ips.sort();
    assert_eq!(dig(&scene, &["+short", &name]).await, ips);
}
