//! The list page without its ballast: what the planner needs of each machine, borrowed from the
//! page's bytes.
//!
//! A page of 1,000 machines is 1.65 MB, nearly all of it metadata and addresses that nobody reads
//! here. What is skipped is still checked to be JSON. The meaning is the full parser's; a test
//! compares the two on arbitrary pages.

use std::{borrow::Cow, net::IpAddr};

use jiff::Timestamp;
use tsg_core::model::{
    guest::{CNS_STATUS, GuestReport, GuestSigns, is_delisted},
    instance::{Brand, ServicesMark},
    tag::{self, SeenValue},
};
use uuid::Uuid;

mod nics;
mod tags;

use super::{
    machine::{Machine, MachineState, brand_from_wire},
    scan::{self, Scanner},
    tag_value::LabelValue,
};

use nics::WithNics;
use tags::{Ballast, TagKeeper, in_order};

pub use super::scan::ScanError;
pub use nics::FoundNic;
pub use tags::FoundTag;

/// The tag keys whose values are kept, in the order of [`MachineFacts::claim_tags`].
pub const CLAIM_TAGS: [&str; 5] = [tag::MANAGER, tag::GROUP, tag::OPERATION, tag::REVISION, tag::SEQUENCE];

/// What the planner needs of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineFacts<'a> {
    /// Its uuid.
    pub id: Uuid,
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its state.
    pub state: MachineState,
    /// Its image; nil when the cloud names none.
    pub image: Uuid,
    /// The NAME of its package; empty when the cloud names none.
    pub package: Cow<'a, str>,
    /// What runs it.
    pub brand: Brand,
    /// When its record was made; the epoch when the cloud does not say.
    pub created: Timestamp,
    /// The server it was placed on.
    pub compute_node: Option<Uuid>,
    /// Its primary address.
    pub primary_ip: Option<IpAddr>,
    /// Whether deletion is refused.
    pub deletion_protection: bool,
    /// The values of [`CLAIM_TAGS`] that are texts.
    pub claim_tags: [Option<Cow<'a, str>>; CLAIM_TAGS.len()],
    /// What its metadata say in its guest's name.
    pub guest: GuestReport,
    /// Whether its metadata take it out of its services in CNS.
    pub is_delisted: bool,
    /// What its metadata say to whoever looks after its health.
    pub signs: GuestSigns,
    /// The services that its tag names.
    pub services: ServicesMark,
}

impl<'a> MachineFacts<'a> {
    /// The value of one of [`CLAIM_TAGS`].
    #[must_use]
    pub fn claim_tag(&self, key: &str) -> Option<&str> {
        let index = CLAIM_TAGS.iter().position(|known| *known == key)?;
        self.claim_tags.get(index)?.as_deref()
    }

    /// The same facts of a fully parsed machine.
    #[must_use]
    pub fn of(machine: &'a Machine) -> Self {
        let text_of = |key: &str| machine.tags.get(key)?.as_text().map(Cow::Borrowed);
        let (mut guest, mut signs) = (GuestReport::default(), GuestSigns::default());
        for (key, value) in &machine.metadata {
            guest.note(key, seen_value(value));
            signs.note(key, seen_value(value));
        }
        Self {
            id: machine.id,
            name: Cow::Borrowed(&machine.name),
            state: machine.state,
            image: machine.image.unwrap_or_default(),
            package: Cow::Borrowed(&machine.package),
            brand: brand_from_wire(&machine.brand),
            created: machine.created.unwrap_or_default(),
            compute_node: machine.compute_node,
            primary_ip: machine.primary_ip.as_deref().and_then(|text| text.parse().ok()),
            deletion_protection: machine.deletion_protection,
            claim_tags: CLAIM_TAGS.map(text_of),
            guest,
            is_delisted: machine.metadata.get(CNS_STATUS).is_some_and(|status| is_delisted(seen_value(status))),
            signs,
            services: ServicesMark::of_tag(
                machine.tags.get(tag::CNS_SERVICES).and_then(LabelValue::as_text).unwrap_or_default(),
            ),
        }
    }
}

fn seen_value(value: &LabelValue) -> SeenValue<'_> {
    match value {
        LabelValue::Text(text) => SeenValue::Text(text),
        LabelValue::Bool(value) => SeenValue::Flag(*value),
        LabelValue::Number(value) => SeenValue::Number(*value),
        LabelValue::Foreign => SeenValue::Foreign,
    }
}

/// Reads a page and calls `machine` for each of its machines, in order.
///
/// ```
/// use tsg_cloudapi::wire::lean::scan_page;
/// let page = br#"[{"id":"28faa36c-2031-4632-a819-f7defa1299a3","name":"web-1","state":"running"}]"#;
/// let mut names = Vec::new();
/// scan_page(page, |machine| names.push(machine.name.into_owned()))?;
/// assert_eq!(names, ["web-1"]);
/// # Ok::<(), tsg_cloudapi::wire::lean::ScanError>(())
/// ```
///
/// # Errors
/// [`ScanError`] when the bytes are not a list of machines. Machines before the damage have been
/// handed out by then: discard them, a damaged page proves nothing.
pub fn scan_page<'a>(page: &'a [u8], mut machine: impl FnMut(MachineFacts<'a>)) -> Result<(), ScanError> {
    scan_keeping(page, &mut Ballast, |facts, _| machine(facts))
}

