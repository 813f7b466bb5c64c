//! Metrics: how the server, its accounts and their groups stand, in the text format of OpenMetrics.
//!
//! Owns the scrape. All of it is read when somebody asks, from where it is kept anyway, so that
//! what is gone leaves no series behind. Must never be a route of the API: whoever asks is told of
//! all accounts.

mod accounts;
mod groups;
mod page;
mod probes;

use std::fmt;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use crate::app::{App, Application};
use crate::probe::Counts;
use accounts::AccountScene;
use page::{NO_LABELS, Page};

/// How the text is announced.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The only route of a listener of its own.
pub fn router(app: App) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state(app)
}

async fn scrape(State(app): State<App>) -> Response {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape::of(&app)));
    let mut text = String::new();
    match text::encode(&mut text, &registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        // A text that is half written must not be taken for the whole.
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Everything that is told, as it is at one moment.
#[derive(Debug)]
struct Scrape {
    accounts: Vec<AccountScene>,
    left_out: usize,
    probes: Counts,
}

impl Scrape {
    fn of(app: &Application) -> Self {
        let (left_out, probes) = (app.accounts.left_out(), app.probes.read());
        Self { accounts: AccountScene::all(app), left_out, probes }
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        let version = [[("version", env!("CARGO_PKG_VERSION"))]];
        page.gauge("tsg_build_info", "The server's version.", version.map(|labels| (labels, 1_u32)))?;
        page.gauge("tsg_accounts", "Accounts that the server works for.", [(NO_LABELS, self.accounts.len())])?;
        page.gauge(
            "tsg_accounts_left_out",
            "Enrolled accounts that the server cannot work for until they are enrolled again.",
            [(NO_LABELS, self.left_out)],
        )?;
        probes::write(&self.probes, &mut page)?;
        accounts::write(&self.accounts, &mut page)?;
        groups::write(&self.accounts, &mut page)
    }
}
