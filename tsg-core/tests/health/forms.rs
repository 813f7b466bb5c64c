//! How checks are written, read and refused.

use serde_json::json;
use tsg_core::health::check::{CheckKind, CheckSpec, Purpose};
use tsg_core::health::spec::{CHECKS_MAX, Commands, HealthSpec};
use tsg_core::model::span::Span;

fn read(value: serde_json::Value) -> CheckSpec {
    serde_json::from_value(value).unwrap()
}

fn refused(value: serde_json::Value) -> String {
    serde_json::from_value::<CheckSpec>(value).unwrap_err().to_string()
}

#[test]
fn what_is_left_out_has_a_default() {
    let check = read(json!({"type": "https", "purpose": "ready"}));
    assert_eq!((check.name.as_str(), check.purpose), ("https-443", Purpose::Ready));
    assert_eq!(check.to_string(), "https:443/");
    let pacing = check.pacing;
    assert_eq!((pacing.interval, pacing.timeout), (Span::from_secs(10), Span::from_secs(5)));
    assert_eq!((pacing.unhealthy_interval, pacing.start_window), (Span::from_secs(10), Span::from_mins(2)));
    assert_eq!((pacing.retries, pacing.healthy_after), (3, 2));
    let CheckKind::Https(http, _) = check.kind else { panic!("not https") };
    assert!(
        http.expect.iter().any(|range| range.contains(204)) && !http.expect.iter().any(|range| range.contains(302))
    );
    assert_eq!(read(json!({"type": "tcp", "port": 1, "interval": "2s"})).pacing.timeout, Span::from_secs(2));
    assert_eq!(read(json!({"type": "containerpilot"})).to_string(), "containerpilot:9090");
}

#[test]
fn a_check_that_was_written_is_read_again() {
    for value in [
        json!({"type": "http", "port": 8080, "path": "/a?b=c", "method": "HEAD", "headers": {"Host": "a"}, "expect": [200, "3xx"]}),
        json!({"type": "https", "tls": {"name": "api.example.com"}, "network": "00000000-0000-0000-0000-000000000009"}),
        json!({"type": "tcp", "port": 65535, "purpose": "live", "retries": 1, "healthy_after": 100}),
        json!({"type": "guest"}),
        json!({"type": "guest", "name": "beats", "heartbeat": "2m"}),
        json!({"type": "command", "command": ["/bin/true", ""]}),
        json!({"type": "cloud", "name": "state"}),
        json!({"type": "containerpilot", "start_window": 0}),
    ] {
        let check = read(value.clone());
        let again = read(serde_json::to_value(&check).unwrap());
        assert_eq!(again, check, "{value}");
    }
}

#[test]
fn the_short_form_is_the_long_one_with_defaults() {
    for (short, long) in [
        ("http:8080/ping", json!({"type": "http", "port": 8080, "path": "/ping"})),
        ("http", json!({"type": "http"})),
        ("https/health?deep=1", json!({"type": "https", "path": "/health?deep=1"})),
        ("tcp:5432", json!({"type": "tcp", "port": 5432})),
        ("cloud", json!({"type": "cloud"})),
        ("guest", json!({"type": "guest"})),
    ] {
        assert_eq!(short.parse::<CheckSpec>().unwrap(), read(long), "{short}");
    }
}

#[test]
fn a_wrong_short_form_says_what_to_write() {
    for (short, expected) in [
        ("http:0/ping", "\"0\" is no port"),
        ("http:70000", "\"70000\" is no port; write a number from 1 to 65535"),
        ("http:+80", "\"+80\" is no port"),
        ("tcp", "needs `port`"),
        ("tcp:22/path", "a check of type tcp has no `path`"),
        ("cloud:80", "a check of type cloud has no `port`"),
        ("ftp:21", "\"ftp\" is no type of check"),
        ("", "\"\" is no type of check"),
        ("http://host:80/x", "a check names no host"),
        ("http:80/a b", "the path \"/a b\" cannot be asked for"),
    ] {
        let told = short.parse::<CheckSpec>();
        let told = told.unwrap_err().to_string();
        assert!(told.contains(expected), "{short}: {told}");
    }
}

