//! Families of metrics, one after the other.
//!
//! Owns how a family is written. Must never know what one means.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use serde::Serialize;
use serde_json::Value;

use crate::probe::Histogram;

/// Of what there is one only.
pub const NO_LABELS: [(&str, &str); 0] = [];

/// The upper ends of the buckets of all durations, in microseconds: of two significant digits, so that
/// [`Histogram::at_most`] is exact.
const BUCKETS_MICROS: [u64; 16] = [
    250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
    10_000_000, 30_000_000,
];

/// What is written so far.
pub struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl<'a> Page<'a> {
    /// Nothing yet.
    pub const fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self { encoder }
    }

    /// What goes up and down.
    pub fn gauge<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// What only goes up, while the process runs. `name` is without its `_total`.
    pub fn counter<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in samples {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, f64>(&value, None)?;
        }
        Ok(())
    }

    /// How long something took. `name` is without its `_seconds`.
    pub fn durations<'h, L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, &'h Histogram)>,
    ) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for (labels, durations) in samples {
            let (sum, count) = (seconds(durations.sum_micros()), durations.count());
            family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets(durations), None)?;
        }
        Ok(())
    }
}

/// How many durations are in each bucket, not cumulative, by its end in seconds.
fn buckets(durations: &Histogram) -> Vec<(f64, u64)> {
    let ends = BUCKETS_MICROS.iter().map(|micros| (seconds(*micros), durations.at_most(*micros)));
    let mut below = 0;
    let apart = |(end, so_far): (f64, u64)| (end, so_far - std::mem::replace(&mut below, so_far));
    ends.chain([(f64::INFINITY, durations.count())]).map(apart).collect()
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// What one of several is called, by the word that the API has for it.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(Value::Object(fields)) => fields.into_iter().next().map(|(word, _)| word).unwrap_or_default(),
        Ok(_) | Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tsg_core::plan::output::{Block, GroupStatus};

    use super::*;

    #[test]
    fn the_buckets_of_durations_have_each_of_them_once() {
        let ends = BUCKETS_MICROS.map(Duration::from_micros);
        let durations = ends.into_iter().flat_map(|end| [end, end + Duration::from_micros(1)]).collect();
        let counts: Vec<u64> = buckets(&durations).into_iter().map(|(_, count)| count).collect();
        let mut expected = vec![2; BUCKETS_MICROS.len() + 1];
        (expected[0], expected[BUCKETS_MICROS.len()]) = (1, 1);
        assert_eq!(counts, expected);
    }

    #[test]
    fn words_are_those_of_the_api() {
        assert_eq!(word(&GroupStatus::Held), "held");
        assert_eq!(word(&Block::Paused), "paused");
        assert_eq!(word(&Block::Protected { count: 3 }), "protected");
    }
}
