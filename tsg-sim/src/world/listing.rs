//! Listing machines: the filters with upstream's meanings (and surprises), and paging by offset.
//! It never hides what a client asked to see, nor shows what a default list hides.

use std::collections::BTreeMap;

use super::World;
use super::ids::{AccountId, MachineId};
use super::machine::{Machine, MachineState};
use super::refusal::Refusal;

/// Most machines in one answer, and the default.
const PAGE_LIMIT: u64 = 1_000;

/// One answer of a paged list. `x-query-limit` is the limit, `x-resource-count` the number of items.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items of this answer.
    pub items: Vec<T>,
    /// The limit that was applied.
    pub limit: u64,
}

/// States a list can be narrowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedState {
    /// Running.
    Running,
    /// Stopped.
    Stopped,
    /// Neither destroyed nor failed.
    Active,
    /// Destroyed.
    Destroyed,
}

/// `GET /:account/machines`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Names beginning with this. The documentation says equality; it is not.
    pub name_prefix: Option<String>,
    /// In this state.
    pub state: Option<ListedState>,
    /// `smartmachine` or `virtualmachine`.
    pub kind: Option<String>,
    /// Of this brand.
    pub brand: Option<String>,
    /// From this image.
    pub image: Option<String>,
    /// With this much memory, in MiB.
    pub memory: Option<String>,
    /// With these tags, values as text; `*` stands for anything.
    pub tags: BTreeMap<String, String>,
    /// Also destroyed and failed ones.
    pub tombstone: bool,
    /// At most this many.
    pub limit: u64,
    /// After leaving out this many.
    pub offset: u64,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            name_prefix: None,
            state: None,
            kind: None,
            brand: None,
            image: None,
            memory: None,
            tags: BTreeMap::new(),
            tombstone: false,
            limit: PAGE_LIMIT,
            offset: 0,
        }
    }
}

impl ListQuery {
    /// Reads the query parameters. Unknown ones are ignored.
    pub fn parse(params: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let text = |key: &str| params.get(key).cloned();
        let tags = params.iter().filter_map(|(key, value)| Some((key.strip_prefix("tag.")?.to_owned(), value.clone())));
        Ok(Self {
            name_prefix: text("name").map(check_name_filter).transpose()?,
            state: text("state").map(|state| listed_state(&state)).transpose()?,
            kind: text("type").map(check_kind).transpose()?,
            brand: text("brand"),
            image: text("image"),
            memory: text("memory"),
            tags: tags.collect(),
            tombstone: text("tombstone").is_some_and(|value| value == "true" || value == "1"),
            limit: number(params, "limit", PAGE_LIMIT, 1..=PAGE_LIMIT)?,
            offset: number(params, "offset", 0, 0..=u64::MAX)?,
        })
    }

    fn passes(&self, machine: &Machine) -> bool {
        let is_equal = |asked: &Option<String>, fact: &str| asked.as_ref().is_none_or(|asked| asked == fact);
        self.name_prefix.as_ref().is_none_or(|prefix| machine.name.starts_with(prefix.as_str()))
            && self.state.is_none_or(|state| state.includes(machine.state))
            && (self.shows_retired() || machine.is_active())
            && is_equal(&self.kind, machine.kind())
            && is_equal(&self.brand, &machine.brand)
            && (self.image.is_none() || is_equal(&self.image, &machine.image.to_string()))
            && (self.memory.is_none() || is_equal(&self.memory, &machine.memory_mib.to_string()))
            && self.tags.iter().all(|(key, asked)| has_tag(machine, key, asked))
    }

    fn shows_retired(&self) -> bool {
        self.tombstone || self.state == Some(ListedState::Destroyed)
    }

    /// A tag filter without a wildcard, which an index can answer.
    fn exact_tag(&self) -> Option<(&String, &String)> {
        self.tags.iter().find(|(_, value)| !value.contains('*'))
    }
}

