//! What is believed of instances, as a port.
//!
//! Owns the two questions that the engine has. Must never be waited for: whoever answers has made
//! up their mind before.

use alloc::vec::Vec;

use crate::health::contact::Contact;
use crate::health::verdict::Judgement;
use crate::model::id::{GroupId, InstanceId};

/// Believes something of instances, from what probes found.
///
/// ```
/// use std::sync::Mutex;
/// use tsg_core::health::verdict::Judgement;
/// use tsg_core::health::ward::Ward;
/// use tsg_core::model::id::{GroupId, InstanceId};
/// use tsg_core::model::time::Timestamp;
/// use tsg_core::ports::Health;
///
/// /// What a ward believes.
/// struct Kept(Mutex<Ward>, fn() -> Timestamp);
///
/// impl Health for Kept {
///     fn judgement(&self, instance: InstanceId) -> Option<Judgement> {
///         self.0.lock().unwrap().judgement(instance, (self.1)())
///     }
///     fn take_changed(&self) -> Vec<GroupId> {
///         self.0.lock().unwrap().take_changed()
///     }
/// }
///
/// let kept = Kept(Mutex::new(Ward::new(Timestamp::EPOCH)), || Timestamp::EPOCH);
/// assert_eq!(kept.take_changed(), []);
/// ```
pub trait Health: Send + Sync {
    /// What is believed of an instance now; `None` for one that nobody looks after.
    fn judgement(&self, instance: InstanceId) -> Option<Judgement>;

    /// What was heard of an instance last by whoever asks it directly. Whoever knows no more than its
    /// judgement leaves this as it is: what fails is silent then.
    fn contact(&self, instance: InstanceId) -> Contact {
        _ = instance;
        Contact::Silent
    }

    /// The groups of which something else is believed than when this was asked last. Whoever
    /// answers wakes the engine when there is something to ask for.
    fn take_changed(&self) -> Vec<GroupId>;
}
