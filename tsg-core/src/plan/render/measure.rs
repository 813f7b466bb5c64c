//! Numbers, moments and durations in words. Must never round what is left down to nothing.

use core::fmt;
use core::time::Duration;

use crate::model::time::Timestamp;

/// A number of things: "1 machine", "2 machines".
pub(super) struct Count<N>(pub N, pub &'static str);

impl<N: fmt::Display + Into<u32> + Copy> fmt::Display for Count<N> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.into() == 1 { "" } else { "s" };
        write!(out, "{} {}{plural}", self.0, self.1)
    }
}

/// A number of things that are something: "1 member is", "2 members are".
pub(super) struct Are(pub u32, pub &'static str);

impl fmt::Display for Are {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", Count(self.0, self.1), if self.0 == 1 { "is" } else { "are" })
    }
}

/// A moment as a distance: "in 45 s", "now".
pub(super) struct Distance {
    pub to: Timestamp,
    pub now: Timestamp,
}

impl fmt::Display for Distance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.to <= self.now {
            return out.write_str("now");
        }
        write!(out, "in {}", Length(self.to.since(self.now)))
    }
}

/// A duration in its largest useful unit: "45 s", "15 min", "65 h".
pub(super) struct Length(pub Duration);

impl fmt::Display for Length {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded up, so that what is left is never told as nothing.
        let seconds = self.0.as_millis().div_ceil(1000);
        match seconds {
            0..=119 => write!(out, "{seconds} s"),
            120..=7199 => write!(out, "{} min", seconds / 60),
            _ => write!(out, "{} h", seconds / 3600),
        }
    }
}
