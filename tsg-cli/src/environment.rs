//! The process's environment as a value: variables and the home folder.
//!
//! Owns the one place that reads them, so that everything built on it can be tested with its own. An empty variable
//! counts as unset, as node-triton has it.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Variables by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The environment of this process; variables that are no text are passed over.
    pub(crate) fn of_process() -> Self {
        let texts =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { variables: texts.collect() }
    }

    /// A variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The first of these variables that is set.
    pub(crate) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// All variables but these.
    pub(crate) fn without(&self, names: &[&str]) -> BTreeMap<String, String> {
        let mut variables = self.variables.clone();
        variables.retain(|name, _| !names.contains(&name.as_str()));
        variables
    }

    /// The user's home folder.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self { variables: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect() }
    }
}