#[test]
fn a_check_that_cannot_be_made_is_refused() {
    for (value, expected) in [
        (json!({"type": "http", "host": "example.com"}), "unknown field `host`"),
        (json!({"type": "http", "port": 70000}), "is no port"),
        (json!({"type": "http", "path": "ping"}), "cannot be asked for"),
        (json!({"type": "http", "path": "/a\r\nX: y"}), "cannot be asked for"),
        (json!({"type": "http", "path": "/ä"}), "cannot be asked for"),
        (json!({"type": "http", "path": "/a#b"}), "cannot be asked for"),
        (json!({"type": "http", "path": format!("/{}", "a".repeat(2048))}), "cannot be asked for"),
        (json!({"type": "http", "headers": {"X": "a\r\nb"}}), "its value has control characters"),
        (json!({"type": "http", "headers": {"a b": "c"}}), "not one that HTTP allows"),
        (json!({"type": "http", "headers": {"Content-Length": "1"}}), "tsg sets it"),
        (json!({"type": "http", "expect": []}), "nothing would ever be well"),
        (json!({"type": "http", "expect": ["nine"]}), "names no HTTP statuses"),
        (json!({"type": "http", "method": "DELETE"}), "unknown variant"),
        (json!({"type": "http", "interval": "500ms"}), "`interval` is 500ms; write 1s to 1h"),
        (json!({"type": "http", "interval": "5s", "timeout": "6s"}), "probes would overtake"),
        (json!({"type": "http", "unhealthy_interval": "1s", "timeout": "2s"}), "`unhealthy_interval`, 1s"),
        (json!({"type": "http", "retries": 0}), "`retries` is 0; write 1 to 100"),
        (json!({"type": "http", "name": "Ping!"}), "no name of a check"),
        (json!({"type": "tcp", "port": 1, "tls": {}}), "a check of type tcp has no `tls`"),
        (json!({"type": "https", "tls": {"name": "a..b"}}), "no name that a certificate"),
        (json!({"type": "https", "tls": {"ca": "nonsense"}}), "holds no certificate"),
        (json!({"type": "command"}), "needs a program"),
        (json!({"type": "guest", "heartbeat": "10s"}), "`heartbeat` is 10s; write 1m to 1d"),
        (json!({"type": "cloud", "heartbeat": "2m"}), "a check of type cloud has no `heartbeat`"),
    ] {
        let told = refused(value.clone());
        assert!(told.contains(expected), "{value}: {told}");
    }
}

#[test]
fn checks_of_a_group_have_names_of_their_own() {
    let spec = |names: &[&str]| {
        let checks = names.iter().map(|name| read(json!({"type": "cloud", "name": name})));
        HealthSpec::of(checks.collect())
    };
    assert_eq!(spec(&["a", "b"]).check(), Ok(()));
    let told = spec(&["a", "b", "a"]).check().unwrap_err().to_string();
    assert!(told.contains("two checks are called \"a\""), "{told}");
    let names: Vec<String> = (0..=CHECKS_MAX).map(|number| format!("c{number}")).collect();
    let told = spec(&names.iter().map(String::as_str).collect::<Vec<_>>()).check().unwrap_err().to_string();
    assert!(told.contains("may have 8 checks, and there are 9"), "{told}");
    let command = read(json!({"type": "command", "command": ["/bin/true"]}));
    let spec = HealthSpec::of(vec![command]);
    assert_eq!((spec.check(), spec.check_commands(Commands::Possible)), (Ok(()), Ok(())));
    let told = spec.check_commands(Commands::Impossible).unwrap_err().to_string();
    assert!(told.contains("a check of type command cannot be had yet"), "{told}");
    for (check, is_too_slow) in [
        (json!({"type": "cloud"}), false),
        (json!({"type": "cloud", "interval": "6m"}), true),
        (json!({"type": "cloud", "interval": "6m", "healthy_after": 1}), false),
        (json!({"type": "cloud", "start_window": "10m"}), false),
        (json!({"type": "cloud", "start_window": "601s"}), true),
    ] {
        let told = HealthSpec::of(vec![read(check.clone())]).check_against(Span::from_mins(10));
        assert_eq!(told.is_err(), is_too_slow, "{check}: {told:?}");
    }
    for (field, value) in [("quorum", json!(0)), ("stale_after", json!(0)), ("flapping", json!({"changes": 0}))] {
        let spec: HealthSpec = serde_json::from_value(json!({ field: value })).unwrap();
        assert!(spec.check().unwrap_err().to_string().contains(field), "{field}");
    }
}