impl ListedState {
    const fn includes(self, state: MachineState) -> bool {
        match self {
            Self::Running => matches!(state, MachineState::Running),
            Self::Stopped => matches!(state, MachineState::Stopped),
            Self::Active => state.is_active(),
            Self::Destroyed => matches!(state, MachineState::Deleted),
        }
    }
}

impl World {
    /// `GET /:account/machines`: uuid descending. A machine that goes away between two pages makes
    /// a living one slip through the gap, as with any offset.
    pub fn list_machines(&self, account: AccountId, query: &ListQuery) -> Page<&Machine> {
        let skip = usize::try_from(query.offset).unwrap_or(usize::MAX);
        let take = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let shown = |machine: &&Machine| machine.is_visible(self.now) && !self.is_purged(machine);
        let candidates = self.candidates(account, query);
        let machines = candidates.iter().filter_map(|id| self.machines.get(id));
        let passing = machines.filter(|machine| query.passes(machine)).filter(shown);
        Page { items: passing.skip(skip).take(take).collect(), limit: query.limit }
    }

    /// Machines that can pass, uuid descending, by the narrowest index there is.
    fn candidates(&self, account: AccountId, query: &ListQuery) -> Vec<MachineId> {
        let Some(index) = self.index.get(&account) else { return Vec::new() };
        let mut ids: Vec<MachineId> = if let Some((key, value)) = query.exact_tag() {
            index.tagged(key, value).copied().collect()
        } else if let Some(prefix) = &query.name_prefix {
            index.name_prefixed(prefix).copied().collect()
        } else if query.shows_retired() {
            index.all().copied().collect()
        } else {
            index.active().copied().collect()
        };
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids
    }
}

fn has_tag(machine: &Machine, key: &str, asked: &str) -> bool {
    machine.tags.get(key).is_some_and(|value| {
        let text = value.to_string();
        if asked.contains('*') { is_glob_match(asked, &text) } else { text == asked }
    })
}

/// Whether a text matches a pattern in which `*` stands for anything.
fn is_glob_match(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(found) = rest.find(part) else { return false };
        rest = rest.get(found + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

fn check_name_filter(name: String) -> Result<String, Refusal> {
    let is_legal = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if is_legal {
        return Ok(name);
    }
    Err(Refusal::validation("Invalid Parameters", "alias", "Invalid", "String does not match regexp"))
}

fn check_kind(kind: String) -> Result<String, Refusal> {
    if matches!(kind.as_str(), "smartmachine" | "virtualmachine") {
        return Ok(kind);
    }
    Err(Refusal::invalid_argument(format!("{kind} is not a valid type")))
}

fn listed_state(state: &str) -> Result<ListedState, Refusal> {
    match state {
        "running" => Ok(ListedState::Running),
        "stopped" => Ok(ListedState::Stopped),
        // Upstream maps the last two to "all active".
        "active" | "provisioning" | "stopping" => Ok(ListedState::Active),
        "destroyed" => Ok(ListedState::Destroyed),
        "unknown" => Err(Refusal::validation("Invalid Parameters", "state", "Invalid", "Must be a valid state")),
        _ => Err(Refusal::invalid_argument(format!("{state} is not a valid state"))),
    }
}

/// Reads a number parameter; texts, and numbers outside the range, are refused.
fn number(
    params: &BTreeMap<String, String>,
    key: &str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, Refusal> {
    let Some(text) = params.get(key) else { return Ok(default) };
    let refusal = || Refusal::validation("Invalid Parameters", key, "Invalid", format!("must be a number: {text}"));
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(refusal)
}

#[cfg(test)]
mod tests {
    use super::is_glob_match;

    #[test]
    fn globs_are_anchored_at_both_ends() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("a*", "abc", true),
            ("a*", "xabc", false),
            ("*c", "abc", true),
            ("*c", "abcd", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("a**c", "ac", true),
        ] {
            assert_eq!(is_glob_match(pattern, text), expected, "{pattern} {text}");
        }
    }
}
