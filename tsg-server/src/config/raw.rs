//! Settings as text, layered: file, then environment, then flags; the later one wins.
//!
//! Owns where each value came from, so that an error can name the place. Must never interpret a
//! value beyond its outer form.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{ConfigError, ConfigWarning};
use super::key::{self, KnownKey, Meaning};

/// Where a setting stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// In the file.
    File(PathBuf),
    /// In the environment, under this name.
    Variable(String),
    /// Among the flags.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(out),
            Self::Variable(name) => write!(out, "environment variable {name}"),
            Self::Flag => out.write_str("command line"),
        }
    }
}

#[derive(Debug, Clone)]
enum Value {
    Toml(toml::Value),
    Text(String),
}

#[derive(Debug, Clone)]
struct Setting {
    value: Value,
    origin: Origin,
}

/// All settings given, by key.
#[derive(Debug, Clone, Default)]
pub(super) struct RawSettings {
    settings: BTreeMap<&'static str, Setting>,
    pub(super) warnings: Vec<ConfigWarning>,
}

impl RawSettings {
    pub(super) fn add_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| ConfigError::Syntax { path: path.into(), reason: error.to_string() })?;
        let origin = Origin::File(path.into());
        for (section, content) in table {
            let toml::Value::Table(keys) = content else {
                return Err(unknown(&origin, section));
            };
            for (name, value) in keys {
                self.add(&format!("{section}.{name}"), Value::Toml(value), origin.clone())?;
            }
        }
        Ok(())
    }

    pub(super) fn add_environment(&mut self, environment: &BTreeMap<String, String>) {
        for (name, text) in environment {
            if !name.starts_with(key::VARIABLE_PREFIX) || name == key::DEV_MODE_VARIABLE {
                continue;
            }
            match key::find_variable(name) {
                Some(known) => self.set(known, Value::Text(text.clone()), Origin::Variable(name.clone())),
                None => self
                    .warnings
                    .push(ConfigWarning::UnknownVariable { name: name.clone(), nearest: key::nearest_variable(name) }),
            }
        }
    }

    pub(super) fn add_flags(&mut self, flags: &[(String, String)]) -> Result<(), ConfigError> {
        flags.iter().try_for_each(|(name, text)| self.add(name, Value::Text(text.clone()), Origin::Flag))
    }

    fn add(&mut self, name: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let known = key::find(name).ok_or_else(|| unknown(&origin, name.to_owned()))?;
        self.set(known, value, origin);
        Ok(())
    }

    fn set(&mut self, known: &'static KnownKey, value: Value, origin: Origin) {
        self.settings.insert(known.path, Setting { value, origin });
    }

    /// One warning for each retired key that is set, wherever it was set last.
    pub(super) fn warn_about_retired(&mut self) {
        for (path, setting) in &self.settings {
            if let Some(KnownKey { path: key, meaning: Meaning::Retired(instead) }) = key::find(path) {
                self.warnings.push(ConfigWarning::Retired { origin: setting.origin.clone(), key, instead });
            }
        }
    }

    /// Reads a value by `read`, which gets it as text; `expected` words the error.
    pub(super) fn parsed<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(setting) = self.settings.get(key) else { return Ok(None) };
        let text = setting.text();
        let value = text.as_deref().and_then(read);
        value.map(Some).ok_or_else(|| ConfigError::WrongValue {
            origin: setting.origin.clone(),
            key,
            expected,
            given: setting.written(),
        })
    }

    pub(super) fn text(&self, key: &'static str) -> Result<Option<String>, ConfigError> {
        self.parsed(key, "a text", |text| Some(text.to_owned()))
    }

    pub(super) fn path(&self, key: &'static str) -> Result<Option<PathBuf>, ConfigError> {
        self.parsed(key, "a path", |text| (!text.is_empty()).then(|| PathBuf::from(text)))
    }

    pub(super) fn switch(&self, key: &'static str) -> Result<Option<bool>, ConfigError> {
        self.parsed(key, "true or false", read_switch)
    }

    pub(super) fn duration(&self, key: &'static str) -> Result<Option<Duration>, ConfigError> {
        self.parsed(key, "a duration such as \"300s\", \"15m\", \"250ms\" or a number of seconds", read_duration)
    }

    pub(super) fn address(&self, key: &'static str) -> Result<Option<IpAddr>, ConfigError> {
        self.parsed(key, "an IP address such as 127.0.0.1", |text| text.parse().ok())
    }

    pub(super) fn number<T: TryFrom<u64>>(
        &self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        self.parsed(key, expected, |text| T::try_from(text.parse::<u64>().ok()?).ok())
    }

    /// The same as [`RawSettings::list`], each item read by `read`; `expected` words the error.
    pub(super) fn parsed_list<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, ConfigError> {
        let (Some(setting), Some(items)) = (self.settings.get(key), self.list(key)?) else { return Ok(None) };
        let wrong = |item: &String| {
            let (origin, given) = (setting.origin.clone(), format!("{item:?}"));
            ConfigError::WrongValue { origin, key, expected, given }
        };
        items.iter().map(|item| read(item.trim()).ok_or_else(|| wrong(item))).collect::<Result<_, _>>().map(Some)
    }

    /// A TOML array of texts, or one text with commas.
    pub(super) fn list(&self, key: &'static str) -> Result<Option<Vec<String>>, ConfigError> {
        let Some(setting) = self.settings.get(key) else { return Ok(None) };
        let items = match &setting.value {
            Value::Toml(toml::Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            }
            Value::Toml(toml::Value::String(text)) | Value::Text(text) => Some(split_commas(text)),
            Value::Toml(_) => None,
        };
        items.map(Some).ok_or_else(|| ConfigError::WrongValue {
            origin: setting.origin.clone(),
            key,
            expected: "a list of texts",
            given: setting.written(),
        })
    }
}

