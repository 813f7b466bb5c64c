//! Something to watch while waiting: a moving bar on a terminal, otherwise a line for each change.
//!
//! Owns standard error while it lives. Programs (`--json`) see nothing of it.

use std::cell::RefCell;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::api::shapes::GroupView;
use crate::output::Output;

/// How the bar looks: a count, the bar itself, and where the rest stands.
const TEMPLATE: &str = "{prefix} [{bar:30}] {pos}/{len} {msg}";

/// How often the bar is drawn again, so that it is seen to live.
const TICK: Duration = Duration::from_millis(200);

/// The progress of one group.
pub(crate) struct Progress {
    output: Output,
    bar: Option<ProgressBar>,
    last: RefCell<String>,
}

impl Progress {
    /// Begins to show.
    pub(crate) fn start(output: Output) -> Self {
        let bar = output.has_watcher().then(|| {
            let bar = ProgressBar::new(0);
            // The template is a constant; a mistake in it would show the library's own style.
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { output, bar, last: RefCell::default() }
    }

    /// Shows how the group stands now.
    pub(crate) fn group(&self, group: &GroupView) {
        let Some(report) = &group.report else { return };
        let others = report.others();
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(group.name.clone());
                bar.set_length(u64::from(report.wanted));
                bar.set_position(u64::from(report.serving()));
                bar.set_message(others);
            }
            None => self.line(
                format!("  {}: {}/{} serving {others}", group.name, report.serving(), report.wanted)
                    .trim_end()
                    .to_owned(),
            ),
        }
    }

    fn line(&self, line: String) {
        if *self.last.borrow() != line {
            self.output.remark(&line);
            self.last.replace(line);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
