//! The names of all settings: those of TSG v1 and tsg's own, in one table.
//!
//! Owns which names exist, what became of each, and which known name a misspelt one is nearest
//! to. Must never read a value.

/// What a setting does today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It is honoured.
    Honoured,
    /// It is accepted so that old files and environments keep working, and does nothing; the
    /// text says what does its work now.
    Retired(&'static str),
}

/// A setting's name and what became of it.
#[derive(Debug, Clone, Copy)]
pub struct KnownKey {
    /// `section.key`, as in the file.
    pub path: &'static str,
    /// What it does.
    pub meaning: Meaning,
}

const fn honoured(path: &'static str) -> KnownKey {
    KnownKey { path, meaning: Meaning::Honoured }
}

const fn retired(path: &'static str, instead: &'static str) -> KnownKey {
    KnownKey { path, meaning: Meaning::Retired(instead) }
}

const NO_DATABASE_SERVER: &str = "records are kept in the SQLite file named by store.path";
const NO_GOPS: &str = "there is no Go runtime to inspect; see GET /v2/health";
const NO_PPROF: &str = "profiles are taken with the system's own tools; see GET /v2/health";
const NO_NOMAD: &str = "instances are created and deleted by the server itself, without Nomad";

/// Every setting there is, in the order of the documentation.
pub const KNOWN_KEYS: &[KnownKey] = &[
    honoured("log.level"),
    honoured("agent.log-format"),
    honoured("http.bind"),
    honoured("http.port"),
    honoured("http.dc"),
    honoured("triton.dc"),
    honoured("triton.url"),
    honoured("triton.ca_file"),
    honoured("triton.topology_file"),
    honoured("triton.changefeed"),
    honoured("data.dir"),
    honoured("store.path"),
    honoured("keys.path"),
    honoured("auth.require_request_target"),
    honoured("auth.skew"),
    honoured("auth.allow"),
    honoured("auth.allow_all"),
    honoured("auth.allow_file"),
    honoured("limits.capacity_max"),
    honoured("limits.body_max"),
    honoured("limits.requests_at_once"),
    honoured("limits.request_time"),
    honoured("health.private_addresses"),
    honoured("health.refused_networks"),
    honoured("health.controls"),
    honoured("metrics.listen"),
    honoured("engine.simulated_datacenter"),
    honoured("engine.requests_per_second"),
    honoured("engine.burst"),
    honoured("engine.creates_in_flight_max"),
    honoured("engine.list_interval_min"),
    honoured("engine.list_interval_awaited"),
    honoured("engine.list_interval_max"),
    honoured("engine.unasked_per_minute"),
    honoured("engine.unasked_gap"),
    honoured("engine.ramp"),
    honoured("engine.forget_after"),
    honoured("engine.send_guard"),
    honoured("engine.quiet"),
    honoured("engine.quiet_lookups"),
    honoured("engine.quiet_gap"),
    honoured("engine.attempts_max"),
    honoured("engine.absence_gap"),
    honoured("engine.provisioning_grace"),
    honoured("engine.delete_repeat"),
    honoured("engine.list_limit"),
    honoured("engine.keep_closed"),
    retired("crdb.database", NO_DATABASE_SERVER),
    retired("crdb.host", NO_DATABASE_SERVER),
    retired("crdb.port", NO_DATABASE_SERVER),
    retired("crdb.user", NO_DATABASE_SERVER),
    retired("crdb.password", NO_DATABASE_SERVER),
    retired("gops.enable", NO_GOPS),
    retired("gops.bind", NO_GOPS),
    retired("gops.port", NO_GOPS),
    retired("pprof.enable", NO_PPROF),
    retired("pprof.bind", NO_PPROF),
    retired("pprof.port", NO_PPROF),
    retired("nomad.url", NO_NOMAD),
    retired("nomad.port", NO_NOMAD),
];

/// The one environment variable that is no setting of the file: a switch for developers that
/// must not be left behind in a configuration.
pub const DEV_MODE_VARIABLE: &str = "TSG_DEV_MODE";

/// The prefix of every environment variable that is a setting.
pub const VARIABLE_PREFIX: &str = "TSG_";

/// The known key of that name.
pub fn find(path: &str) -> Option<&'static KnownKey> {
    KNOWN_KEYS.iter().find(|key| key.path == path)
}

/// The environment variable that sets a key: `http.port` is `TSG_HTTP_PORT`.
pub fn variable(path: &str) -> String {
    let name: String = path.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '_' }).collect();
    format!("{VARIABLE_PREFIX}{}", name.to_ascii_uppercase())
}

/// The known key that a variable sets.
pub fn find_variable(name: &str) -> Option<&'static KnownKey> {
    KNOWN_KEYS.iter().find(|key| variable(key.path) == name)
}

/// The known key whose name is nearest to a misspelt one.
pub fn nearest(path: &str) -> &'static str {
    nearest_by(|known| distance(path, known))
}

/// The variable whose name is nearest to a misspelt one.
pub fn nearest_variable(name: &str) -> String {
    variable(nearest_by(|known| distance(name, &variable(known))))
}

fn nearest_by(distance_to: impl Fn(&str) -> usize) -> &'static str {
    KNOWN_KEYS.iter().map(|key| key.path).min_by_key(|path| distance_to(path)).unwrap_or("log.level")
}

/// Levenshtein's edit distance, one row at a time.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        assert_eq!(nearest("http.prot"), "http.port");
        assert_eq!(nearest("limits.capacity-max"), "limits.capacity_max");
        assert_eq!(nearest_variable("TSG_TRITON_ULR"), "TSG_TRITON_URL");
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn every_key_has_its_own_variable() {
        for key in KNOWN_KEYS {
            assert_eq!(find_variable(&variable(key.path)).map(|found| found.path), Some(key.path));
        }
        assert_eq!(variable("agent.log-format"), "TSG_AGENT_LOG_FORMAT");
    }
}
