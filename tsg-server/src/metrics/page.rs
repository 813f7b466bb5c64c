//! Families of metrics, one after the other.
//!
//! Owns how a family is written. Must never know what one means.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use serde::Serialize;
use serde_json::Value;

use crate::probe::{BUCKETS_MICROS, Histogram};

/// Of what there is one only.
pub const NO_LABELS: [(&str, &str); 0] = [];

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
    pub fn durations<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, Histogram)>,
    ) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for (labels, durations) in samples {
            let ends = BUCKETS_MICROS.iter().map(|micros| seconds(*micros)).chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = ends.zip(durations.buckets).collect();
            let mut sample = family.encode_family(&labels)?;
            sample.encode_histogram::<NoLabelSet>(seconds(durations.sum_micros), durations.count(), &buckets, None)?;
        }
        Ok(())
    }
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
    use tsg_core::plan::output::{Block, GroupStatus};

    use super::*;

    #[test]
    fn words_are_those_of_the_api() {
        assert_eq!(word(&GroupStatus::Held), "held");
        assert_eq!(word(&Block::Paused), "paused");
        assert_eq!(word(&Block::Protected { count: 3 }), "protected");
    }
}
