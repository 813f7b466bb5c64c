//! What is kept of a report beside what it found, in a byte.
//!
//! Owns how a duration, or why a prober could not tell, becomes a byte and one again. Must never be
//! what anything is decided by: a duration is kept to an eighth of itself.

use core::time::Duration;

use super::fact::Obstruction;

/// How long the newest probe took or, if it could not tell, why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aside(u8);

/// A duration is counted in units of 1,024 ns: those of 32 bits are more than an hour.
const UNIT_BITS: u32 = 10;
/// Steps from one power of two to the next. What is kept is counted from as many units, so that what
/// is shorter needs no other scale.
const STEPS: u32 = 8;
/// The obstructions come behind the longest duration.
const OBSTRUCTIONS: u8 = 232;

/// By their numbers.
const KNOWN: [Obstruction; 8] = [
    Obstruction::Forbidden,
    Obstruction::NoRoute,
    Obstruction::NoAddress,
    Obstruction::NoHeartbeat,
    Obstruction::NoExecutor,
    Obstruction::Exhausted,
    Obstruction::Stopping,
    Obstruction::Unsupported,
];

impl Aside {
    /// Nothing is known.
    pub(super) const NONE: Self = Self(0);

    /// That of a prober that could not tell.
    pub(super) const fn of_obstruction(obstruction: Obstruction) -> Self {
        Self(OBSTRUCTIONS + obstruction as u8)
    }

    /// That of a probe that took so long; zero if that is not known.
    #[inline]
    pub(super) fn of_probe(took: Duration) -> Self {
        let from_steps =
            if took.as_secs() == 0 { (took.subsec_nanos() >> UNIT_BITS) + STEPS } else { long_from_steps(took) };
        let octave = from_steps.ilog2() - STEPS.ilog2();
        let code = octave * STEPS + (from_steps >> octave) - STEPS;
        Self(code.to_le_bytes()[0])
    }

    /// How long it took at least; `None` if nobody said. The lower end of the step: what was ended by a
    /// timeout never took longer than that.
    pub(super) fn took(self) -> Option<Duration> {
        if self == Self::NONE || self.0 >= OBSTRUCTIONS {
            return None;
        }
        let (steps, code) = (u64::from(STEPS), u64::from(self.0));
        let units = ((steps + code % steps) << (code / steps)) - steps;
        Some(Duration::from_nanos(units << UNIT_BITS))
    }

    /// Why the prober could not tell; `None` if it could.
    pub(super) fn obstruction(self) -> Option<Obstruction> {
        KNOWN.get(usize::from(self.0.checked_sub(OBSTRUCTIONS)?)).copied()
    }
}

/// Those of what takes longer than a second.
#[cold]
fn long_from_steps(took: Duration) -> u32 {
    u32::try_from(took.as_nanos() >> UNIT_BITS).unwrap_or(u32::MAX).saturating_add(STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_kept_to_an_eighth_and_never_as_a_longer_one() {
        let mut micros = 2;
        while micros < 3_000_000_000_u64 {
            for off in [0, 1, micros / 7, micros / 3] {
                let took = Duration::from_micros(micros + off);
                let aside = Aside::of_probe(took);
                let kept = aside.took().expect("it is known");
                let is_near = took - kept.min(took) <= took / 8 + Duration::from_nanos(1_024);
                assert!(kept <= took && is_near, "{took:?} became {kept:?}");
                assert_eq!(aside.obstruction(), None);
            }
            micros = micros * 5 / 4 + 1;
        }
        let longest = Aside::of_probe(Duration::MAX);
        assert_eq!((longest.took().map(|took| took.as_secs() > 4_000), longest.obstruction()), (Some(true), None));
    }

    #[test]
    fn no_duration_is_none_and_a_prober_that_could_not_tell_took_none() {
        assert_eq!(Aside::of_probe(Duration::ZERO), Aside::NONE);
        assert_eq!((Aside::NONE.took(), Aside::NONE.obstruction()), (None, None));
        for obstruction in KNOWN {
            let aside = Aside::of_obstruction(obstruction);
            assert_eq!((aside.took(), aside.obstruction()), (None, Some(obstruction)));
        }
    }
}
