//! What machines carry: their names and tags, for rules that speak of them.
//!
//! Owns the form in which a million machines' labels fit in memory: each different tag once, and
//! all text in a few buffers. Must never be asked whose a machine is; a claim tells.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use super::fnv::fnv;
use super::id::InstanceId;
use super::tag::{MANAGER, OPERATION, REVISION, SEQUENCE, SeenValue};

/// Tags that say which machine of which deployment one is: another value for each machine, or the
/// same for all, and no rule's to speak of.
const LEFT_OUT: [&str; 4] = [MANAGER, OPERATION, REVISION, SEQUENCE];

/// Texts one after the other, by number.
#[derive(Debug, Clone, Default)]
struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    fn get(&self, number: usize) -> &str {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(number).and_then(|end| self.text.get(start..*end)).unwrap_or_default()
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    fn truncate(&mut self, count: usize) {
        self.ends.truncate(count);
        self.text.truncate(self.ends.last().copied().unwrap_or_default());
    }

    fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// Machines in the order in which they came.
#[derive(Debug, Clone, Default)]
struct Rows {
    ids: Vec<InstanceId>,
    names: Texts,
    /// The different tags, each a key and a value as text.
    tags: Texts,
    /// Numbers of tags, machine after machine.
    carried: Vec<u32>,
    carried_ends: Vec<usize>,
}

impl Rows {
    fn machine(&self, row: usize) -> Option<LabelledMachine<'_>> {
        self.ids.get(row).map(|id| LabelledMachine { rows: self, row, id: *id })
    }

    fn machines(&self) -> impl Iterator<Item = LabelledMachine<'_>> {
        (0..self.ids.len()).filter_map(|row| self.machine(row))
    }

    fn tag_count(&self) -> usize {
        self.tags.ends.len() / 2
    }

    fn tag(&self, number: usize) -> (&str, &str) {
        (self.tags.get(2 * number), self.tags.get(2 * number + 1))
    }

    fn close(&mut self, id: InstanceId, name: &str) {
        self.ids.push(id);
        self.names.push(name);
        self.carried_ends.push(self.carried.len());
    }

    fn shrink(&mut self) {
        self.ids.shrink_to_fit();
        self.names.shrink();
        self.tags.shrink();
        self.carried.shrink_to_fit();
        self.carried_ends.shrink_to_fit();
    }
}

/// One machine's labels.
///
/// ```
/// use tsg_core::model::id::InstanceId;
/// use tsg_core::model::labels::{LabelPage, LabelledMachine};
/// use tsg_core::model::tag::SeenValue;
/// use uuid::Uuid;
///
/// let id = InstanceId::new(Uuid::from_u128(1));
/// let mut page = LabelPage::new();
/// page.push(id, "db-1", [("role", SeenValue::Text("db"))]);
/// let labels = page.complete();
/// let machine: LabelledMachine<'_> = labels.get(id).ok_or("no such machine")?;
/// assert_eq!((machine.id(), machine.name(), machine.tag("role")), (id, "db-1", Some("db")));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy)]
pub struct LabelledMachine<'a> {
    rows: &'a Rows,
    row: usize,
    id: InstanceId,
}

impl<'a> LabelledMachine<'a> {
    /// The machine's UUID.
    pub const fn id(&self) -> InstanceId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.rows.names.get(self.row)
    }

    /// Its tags by key, with the text by which CloudAPI compares each, in the order in which they
    /// were given.
    pub fn tags(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let rows = self.rows;
        self.numbers().iter().map(|number| rows.tag(*number as usize))
    }

    /// The text of one of its tags.
    pub fn tag(&self, key: &str) -> Option<&'a str> {
        self.tags().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    fn numbers(&self) -> &'a [u32] {
        let ends = &self.rows.carried_ends;
        let start = self.row.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
        ends.get(self.row).and_then(|end| self.rows.carried.get(start..*end)).unwrap_or_default()
    }
}

impl PartialEq for LabelledMachine<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.name()) == (other.id, other.name()) && self.tags().eq(other.tags())
    }
}

impl Eq for LabelledMachine<'_> {}

impl fmt::Debug for LabelledMachine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {:?} ", self.id, self.name())?;
        out.debug_map().entries(self.tags()).finish()
    }
}

/// Labels of machines that still come in.
///
/// ```
/// use tsg_core::model::id::InstanceId;
/// use tsg_core::model::labels::LabelPage;
/// use tsg_core::model::tag::SeenValue;
/// use uuid::Uuid;
///
/// let (web, db) = (InstanceId::new(Uuid::from_u128(2)), InstanceId::new(Uuid::from_u128(1)));
/// let mut page = LabelPage::new();
/// page.push(web, "silent_bob", [("role", SeenValue::Text("web")), ("tier", SeenValue::Number(1.0))]);
/// let mut next = LabelPage::new();
/// next.push(web, "silent_bob", [("role", SeenValue::Text("web")), ("tier", SeenValue::Number(1.0))]);
/// next.push(db, "db-1", [("role", SeenValue::Text("db")), ("tsgop", SeenValue::Text("o7"))]);
/// // What a page shows again is newer.
/// page.forget_last(1);
/// page.append(next);
///
/// let labels = page.complete();
/// assert_eq!(labels.get(web).and_then(|machine| machine.tag("tier")), Some("1"));
/// assert_eq!(labels.get(db).and_then(|machine| machine.tag("tsgop")), None, "no rule speaks of it");
/// let apart: Vec<&str> =
///     labels.carrying(|key, value| key == "role" && value != "db").map(|machine| machine.name()).collect();
/// assert_eq!(apart, ["silent_bob"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct LabelPage {
    rows: Rows,
    /// Tags by the hash of their text, or by the next number that was free.
    index: BTreeMap<u64, u32>,
}

