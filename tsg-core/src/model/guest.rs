//! What a guest and tsg say to one another through the instance's metadata.
//!
//! Owns the keys and how their values are read. A guest is believed about itself only; must never
//! be a reason to touch another instance.

use core::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::tag::SeenValue;
use super::time::Timestamp;

/// tsg to guest: why it is being drained, in one word; [`NO_DRAIN`] or absent otherwise.
pub const DRAIN: &str = "tsg.drain";
/// The value of [`DRAIN`] once a drain was taken back.
pub const NO_DRAIN: &str = "none";
/// CNS: anything but `up` takes the instance out of its services; its own names stay.
pub const CNS_STATUS: &str = "triton.cns.status";
/// tsg to itself: `true` while what [`CNS_STATUS`] says is tsg's own doing. Whoever else takes an
/// instance out does not write it, so that the two can be told apart, however late a write lands.
pub const TAKEN_OUT: &str = "tsg.taken_out";
/// Guest to tsg: whether it should rather not be removed now, `true` or `false`.
pub const BUSY: &str = "tsg.busy";
/// Guest to tsg: what removing it would cost, a whole number; the lowest goes first.
pub const SCALE_IN_COST: &str = "tsg.scale_in_cost";
/// Guest to tsg: `true` once its drain is complete.
pub const DRAINED: &str = "tsg.drained";
/// Guest to tsg: `bad` when it knows that it is not fit to serve.
pub const HEALTH: &str = "tsg.health";
/// Guest to tsg: `false` while it is fit but should not be sent anything.
pub const READY: &str = "tsg.ready";
/// Guest to tsg: when it wrote this, in seconds since 1970.
pub const HEARTBEAT: &str = "tsg.heartbeat";

/// Whether a value of [`CNS_STATUS`] takes the instance out of its services.
///
/// ```
/// use tsg_core::model::guest;
/// use tsg_core::model::tag::SeenValue::Text;
/// assert!(guest::is_delisted(Text("down")) && guest::is_delisted(Text("UP")));
/// assert!(!guest::is_delisted(Text("up")));
/// ```
pub fn is_delisted(cns_status: SeenValue<'_>) -> bool {
    !matches!(cns_status, SeenValue::Text("up"))
}

impl SeenValue<'_> {
    fn flag(self) -> Option<bool> {
        match self {
            Self::Flag(value) => Some(value),
            Self::Text(text) => match text.trim() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            Self::Number(1.0) => Some(true),
            Self::Number(0.0) => Some(false),
            Self::Number(_) | Self::Foreign => None,
        }
    }

    fn integer(self) -> Option<i32> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            // Saturates and drops fractions, which the comparison then notices.
            Self::Number(value) => Some(value as i32).filter(|whole| f64::from(*whole) == value),
            Self::Flag(_) | Self::Foreign => None,
        }
    }

    fn seconds(self) -> Option<NonZeroU32> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            // Saturates and drops fractions, which the comparison then notices.
            Self::Number(value) => NonZeroU32::new(value as u32).filter(|whole| f64::from(whole.get()) == value),
            Self::Flag(_) | Self::Foreign => None,
        }
    }
}

/// What a guest's metadata says of it. How old that is nobody knows: metadata carry no date, so
/// whoever cares notes when a value was first seen.
///
/// ```
/// use tsg_core::model::guest::{self, GuestReport};
/// use tsg_core::model::tag::SeenValue;
/// let mut report = GuestReport::default();
/// report.note(guest::BUSY, SeenValue::Text("true"));
/// report.note(guest::SCALE_IN_COST, SeenValue::Text("-5"));
/// assert_eq!((report.busy, report.scale_in_cost), (Some(true), Some(-5)));
/// assert!(!report.has_drained && !report.is_unhealthy);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GuestReport {
    /// What removing it would cost, without unit; lower goes first. `None`: it does not say.
    pub scale_in_cost: Option<i32>,
    /// Whether it should rather not be removed now. `None`: it does not say.
    pub busy: Option<bool>,
    /// Whether it says that its drain is complete.
    pub has_drained: bool,
    /// Whether it says that it is not fit to serve.
    pub is_unhealthy: bool,
}

const _: () = assert!(core::mem::size_of::<GuestReport>() <= 16, "a million machines carry one");

impl GuestReport {
    /// Takes in one metadatum. Keys that are not a guest's to say anything with are passed over,
    /// and a value that cannot be read is as good as none.
    pub fn note(&mut self, key: &str, value: SeenValue<'_>) {
        match key {
            BUSY => self.busy = value.flag(),
            SCALE_IN_COST => self.scale_in_cost = value.integer(),
            DRAINED => self.has_drained = value.flag() == Some(true),
            HEALTH => self.is_unhealthy = matches!(value, SeenValue::Text(text) if text.trim() == "bad"),
            _ => {}
        }
    }
}

/// A moment of a guest's own clock, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Heartbeat(NonZeroU32);

