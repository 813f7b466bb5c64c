//! What a prober says of itself.
//!
//! Owns the words. It must never say the same twice in a row.

use serde::Serialize;

use crate::output::Show;

/// Something happened to a prober.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// It works.
    Ready { name: String, server: String, targets: u32 },
    /// Something is wrong with the way to the server.
    Trouble { why: String },
    /// The server answers again.
    Over,
    /// It can ask something of nobody, or not of somebody.
    Obstructed { why: String },
    /// No control target answers.
    Unable,
    /// A control target answers again.
    Able,
}

impl Show for Event {
    fn human(&self) -> String {
        match self {
            Self::Ready { name, server, targets } => {
                format!("Prober {name} makes {targets} checks for {server}. Ctrl-C ends it.")
            }
            Self::Trouble { why } => {
                format!("{why}\nIt goes on asking, and tells what is new when the server answers.")
            }
            Self::Over => "The server answers again.".to_owned(),
            Self::Obstructed { why } => format!("Some instances cannot be asked: {why}."),
            Self::Unable => "No control target answers: nothing that it finds counts until one does.".to_owned(),
            Self::Able => "A control target answers again.".to_owned(),
        }
    }

    fn json(&self) -> String {
        // Texts and numbers always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}
