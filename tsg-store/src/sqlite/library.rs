//! Which SQLite may be trusted with the file. Owns the list of releases that lose data; must
//! never be asked later than before the first write.

/// The oldest release that may be used. From 3.7.0, which brought WAL mode, until 3.51.2 a
/// checkpoint and a commit that restarts the log may meet and corrupt the file
/// (<https://www.sqlite.org/wal.html#walresetbug>); older ones have no WAL mode.
const OLDEST: (u32, u32, u32) = (3, 51, 3);

/// Withdrawn by SQLite's makers a week after it came out.
const WITHDRAWN: (u32, u32, u32) = (3, 52, 0);

/// Whether a version, as `sqlite_version()` tells it, may be used. What cannot be read may not.
pub(super) fn is_trusted(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let (Some(Some(major)), Some(Some(minor)), patch) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let release = (major, minor, patch.flatten().unwrap_or(0));
    release >= OLDEST && release != WITHDRAWN
}

#[cfg(test)]
mod tests {
    use super::is_trusted;

    #[test]
    fn releases_that_lose_data_are_refused() {
        for version in ["3.6.23", "3.7.0", "3.46.0", "3.51.2", "3.52.0", "", "3", "nonsense"] {
            assert!(!is_trusted(version), "{version}");
        }
        for version in ["3.51.3", "3.51.4", "3.52.1", "3.53.0", "4.0.0"] {
            assert!(is_trusted(version), "{version}");
        }
    }
}
