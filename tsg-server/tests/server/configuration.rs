//! Every setting of TSG v1 and of tsg: honoured, retired with a warning, or refused by name.

use std::collections::BTreeMap;
use std::time::Duration;

use tsg_server::config::key::{KNOWN_KEYS, Meaning, variable};
use tsg_server::config::{
    BuiltinDatacenter, ConfigError, ConfigSources, Loaded, LogFormat, LogLevel, ServerConfig, StoreLocation,
};

const URL: &str = "https://us-east-1.api.example.com";

fn with_file(text: &str) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tsg.toml");
    std::fs::write(&path, text).unwrap();
    ServerConfig::load(&ConfigSources { file: Some(path), ..ConfigSources::default() })
}

fn with_environment(pairs: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    ServerConfig::load(&ConfigSources { environment: environment(pairs), ..ConfigSources::default() })
}

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_whole_file_of_tsg_v1_is_accepted_with_one_warning_for_each_retired_key() {
    let loaded = with_file(
        r#"
        [log]
        level = "DEBUG"
        [crdb]
        database = "triton"
        host = "localhost"
        port = 26257
        user = "root"
        password = "secret"
        [agent]
        log-format = "json"
        [http]
        bind = "127.0.0.2"
        port = 3001
        dc = "us-west-1"
        [gops]
        enable = true
        bind = "127.0.0.1"
        port = 9090
        [pprof]
        enable = false
        bind = "127.0.0.1"
        port = 4242
        [nomad]
        url = "127.0.0.1"
        port = 4646
        [triton]
        dc = "us-east-1"
        url = "https://us-east-1.api.example.com"
        "#,
    )
    .unwrap();
    let config = loaded.config;
    assert_eq!((config.log.level, config.log.format), (LogLevel::Debug, LogFormat::Json));
    assert_eq!((config.http.bind.to_string().as_str(), config.http.port), ("127.0.0.2", 3001));
    assert_eq!((config.triton.datacenter.as_str(), config.triton.url.as_str()), ("us-east-1", URL));
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let retired = KNOWN_KEYS.iter().filter(|key| matches!(key.meaning, Meaning::Retired(_)));
    for key in retired.clone() {
        assert_eq!(warnings.iter().filter(|text| text.contains(&format!(" {} ", key.path))).count(), 1, "{}", key.path);
    }
    assert_eq!(warnings.len(), retired.count());
    assert!(warnings.iter().all(|text| !text.contains("secret")), "{warnings:?}");
}

