//! How many sockets a prober may have open at once, and for what.
//!
//! Owns the process's limit on open files as far as the prober is concerned. Must never take what
//! is reserved for the rest of the process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Sockets for each purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileBudget {
    /// Probes that run at the same time. What they leave over keeps connections between probes.
    pub in_flight: usize,
    /// Of these, probes of targets that did not answer last time. The rest is for all others.
    pub slow: usize,
}

/// Fewer than this many sockets are not worth starting for.
pub const FILES_MIN: u64 = 64;

impl FileBudget {
    /// Shares out so many sockets.
    pub fn of(files: u64) -> Self {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        Self { in_flight: files, slow: files / 2 }
    }
}

/// Raises the process's limit on open files, so that beside `reserved` ones there is room for
/// `wanted`; says for how many there really is.
pub fn make_room(wanted: u64, reserved: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let needed = wanted.saturating_add(reserved);
    let (soft, hard) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    let goal = needed.min(hard);
    let is_raised =
        goal > soft && setrlimit(Resource::Nofile, Rlimit { current: Some(goal), maximum: limit.maximum }).is_ok();
    let allowed = if is_raised { goal } else { soft };
    allowed.saturating_sub(reserved).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_stay_within_the_limit_and_prompt_targets_keep_a_share() {
        for files in [FILES_MIN, 1_000, 19_999, 1 << 20] {
            let budget = FileBudget::of(files);
            assert!(budget.in_flight as u64 <= files && budget.slow < budget.in_flight, "{budget:?}");
        }
    }

    #[test]
    fn no_more_is_promised_than_there_is_beside_the_reserved() {
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        assert_eq!(make_room(10, 10), 10);
        assert!(make_room(u64::MAX, 1_000) <= hard.saturating_sub(1_000));
        assert_eq!(make_room(100, u64::MAX), 0);
    }
}