impl Setting {
    /// The value as text; `None` for arrays and tables.
    fn text(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Toml(toml::Value::String(text)) => Some(text.trim().to_owned()),
            Value::Toml(toml::Value::Integer(number)) => Some(number.to_string()),
            Value::Toml(toml::Value::Boolean(switch)) => Some(switch.to_string()),
            Value::Toml(_) => None,
        }
    }

    fn written(&self) -> String {
        match &self.value {
            Value::Text(text) | Value::Toml(toml::Value::String(text)) => format!("{text:?}"),
            Value::Toml(value) => self.text().unwrap_or_else(|| format!("a value of type {}", value.type_str())),
        }
    }
}

fn unknown(origin: &Origin, key: String) -> ConfigError {
    let nearest = key::nearest(&key);
    ConfigError::UnknownKey { origin: origin.clone(), key, nearest }
}

fn split_commas(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Reads a switch as people write it, and as TSG v1 did; `None` when it is none.
pub fn read_switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "t" | "yes" | "on" => Some(true),
        "false" | "0" | "f" | "no" | "off" | "" => Some(false),
        _ => None,
    }
}

pub(super) fn read_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let count: u64 = number.parse().ok()?;
    let seconds = match unit.trim() {
        "ms" => return Some(Duration::from_millis(count)),
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    count.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_switches_are_read_in_all_their_forms() {
        let table = [("300", 300_000), ("300s", 300_000), ("15m", 900_000), ("250ms", 250), ("2h", 7_200_000)];
        for (text, millis) in table {
            assert_eq!(read_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1s", "1 week", "1.5s"] {
            assert_eq!(read_duration(text), None, "{text}");
        }
        assert_eq!(read_switch("TRUE"), Some(true));
        assert_eq!(read_switch("0"), Some(false));
        assert_eq!(read_switch("maybe"), None);
    }

    #[test]
    fn the_later_layer_wins_and_errors_name_the_place() {
        let mut raw = RawSettings::default();
        raw.add_file(Path::new("tsg.toml"), "[http]\nport = 1\nbind = \"::1\"\n").unwrap();
        raw.add_environment(&BTreeMap::from([("TSG_HTTP_PORT".to_owned(), "2".to_owned())]));
        raw.add_flags(&[("http.port".to_owned(), "x".to_owned())]).unwrap();
        let error = raw.number::<u16>("http.port", "a port").unwrap_err();
        assert_eq!(error.to_string(), "command line: http.port must be a port, not \"x\"");
        assert_eq!(raw.address("http.bind").unwrap(), Some("::1".parse().unwrap()));
    }
}