#[test]
fn the_environment_of_tsg_v1_is_accepted_too() {
    let names = [
        "TSG_LOG_LEVEL",
        "TSG_CRDB_DATABASE",
        "TSG_CRDB_HOST",
        "TSG_CRDB_PORT",
        "TSG_CRDB_USER",
        "TSG_CRDB_PASSWORD",
        "TSG_HTTP_BIND",
        "TSG_HTTP_PORT",
        "TSG_GOPS_ENABLE",
        "TSG_GOPS_BIND",
        "TSG_GOPS_PORT",
        "TSG_PPROF_ENABLE",
        "TSG_PPROF_BIND",
        "TSG_PPROF_PORT",
        "TSG_NOMAD_URL",
        "TSG_NOMAD_PORT",
        "TSG_TRITON_DC",
        "TSG_TRITON_URL",
    ];
    let known: Vec<String> = KNOWN_KEYS.iter().map(|key| variable(key.path)).collect();
    for name in names {
        assert!(known.iter().any(|known| known == name), "{name}");
    }
    let loaded = with_environment(&[
        ("TSG_LOG_LEVEL", "warn"),
        ("TSG_HTTP_PORT", "1"),
        ("TSG_TRITON_URL", URL),
        ("TSG_NOMAD_URL", "x"),
        ("TSG_HTTP_PROT", "2"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!((loaded.config.log.level, loaded.config.http.port), (LogLevel::Warn, 1));
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("TSG_HTTP_PROT") && warnings[0].contains("TSG_HTTP_PORT"), "{warnings:?}");
}

#[test]
fn new_settings_are_read_and_flags_win() {
    let loaded = ServerConfig::load(&ConfigSources {
        environment: environment(&[
            ("TSG_TRITON_URL", URL),
            ("HOME", "/home/ann"),
            ("TSG_AUTH_ALLOW", "ann, bob-marley"),
            ("TSG_AUTH_SKEW", "60s"),
            ("TSG_LIMITS_CAPACITY_MAX", "50"),
            ("TSG_ENGINE_QUIET", "1h"),
            ("TSG_HTTP_PORT", "1"),
        ]),
        flags: vec![("http.port".to_owned(), "2".to_owned()), ("keys.path".to_owned(), "/k".to_owned())],
        ..ConfigSources::default()
    })
    .unwrap();
    let config = loaded.config;
    assert_eq!(config.http.port, 2);
    assert_eq!(config.store, StoreLocation::File("/home/ann/.local/share/tsg/tsg.db".into()));
    assert_eq!(config.key_file, std::path::PathBuf::from("/k"));
    assert!(config.auth.allow.contains("bob-marley") && config.auth.allow.len() == 2);
    assert_eq!((config.auth.skew, config.limits.capacity_max), (Duration::from_secs(60), 50));
    assert_eq!(config.engine.config.timing.quiet, Duration::from_secs(3600));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn metrics_are_told_nowhere_by_default_and_beyond_this_machine_with_a_warning() {
    let with = |listen: &str| {
        let settings = [("TSG_TRITON_URL", URL), ("TSG_METRICS_LISTEN", listen)];
        let loaded = with_environment(&settings).unwrap();
        (loaded.config.metrics.listen, loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(with_environment(&[("TSG_TRITON_URL", URL)]).unwrap().config.metrics.listen, None);
    assert_eq!(with(""), (None, Vec::new()));
    assert_eq!(with("127.0.0.1:9464"), (Some("127.0.0.1:9464".parse().unwrap()), Vec::new()));
    let (listen, warnings) = with("[::]:9464");
    assert_eq!(listen, Some("[::]:9464".parse().unwrap()));
    assert!(warnings.len() == 1 && warnings[0].contains("metrics.listen is [::]:9464"), "{warnings:?}");
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_a_next_step() {
    let table = [
        ("[http]\nprot = 1", "did you mean \"http.port\"?"),
        ("[htpt]\nport = 1", "did you mean \"http.port\"?"),
        ("port = 1", "there is no setting \"port\""),
        ("[http", "not valid TOML"),
        ("[http]\nport = 70000", "http.port must be a port from 0 to 65535, not 70000"),
        ("[http]\nbind = \"localhost\"", "http.bind must be an IP address"),
        ("[log]\nlevel = 3", "log.level must be one of"),
        ("[metrics]\nlisten = 9464", "metrics.listen must be an address and a port such as \"127.0.0.1:9464\""),
        ("[auth]\nskew = \"10m\"", "auth.skew must be a duration of at most 300s"),
        ("[auth]\nallow = [1]", "auth.allow must be a list of texts"),
        ("[limits]\ncapacity_max = 0", "limits.capacity_max must be"),
        ("[triton]\nurl = \"ftp://x\"", "triton.url must be"),
        ("[triton]\nurl = \"https://user:secret@x\"", "triton.url must be"),
        ("[log]\nlevel = \"info\"", "triton.url is not set; give it in the file, as TSG_TRITON_URL"),
        (
            "[triton]\nurl = \"https://x.example.com\"\n[engine]\nquiet = \"1s\"",
            "engine.quiet is 1s, less than the 900s",
        ),
        ("[triton]\nurl = \"https://x.example.com\"\n[engine]\nsend_guard = \"60s\"", "engine.send_guard is 60s"),
        ("[triton]\nurl = \"https://x.example.com\"\n[engine]\nquiet_lookups = 1", "engine.quiet_lookups is 1"),
        ("[triton]\nurl = \"https://x.example.com\"\n[engine]\nsimulated_datacenter = true", "and triton.url is not"),
        (
            "[triton]\nurl = \"http://127.0.0.1:1\"\n[http]\nbind = \"0.0.0.0\"\n[engine]\nsimulated_datacenter = true",
            "and http.bind is not",
        ),
    ];
    for (text, expected) in table {
        let url = if expected.contains("is not set") { "" } else { "\n[triton]\nurl = \"https://x.example.com\"" };
        let text = if text.contains("[triton]") { text.to_owned() } else { format!("{text}{url}") };
        let error = with_file(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
    let missing =
        ServerConfig::load(&ConfigSources { file: Some("/nowhere/tsg.toml".into()), ..ConfigSources::default() });
    assert!(matches!(missing, Err(ConfigError::Unreadable { .. })));
}

#[test]
fn short_waits_are_for_a_simulated_data_centre_on_this_machine() {
    let loaded =
        with_file("[triton]\nurl = \"http://127.0.0.1:1\"\n[engine]\nsimulated_datacenter = true\nquiet = \"1s\"")
            .unwrap();
    assert_eq!(loaded.config.engine.config.timing.quiet, Duration::from_secs(1));
}

#[test]
fn development_mode_needs_the_built_in_data_centre_and_a_loopback_address() {
    let builtin = Some(BuiltinDatacenter { url: "http://127.0.0.1:1".to_owned(), login: "demo".to_owned() });
    let load = |builtin: &Option<BuiltinDatacenter>, pairs: &[(&str, &str)]| {
        let environment = environment(pairs);
        ServerConfig::load(&ConfigSources { environment, builtin: builtin.clone(), ..ConfigSources::default() })
    };
    let on = [("TSG_DEV_MODE", "1")];
    let loaded = load(&builtin, &on).unwrap();
    assert_eq!(loaded.config.dev.as_ref().map(|dev| dev.login.as_str()), Some("demo"));
    assert!(loaded.warnings.iter().any(|warning| warning.to_string().contains("unsigned requests")));
    assert!(loaded.config.engine.simulated_datacenter);
    assert_eq!(load(&builtin, &[("TSG_DEV_MODE", "0")]).unwrap().config.dev, None);
    assert_eq!(load(&builtin, &[]).unwrap().config.dev, None);
    let refused = [
        (&None, vec![("TSG_DEV_MODE", "1"), ("TSG_TRITON_URL", URL)]),
        (&None, vec![("TSG_DEV_MODE", "1"), ("TSG_TRITON_URL", "http://127.0.0.1:1")]),
        (&builtin, vec![("TSG_DEV_MODE", "1"), ("TSG_TRITON_URL", URL)]),
        (&builtin, vec![("TSG_DEV_MODE", "1"), ("TSG_TRITON_URL", "http://127.0.0.1:2")]),
        (&builtin, vec![("TSG_DEV_MODE", "perhaps")]),
    ];
    for (builtin, pairs) in refused {
        let error = load(builtin, &pairs).unwrap_err();
        assert!(matches!(error, ConfigError::DevModeRefused { .. }), "{pairs:?}: {error}");
    }
    let exposed = load(&builtin, &[("TSG_DEV_MODE", "1"), ("TSG_HTTP_BIND", "0.0.0.0")]).unwrap_err();
    assert!(exposed.to_string().contains("loopback"), "{exposed}");
}

#[test]
fn control_targets_and_refused_networks_are_read_or_refused_by_name() {
    let file = |lines: &str| format!("[triton]\nurl = \"{URL}\"\n[health]\n{lines}\n");
    let health = with_file(&file(
        "controls = [\"http://192.0.2.1:80/\", \"tcp:192.0.2.1:53\"]\nrefused_networks = [\"10.1.0.0/16\", \"192.0.2.9\"]",
    ));
    let health = health.unwrap().config.health;
    let controls: Vec<String> = health.controls.iter().map(|control| control.spec.to_string()).collect();
    assert_eq!(controls, ["http:80/", "tcp:53"]);
    let prefixes: Vec<u8> = health.refused_networks.iter().map(|network| network.prefix).collect();
    assert_eq!(prefixes, [16, 32]);

    let variables =
        [("TSG_TRITON_URL", URL), ("TSG_HEALTH_CONTROLS", "tcp:192.0.2.1:53, http://example.com/"), ("HOME", "/tmp")];
    let refused = with_environment(&variables).unwrap_err().to_string();
    let expected = "environment variable TSG_HEALTH_CONTROLS: health.controls must be targets with a literal address \
                    and a port, such as \"http://192.0.2.1:80/\" or \"tcp:192.0.2.1:53\", not \"http://example.com/\"";
    assert_eq!(refused, expected);
    let refused = with_file(&file("refused_networks = [\"10.1.0.0/33\"]")).unwrap_err().to_string();
    assert!(refused.ends_with("health.refused_networks must be networks such as \"10.0.0.0/8\", not \"10.1.0.0/33\""));
}
