//! What the data centre refuses, and how the command says so.

use tsg_sim::world::{Fault, FaultRule, Package};

use crate::support::keys::ring;
use crate::triton::{Triton, site};

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_sub_users_without_roles_are_refused() {
    let site = site().await;
    let (code, complaint) = Triton::with_key(&site, &ring().stranger).refused(&["info"]).await;
    assert_eq!(code, 1, "{complaint}");
    assert!(complaint.contains("Invalid authorization credentials supplied"), "{complaint}");
    let (code, complaint) = Triton::bob(&site).refused(&["account", "get"]).await;
    assert_eq!(code, 1, "{complaint}");
    assert!(complaint.contains("You do not have permission to access"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_or_exists_already_is_named() {
    let site = site().await;
    let triton = Triton::demo(&site);
    let (code, complaint) = triton.refused(&["inst", "create", "-n", "g1", "nope", "sample-1G"]).await;
    assert_eq!(code, 3, "{complaint}");
    assert!(complaint.contains("no image"), "{complaint}");
    let unknown = "11111111-2222-4333-8444-555555555555";
    let (_, complaint) = triton.refused(&["inst", "create", "-n", "g1", unknown, "sample-1G"]).await;
    assert!(complaint.contains(unknown), "{complaint}");
    let (_, complaint) = triton.refused(&["inst", "create", "-n", "g1", "base-64-lts", "nope"]).await;
    assert!(complaint.contains("nope"), "{complaint}");
    triton.ok(&["inst", "create", "-w", "-n", "g1", "base-64-lts", "sample-1G"]).await;
    let (code, complaint) = triton.refused(&["inst", "create", "-n", "g1", "base-64-lts", "sample-1G"]).await;
    assert_eq!(code, 1, "{complaint}");
    assert!(complaint.contains("Already exists for this owner_uuid"), "{complaint}");
    let (code, complaint) = triton.refused(&["inst", "get", "nobody"]).await;
    assert_eq!(code, 3, "{complaint}");
    assert_eq!(site.server.admin().machines().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_provision_fails_the_command() {
    let site = site().await;
    let triton = Triton::demo(&site);
    site.server.admin().inject(&FaultRule::times(Fault::FailProvision, 1)).await.unwrap();
    let (code, complaint) = triton.refused(&["inst", "create", "-w", "-n", "g1", "base-64-lts", "sample-1G"]).await;
    assert_eq!(code, 1, "{complaint}");
    assert_eq!(triton.ok(&["inst", "list", "-j"]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hardware_virtual_machine_is_resized_only_while_stopped_and_to_a_flexible_disk() {
    let site = site().await;
    let triton = Triton::demo(&site);
    site.server.with_world(|world| {
        let rigid = world.package("sample-8G").unwrap().clone();
        world.put_package(Package { name: "flexible".into(), flexible_disk: Some(true), ..rigid });
    });
    triton.ok(&["inst", "create", "-w", "-n", "vm", "debian-12-bhyve", "sample-2G"]).await;
    let (code, complaint) = triton.refused(&["inst", "resize", "-w", "vm", "sample-1G"]).await;
    assert_eq!(code, 1, "{complaint}");
    assert!(complaint.contains("flexible_disk"), "{complaint}");
    let (_, complaint) = triton.refused(&["inst", "resize", "-w", "vm", "flexible"]).await;
    assert!(complaint.contains("only while they are stopped"), "{complaint}");
    triton.ok(&["inst", "stop", "-w", "vm"]).await;
    triton.ok(&["inst", "resize", "-w", "vm", "flexible"]).await;
    assert_eq!(triton.json(&["inst", "get", "vm", "-j"]).await["memory"], 8192);
}