/// The same with all tags of each machine, in the order of their keys.
///
/// ```
/// use tsg_cloudapi::wire::lean::scan_labelled_page;
/// use tsg_core::model::tag::SeenValue;
/// let page = br#"[{"id":"28faa36c-2031-4632-a819-f7defa1299a3","tags":{"tier":2,"role":"web"}}]"#;
/// scan_labelled_page(page, |_, tags| {
///     let seen: Vec<_> = tags.iter().map(|tag| tag.seen()).collect();
///     assert_eq!(seen, [("role", SeenValue::Text("web")), ("tier", SeenValue::Number(2.0))]);
/// })?;
/// # Ok::<(), tsg_cloudapi::wire::lean::ScanError>(())
/// ```
///
/// # Errors
/// As [`scan_page`].
pub fn scan_labelled_page<'a>(
    page: &'a [u8],
    mut machine: impl FnMut(MachineFacts<'a>, &[FoundTag<'a>]),
) -> Result<(), ScanError> {
    scan_keeping(page, &mut Vec::new(), |facts, tags| {
        in_order(tags);
        machine(facts, tags);
        tags.clear();
    })
}

/// The same with the NICs of each machine that have an address.
///
/// ```
/// use tsg_cloudapi::wire::lean::scan_whole_page;
/// let page = br#"[{"id":"28faa36c-2031-4632-a819-f7defa1299a3",
///     "nics":[{"ip":"10.0.0.7","network":"d1e7e6a0-0000-4000-8000-000000000001"}]}]"#;
/// scan_whole_page(page, |_, _, nics| assert_eq!(nics[0].address.to_string(), "10.0.0.7"))?;
/// # Ok::<(), tsg_cloudapi::wire::lean::ScanError>(())
/// ```
///
/// # Errors
/// As [`scan_page`].
pub fn scan_whole_page<'a>(
    page: &'a [u8],
    mut machine: impl FnMut(MachineFacts<'a>, &[FoundTag<'a>], &[FoundNic]),
) -> Result<(), ScanError> {
    scan_keeping(page, &mut WithNics::<Vec<FoundTag<'a>>>::default(), |facts, WithNics { rest: tags, nics }| {
        in_order(tags);
        machine(facts, tags, nics);
        tags.clear();
        nics.clear();
    })
}

fn scan_keeping<'a, K: TagKeeper<'a>>(
    page: &'a [u8],
    keeper: &mut K,
    mut machine: impl FnMut(MachineFacts<'a>, &mut K),
) -> Result<(), ScanError> {
    let text =
        std::str::from_utf8(page).map_err(|error| ScanError { offset: error.valid_up_to(), expected: "UTF-8 text" })?;
    let mut scanner = Scanner::new(text);
    scanner.list(|scanner| {
        let facts = scan_machine(scanner, keeper)?;
        machine(facts, keeper);
        Ok(())
    })?;
    scanner.finish()
}

/// The fields read so far; a repeated one is refused, since two parsers would differ on it.
#[derive(Default)]
struct Fields<'a> {
    seen: u16,
    id: Option<Uuid>,
    name: Option<Cow<'a, str>>,
    state: MachineState,
    image: Option<Uuid>,
    package: Option<Cow<'a, str>>,
    brand: Brand,
    created: Option<Timestamp>,
    compute_node: Option<Uuid>,
    primary_ip: Option<IpAddr>,
    deletion_protection: bool,
    claim_tags: [Option<Cow<'a, str>>; CLAIM_TAGS.len()],
    guest: GuestReport,
    is_delisted: bool,
    signs: GuestSigns,
    services: ServicesMark,
}

impl Fields<'_> {
    fn first(&mut self, bit: u16) -> bool {
        let is_first = self.seen & bit == 0;
        self.seen |= bit;
        is_first
    }
}

fn scan_machine<'a>(scanner: &mut Scanner<'a>, keeper: &mut impl TagKeeper<'a>) -> Result<MachineFacts<'a>, ScanError> {
    let mut fields = Fields::default();
    scanner.object(|scanner, key| scan_field(scanner, &key.decode(), &mut fields, keeper))?;
    let id = fields.id.ok_or_else(|| scanner.error("a machine with an id"))?;
    Ok(MachineFacts {
        id,
        name: fields.name.unwrap_or_default(),
        state: fields.state,
        image: fields.image.unwrap_or_default(),
        package: fields.package.unwrap_or_default(),
        brand: fields.brand,
        created: fields.created.unwrap_or_default(),
        compute_node: fields.compute_node,
        primary_ip: fields.primary_ip,
        deletion_protection: fields.deletion_protection,
        claim_tags: fields.claim_tags,
        guest: fields.guest,
        is_delisted: fields.is_delisted,
        signs: fields.signs,
        services: fields.services,
    })
}

