//! What an engine tells of what happens, written down.

use std::sync::Mutex;

use tsg_core::model::id::InstanceId;
use tsg_engine::{Event, Occurrence, Subject, Witness};

#[derive(Default)]
pub struct Diary(Mutex<Vec<Event>>);

impl Witness for Diary {
    fn note(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Diary {
    /// Everything so far, which is forgotten.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The same without when and where.
    pub fn what(&self) -> Vec<Occurrence> {
        self.take().into_iter().map(|event| event.what).collect()
    }
}

/// Whom something happened to, if to one instance.
pub fn subject(what: &Occurrence) -> Option<&Subject> {
    match what {
        Occurrence::Judged { of, .. } | Occurrence::Listed { of, .. } | Occurrence::Repaired { of, .. } => Some(of),
        _ => None,
    }
}

pub fn is_of(what: &Occurrence, instance: InstanceId) -> bool {
    subject(what).is_some_and(|of| of.instance == Some(instance))
}
