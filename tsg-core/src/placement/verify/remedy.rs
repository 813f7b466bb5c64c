//! What follows from a broken rule.
//!
//! Owns the bound on replacing. Must never ask for it because of a wish.

use super::{Verdict, Verified};
use crate::placement::rule::{Enforce, PlacementSpec, Strength};

/// What follows when an instance has landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// No hard rule is broken.
    Nothing,
    /// It stays, and it is said.
    Report,
    /// It is replaced.
    Replace {
        /// How often its successors may be.
        attempts_left: u8,
    },
    /// It was replaced as often as may be, and stays.
    GivenUp {
        /// How often.
        attempts: u8,
    },
}

/// What a block asks for, when an instance has landed for which so many have been replaced already,
/// one after the other, because of where they stood.
///
/// ```
/// use tsg_core::placement::rule::{Enforce, PlacementSpec, Scope, SpecPlace, Strength};
/// use tsg_core::placement::verify::{Breach, Remedy, Verdict, Verified, remedy};
///
/// let at = SpecPlace::Rule { scope: Scope::Node, index: 0 };
/// let verdict = Verdict::Broken(Breach::Alone { elsewhere: 1 });
/// let broken = [Verified { at, strength: Strength::Hard, verdict }];
/// let spec = PlacementSpec { enforce: Enforce::Replace, attempts: 2, ..PlacementSpec::default() };
/// let course: Vec<Remedy> = (0..3).map(|made| remedy(&spec, &broken, made)).collect();
/// let replace = |attempts_left| Remedy::Replace { attempts_left };
/// assert_eq!(course, [replace(1), replace(0), Remedy::GivenUp { attempts: 2 }]);
/// assert_eq!(remedy(&PlacementSpec::default(), &broken, 0), Remedy::Report);
/// ```
pub fn remedy(spec: &PlacementSpec, verified: &[Verified], attempts_made: u8) -> Remedy {
    let is_broken =
        |verified: &Verified| verified.strength == Strength::Hard && matches!(verified.verdict, Verdict::Broken(_));
    if !verified.iter().any(is_broken) {
        return Remedy::Nothing;
    }
    match (spec.enforce, spec.attempts.checked_sub(attempts_made)) {
        (Enforce::Report, _) => Remedy::Report,
        (Enforce::Replace, None | Some(0)) => Remedy::GivenUp { attempts: attempts_made },
        (Enforce::Replace, Some(left)) => Remedy::Replace { attempts_left: left - 1 },
    }
}
