//! Tags: types, merging, lag and filters.

use serde_json::json;

use crate::client::Client;
use crate::support::site::{FAST, Site, quick};

#[tokio::test]
async fn tags_are_merged_replaced_read_and_removed() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let id = client.running("web").await;
    let tags = format!("/my/machines/{id}/tags");
    let added = client.post(&tags, &json!({"role": "web", "n": 1.0, "b": true, "uuid": "ignored"})).await.expect(200);
    assert_eq!(added.json(), json!({"role": "web", "n": 1, "b": true}));
    assert_eq!(added.header("x-job-uuid").len(), 36);
    client.until(&tags, |answer| answer.json() == json!({"role": "web", "n": 1, "b": true})).await;
    let merged = client.post(&tags, &json!({"zone": "a"})).await.expect(200).json();
    assert_eq!(merged, json!({"role": "web", "n": 1, "b": true, "zone": "a"}));
    client.until(&tags, |answer| answer.json() == merged).await;
    assert_eq!(client.get(&format!("{tags}/role")).await.expect(200).json(), "web");
    assert_eq!(client.get(&format!("{tags}/n")).await.expect(200).json(), "");
    let missing = client.get(&format!("{tags}/zz")).await.refusal();
    assert_eq!(missing, (404, "ResourceNotFound".into(), "tag \"zz\" not found".into()));
    assert_eq!(client.put(&tags, &json!({"only": "this"})).await.expect(200).json(), json!({"only": "this"}));
    client.until(&tags, |answer| answer.json() == json!({"only": "this"})).await;
    client.delete(&format!("{tags}/zz")).await.expect(404);
    client.delete(&format!("{tags}/only")).await.expect(204);
    client.until(&tags, |answer| answer.json() == json!({})).await;
    client.delete(&tags).await.expect(204);
}

#[tokio::test]
async fn compound_values_and_unknown_special_tags_are_refused() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let id = client.running("web").await;
    let tags = format!("/my/machines/{id}/tags");
    for value in [json!({}), json!([1])] {
        let refused = client.post(&tags, &json!({"x": value})).await.expect(409);
        assert!(refused.refusal().2.contains("Invalid tag parameters"), "{:?}", refused.refusal());
    }
    let mut body = client.request("special").await;
    body["tag.triton.foo"] = json!("x");
    let refused = client.post("/my/machines", &body).await.expect(409).json();
    assert_eq!(refused["errors"][0]["message"], "Unrecognized special triton tag \"triton.foo\"");
    assert_eq!(client.get("/my/machines?name=special").await.json(), json!([]));
}

#[tokio::test]
async fn filters_compare_as_text_and_agree_with_get() {
    let site = Site::at_speed(FAST, quick()).await;
    let client = Client::demo(&site);
    let mut body = client.request("web").await;
    (body["tag.n"], body["tag.b"], body["tag.role"]) = (json!(3), json!(true), json!("web"));
    let id = client.create(&body).await;
    client.create(&client.request("plain").await).await;
    for query in ["tag.n=3", "tag.b=true", "tag.role=web", "tag.role=*", "tag.n=3&tag.role=web"] {
        let found = client.get(&format!("/my/machines?{query}")).await.expect(200).json();
        let ids: Vec<&str> = found.as_array().unwrap().iter().map(|machine| machine["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [id.as_str()], "{query}");
    }
    for query in ["tag.n=4", "tag.role=we", "tag.b=false"] {
        assert_eq!(client.get(&format!("/my/machines?{query}")).await.expect(200).json(), json!([]), "{query}");
    }
    let machine = client.get(&format!("/my/machines/{id}")).await.json();
    assert_eq!(machine["tags"], json!({"n": 3, "b": true, "role": "web"}));
}
