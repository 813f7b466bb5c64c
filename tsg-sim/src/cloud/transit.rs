//! A request on its way: if the client dies meanwhile, the bytes may have left already and arrive
//! all the same. It never delivers a request twice.

use super::{SimCloud, lock};

/// How often a request outlives its sender.
const SURVIVAL_RATE: f64 = 0.5;

/// Delivers a request whose sender was dropped on the way, or not, as the world's seed decides.
pub(super) struct Transit<'a, F: FnMut(&SimCloud)> {
    cloud: &'a SimCloud,
    deliver: Option<F>,
}

impl<'a, F: FnMut(&SimCloud)> Transit<'a, F> {
    pub(super) const fn of(cloud: &'a SimCloud, deliver: F) -> Self {
        Self { cloud, deliver: Some(deliver) }
    }

    /// The request has arrived with its sender alive.
    pub(super) fn arrived(mut self) {
        self.deliver = None;
    }
}

impl<F: FnMut(&SimCloud)> Drop for Transit<'_, F> {
    fn drop(&mut self) {
        let Some(mut deliver) = self.deliver.take() else { return };
        let survives = lock(&self.cloud.world).draw_chance(SURVIVAL_RATE);
        if survives {
            deliver(self.cloud);
        }
    }
}