impl Heartbeat {
    /// When it was.
    pub fn at(self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.0.get()) * 1000)
    }
}

/// What an instance's metadata say to whoever looks after its health and its place in discovery. It
/// is no part of the report: a heartbeat is another one each time, and nothing to plan by.
///
/// ```
/// use tsg_core::model::guest::{self, GuestSigns, Heartbeat};
/// use tsg_core::model::tag::SeenValue;
/// use tsg_core::model::time::Timestamp;
///
/// let mut signs = GuestSigns::default();
/// signs.note(guest::HEARTBEAT, SeenValue::Text("1800000000"));
/// signs.note(guest::READY, SeenValue::Text("false"));
/// assert_eq!(signs.heartbeat.map(Heartbeat::at), Some(Timestamp::from_millis(1_800_000_000_000)));
/// assert!(signs.is_unready);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GuestSigns {
    /// When it said last that it lives. `None`: it does not say.
    pub heartbeat: Option<Heartbeat>,
    /// Whether it says that it is not ready to serve.
    pub is_unready: bool,
    /// Whether tsg says that it took it out of its services.
    pub is_taken_out: bool,
}

const _: () = assert!(core::mem::size_of::<GuestSigns>() <= 8, "a million machines carry one");

impl GuestSigns {
    /// Takes in one metadatum, as [`GuestReport::note`] does.
    pub fn note(&mut self, key: &str, value: SeenValue<'_>) {
        match key {
            HEARTBEAT => self.heartbeat = value.seconds().map(Heartbeat),
            READY => self.is_unready = value.flag() == Some(false),
            TAKEN_OUT => self.is_taken_out = value.flag() == Some(true),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(key: &str, value: SeenValue<'_>) -> GuestReport {
        let mut report = GuestReport::default();
        report.note(key, value);
        report
    }

    #[test]
    fn values_are_read_leniently_and_nonsense_is_nothing() {
        use SeenValue::{Flag, Number, Text};
        let flags = [
            (Text("true\n"), Some(true)),
            (Text("0"), Some(false)),
            (Text("soon"), None),
            (Flag(true), Some(true)),
            (Number(0.0), Some(false)),
            (Number(2.0), None),
        ];
        for (value, busy) in flags {
            assert_eq!(report(BUSY, value).busy, busy, "{value:?}");
            assert_eq!(report(DRAINED, value).has_drained, busy == Some(true), "{value:?}");
        }
        let costs = [
            (Text(" 7 "), Some(7)),
            (Text("7.5"), None),
            (Text("2147483648"), None),
            (Number(-3.0), Some(-3)),
            (Number(0.5), None),
            (Number(3e9), None),
            (Number(f64::NAN), None),
            (Flag(true), None),
        ];
        for (value, cost) in costs {
            assert_eq!(report(SCALE_IN_COST, value).scale_in_cost, cost, "{value:?}");
        }
        assert!(report(HEALTH, Text("bad\n")).is_unhealthy);
        assert!(!report(HEALTH, Text("good")).is_unhealthy && !report(HEALTH, Flag(false)).is_unhealthy);
        assert_eq!(report(DRAIN, Text("true")), GuestReport::default());
    }

    #[test]
    fn a_heartbeat_is_a_whole_number_of_seconds_and_ready_is_a_flag() {
        use SeenValue::{Flag, Foreign, Number, Text};
        let signs = |key: &str, value| {
            let mut signs = GuestSigns::default();
            signs.note(key, value);
            signs
        };
        for (value, seconds) in [
            (Text("1800000000\n"), Some(1_800_000_000)),
            (Number(1.8e9), Some(1_800_000_000)),
            (Number(1.5), None),
            (Text("2027-01-15T08:00:00Z"), None),
            (Text("0"), None),
            (Number(-1.0), None),
            (Number(5e9), None),
            (Flag(true), None),
            (Foreign, None),
        ] {
            let at = signs(HEARTBEAT, value).heartbeat.map(|beat| beat.at().as_millis() / 1000);
            assert_eq!(at, seconds, "{value:?}");
        }
        for (value, is_unready) in
            [(Text("false"), true), (Flag(false), true), (Text("true"), false), (Text("no"), false)]
        {
            assert_eq!(signs(READY, value).is_unready, is_unready, "{value:?}");
        }
    }

    #[test]
    fn what_tsg_notes_of_its_own_is_read_back() {
        use SeenValue::{Flag, Foreign, Text};
        for (value, expected) in [(Text("true"), true), (Flag(true), true), (Text("false"), false), (Foreign, false)] {
            let mut signs = GuestSigns { is_taken_out: !expected, ..GuestSigns::default() };
            signs.note(TAKEN_OUT, value);
            assert_eq!(signs.is_taken_out, expected, "{value:?}");
        }
    }

    #[test]
    fn the_last_value_of_a_key_holds() {
        let mut report = report(BUSY, SeenValue::Text("true"));
        report.note(BUSY, SeenValue::Foreign);
        assert_eq!(report, GuestReport::default());
    }
}
