//! Images, packages and networks.

use crate::triton::{Triton, names, site};

#[tokio::test(flavor = "multi_thread")]
async fn images_packages_and_networks_are_listed_and_read() {
    let site = site().await;
    let triton = Triton::demo(&site);
    let images = triton.lines(&["images", "-j"]).await;
    assert_eq!(names(&images), ["base-64-lts", "base-64-lts", "debian-12", "debian-12-bhyve"]);
    let newest = images
        .iter()
        .filter(|image| image["name"] == "base-64-lts")
        .max_by_key(|image| image["published_at"].as_str().unwrap())
        .unwrap();
    assert_eq!(triton.json(&["image", "get", "base-64-lts", "-j"]).await["id"], newest["id"]);

    let packages = triton.lines(&["packages", "-j"]).await;
    assert!(names(&packages).contains(&"sample-1G") && names(&packages).contains(&"sample-2G"), "{packages:?}");
    assert_eq!(triton.json(&["package", "get", "sample-2G", "-j"]).await["memory"], 2048);

    let networks = triton.lines(&["networks", "-j"]).await;
    assert_eq!(names(&networks), ["My-Fabric-Network", "external", "internal"]);
    let external = networks.iter().find(|network| network["name"] == "external").unwrap();
    assert_eq!(triton.json(&["network", "get", "external", "-j"]).await["id"], external["id"]);
    let ips = triton.lines(&["network", "ip", "list", "My-Fabric-Network", "-j"]).await;
    assert!(ips.iter().all(|ip| ip["reserved"].is_boolean()) && !ips.is_empty(), "{ips:?}");
}