impl LabelPage {
    /// Without a machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a machine with its tags, each key once. Those that no rule may speak of, and values
    /// that CloudAPI compares with nothing, are left out.
    pub fn push<'t>(&mut self, id: InstanceId, name: &str, tags: impl IntoIterator<Item = (&'t str, SeenValue<'t>)>) {
        for (key, value) in tags {
            if value != SeenValue::Foreign && !LEFT_OUT.contains(&key) {
                let number = self.number_of(key, value);
                self.rows.carried.extend(number);
            }
        }
        self.rows.close(id, name);
    }

    /// Forgets the newest so many machines.
    pub fn forget_last(&mut self, count: usize) {
        let left = self.rows.ids.len().saturating_sub(count);
        self.rows.ids.truncate(left);
        self.rows.names.truncate(left);
        self.rows.carried_ends.truncate(left);
        self.rows.carried.truncate(self.rows.carried_ends.last().copied().unwrap_or_default());
    }

    /// Adds another page's machines.
    pub fn append(&mut self, page: Self) {
        if self.rows.ids.is_empty() {
            *self = page;
            return;
        }
        let number = |tag| {
            let (key, value) = page.rows.tag(tag);
            self.number_of(key, SeenValue::Text(value))
        };
        let numbers: Vec<Option<u32>> = (0..page.rows.tag_count()).map(number).collect();
        for machine in page.rows.machines() {
            let known = machine.numbers().iter().filter_map(|tag| numbers.get(*tag as usize).copied().flatten());
            self.rows.carried.extend(known);
            self.rows.close(machine.id, machine.name());
        }
    }

    /// The machines in it, in the order in which they came.
    pub fn machines(&self) -> impl Iterator<Item = LabelledMachine<'_>> {
        self.rows.machines()
    }

    /// All machines are in it.
    pub fn complete(self) -> MachineLabels {
        let mut rows = self.rows;
        rows.shrink();
        let mut by_id: Vec<u32> = (0..).take(rows.ids.len()).collect();
        by_id.sort_unstable_by_key(|row| rows.ids.get(*row as usize));
        MachineLabels { rows, by_id }
    }

    /// The number of a tag, a new one if need be; none where four thousand million others are.
    fn number_of(&mut self, key: &str, value: SeenValue<'_>) -> Option<u32> {
        let tags = &mut self.rows.tags;
        let start = tags.text.len();
        tags.push(key);
        // Writing to a string cannot fail.
        let _ = write!(tags.text, "{value}");
        tags.ends.push(tags.text.len());
        let text = tags.text.get(start..).unwrap_or_default();
        // No byte of a text is 0xff: what belongs to the key and what to the value stays apart.
        let (key, value) = text.split_at(key.len());
        let mark = fnv(key.bytes().chain([0xff]).chain(value.bytes()));
        self.file_newest(mark)
    }

    /// Files the tag that was just written, or drops it where it is known.
    fn file_newest(&mut self, mut mark: u64) -> Option<u32> {
        let rows = &mut self.rows;
        let newest = rows.tag_count().checked_sub(1)?;
        while let Some(known) = self.index.get(&mark) {
            if rows.tag(*known as usize) == rows.tag(newest) {
                rows.tags.truncate(2 * newest);
                return Some(*known);
            }
            mark = mark.wrapping_add(1);
        }
        let number = u32::try_from(newest).ok()?;
        self.index.insert(mark, number);
        Some(number)
    }
}

impl PartialEq for LabelPage {
    fn eq(&self, other: &Self) -> bool {
        self.machines().eq(other.machines())
    }
}

impl Eq for LabelPage {}

/// The labels of all machines of an account.
///
/// ```
/// use tsg_core::model::id::InstanceId;
/// use tsg_core::model::labels::{LabelPage, MachineLabels};
/// use tsg_core::model::tag::SeenValue;
/// use uuid::Uuid;
///
/// let id = InstanceId::new(Uuid::from_u128(1));
/// let mut page = LabelPage::new();
/// page.push(id, "db-1", [("role", SeenValue::Text("db"))]);
/// let labels: MachineLabels = page.complete();
/// assert_eq!((labels.len(), labels.iter().count()), (1, 1));
/// assert_eq!(labels.carrying(|key, _| key == "role").count(), 1);
/// ```
#[derive(Clone, Default)]
pub struct MachineLabels {
    rows: Rows,
    /// Rows, ordered by the id of their machine.
    by_id: Vec<u32>,
}

impl MachineLabels {
    /// How many machines.
    pub const fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is no machine.
    pub const fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The labels of one machine, if it was there.
    pub fn get(&self, id: InstanceId) -> Option<LabelledMachine<'_>> {
        let place = self.by_id.binary_search_by_key(&Some(&id), |row| self.rows.ids.get(*row as usize)).ok()?;
        self.rows.machine(*self.by_id.get(place)? as usize)
    }

    /// All machines, ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = LabelledMachine<'_>> {
        self.by_id.iter().filter_map(|row| self.rows.machine(*row as usize))
    }

    /// The machines that carry a tag that is wanted, ordered by id. Each different tag is asked
    /// about once, whatever the number of machines.
    pub fn carrying(&self, mut is_wanted: impl FnMut(&str, &str) -> bool) -> impl Iterator<Item = LabelledMachine<'_>> {
        let mut wanted = vec![false; self.rows.tag_count()];
        for (number, is_in) in wanted.iter_mut().enumerate() {
            let (key, value) = self.rows.tag(number);
            *is_in = is_wanted(key, value);
        }
        let is_in = move |number: &u32| wanted.get(*number as usize) == Some(&true);
        self.iter().filter(move |machine| machine.numbers().iter().any(&is_in))
    }
}

impl fmt::Debug for MachineLabels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
