//! Forecasts in words.

use core::fmt;

use super::InWords;
use super::in_words;
use super::measure::{Count, Distance, Length};
use crate::plan::forecast::{Ending, Forecast};

impl fmt::Display for InWords<'_, Forecast> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forecast = self.value;
        let took = Length(forecast.took());
        match forecast.ending {
            Ending::Settled => write!(out, "done in {took}")?,
            Ending::Stands => write!(out, "stands still after {took}")?,
            Ending::CutShort => write!(out, "not done after {took}")?,
        }
        write!(out, "; at most {}", Count(forecast.peak, "instance"))?;
        write!(out, ", at least {} serving", forecast.least_serving)?;
        if forecast.nodes_used > 0 {
            write!(out, ", on {}", Count(forecast.nodes_used, "compute node"))?;
        }
        for step in &forecast.steps {
            let planned = in_words(&step.planned, step.at);
            write!(out, "\n  {}: {planned}", Distance { to: step.at, now: forecast.begins_at })?;
        }
        write!(out, "\nthen {}", in_words(&forecast.report, forecast.ends_at))
    }
}