fn scan_field<'a>(
    scanner: &mut Scanner<'a>,
    key: &str,
    fields: &mut Fields<'a>,
    keeper: &mut impl TagKeeper<'a>,
) -> Result<(), ScanError> {
    let bit = match key {
        "id" => 1,
        "name" => 2,
        "state" => 4,
        "image" => 8,
        "created" => 16,
        "compute_node" => 32,
        "primaryIp" => 64,
        "deletion_protection" => 128,
        "tags" => 256,
        "package" => 512,
        "brand" => 1024,
        "metadata" => 2048,
        "nics" => 4096,
        _ => return scanner.skip(),
    };
    if !fields.first(bit) {
        return Err(scanner.error("each field once"));
    }
    match bit {
        1 => fields.id = uuid(scanner)?,
        2 => fields.name = scanner.optional_text()?,
        4 => {
            let text = scanner.optional_text()?;
            fields.state = text.map(|text| MachineState::from_wire(&text)).unwrap_or_default();
        }
        8 => fields.image = uuid(scanner)?,
        16 => fields.created = timestamp(scanner)?,
        32 => fields.compute_node = uuid(scanner)?,
        64 => fields.primary_ip = scanner.optional_text()?.and_then(|text| text.parse().ok()),
        128 => fields.deletion_protection = scanner.flag()?,
        256 => scan_tags(scanner, fields, keeper)?,
        512 => fields.package = scanner.optional_text()?,
        1024 => fields.brand = scanner.optional_text()?.map(|text| brand_from_wire(&text)).unwrap_or_default(),
        2048 => scan_metadata(scanner, fields)?,
        _ => keeper.keep_nics(scanner)?,
    }
    Ok(())
}

/// Repeated tag keys keep the last value, as in a map.
fn scan_tags<'a>(
    scanner: &mut Scanner<'a>,
    fields: &mut Fields<'a>,
    keeper: &mut impl TagKeeper<'a>,
) -> Result<(), ScanError> {
    if scanner.skip_null()? {
        return Ok(());
    }
    scanner.object(|scanner, key| {
        let key = key.decode();
        let index = CLAIM_TAGS.iter().position(|known| *known == key);
        let slot = index.and_then(|index| fields.claim_tags.get_mut(index));
        let is_service = key == tag::CNS_SERVICES;
        if slot.is_none() && !is_service {
            return keeper.keep(scanner, key);
        }
        let text = if scanner.peek() == b'"' {
            let text = scanner.string()?.decode();
            Some(keeper.note(key, text))
        } else {
            keeper.keep(scanner, key)?;
            None
        };
        if is_service {
            fields.services = ServicesMark::of_tag(text.as_deref().unwrap_or_default());
        } else if let Some(slot) = slot {
            *slot = text;
        }
        Ok(())
    })
}

/// Metadata are most of a page: only what a guest says to tsg, and what CNS makes of it, is looked
/// into.
fn scan_metadata(scanner: &mut Scanner<'_>, fields: &mut Fields<'_>) -> Result<(), ScanError> {
    if scanner.skip_null()? {
        return Ok(());
    }
    scanner.object(|scanner, key| {
        let key = key.decode();
        if key.starts_with("tsg.") {
            scan_value(scanner, |value| {
                fields.guest.note(&key, value);
                fields.signs.note(&key, value);
            })
        } else if key == CNS_STATUS {
            scan_value(scanner, |status| fields.is_delisted = is_delisted(status))
        } else {
            scanner.skip()
        }
    })
}

fn scan_value(scanner: &mut Scanner<'_>, note: impl FnOnce(SeenValue<'_>)) -> Result<(), ScanError> {
    match scanner.peek() {
        b'"' => note(SeenValue::Text(&scanner.string()?.decode())),
        b't' | b'f' => note(SeenValue::Flag(scanner.flag()?)),
        b'-' | b'0'..=b'9' => note(SeenValue::Number(scanner.number_value()?)),
        _ => {
            scanner.skip()?;
            note(SeenValue::Foreign);
        }
    }
    Ok(())
}

fn uuid(scanner: &mut Scanner<'_>) -> Result<Option<Uuid>, ScanError> {
    let Some(text) = scanner.optional_text()? else {
        return Ok(None);
    };
    Uuid::try_parse(&text).map(Some).map_err(|_| scanner.error("a uuid before this"))
}

fn timestamp(scanner: &mut Scanner<'_>) -> Result<Option<Timestamp>, ScanError> {
    let Some(text) = scanner.optional_text()? else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| scanner.error("an RFC 3339 time before this"))
}
