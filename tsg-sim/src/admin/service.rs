//! The server side of the admin API.
//!
//! Owns its routes. It must never answer a client that is not on this machine.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AdminRefusal, ClockCommand, ClockState, FaultSwitchedOn, MachineTruth, MannerOrder, PREFIX};
use crate::http::body;
use crate::http::connection::{Dropped, Endpoints, Service};
use crate::http::live::{ClockReading, LiveWorld};
use crate::http::pace::Speed;
use crate::http::stats::Stats;
use crate::responder::{Manners, MannersRefusal};
use crate::world::{FaultId, FaultRule, Machine, World};

/// The admin API of one simulated data centre.
#[derive(Debug, Clone)]
pub(crate) struct AdminService {
    live: Arc<LiveWorld>,
    manners: Arc<Manners>,
    stats: Arc<Stats>,
}

/// An answer, ready to be sent.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    fn ok(body: &impl Serialize) -> Self {
        Self { status: StatusCode::OK, body: serde_json::to_vec(body).unwrap_or_default() }
    }

    fn refused(status: StatusCode, message: impl ToString) -> Self {
        let refusal = AdminRefusal { message: message.to_string() };
        Self { status, body: serde_json::to_vec(&refusal).unwrap_or_default() }
    }
}

impl Service for AdminService {
    fn admits(&self, ends: Endpoints) -> bool {
        ends.peer.ip().is_loopback()
    }

    async fn answer(&self, request: Request<Incoming>, _: Endpoints) -> Result<Response<Full<Bytes>>, Dropped> {
        let (head, body) = request.into_parts();
        let body = body::read(body).await.map_err(|_| Dropped)?;
        let answer = self.respond(&head.method, head.uri.path(), &body).unwrap_or_else(|refused| refused);
        let mut response = Response::new(Full::new(Bytes::from(answer.body)));
        *response.status_mut() = answer.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }
}

impl AdminService {
    pub(crate) fn new(live: Arc<LiveWorld>, manners: Arc<Manners>, stats: Arc<Stats>) -> Self {
        Self { live, manners, stats }
    }

    fn respond(&self, method: &Method, path: &str, body: &[u8]) -> Result<Answer, Answer> {
        let path = path.strip_prefix(PREFIX).unwrap_or_default();
        let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
        match (method.as_str(), words.as_slice()) {
            ("GET", ["machines"]) => Ok(Answer::ok(&self.live.look(true_machines))),
            ("POST", ["manners"]) => self.order_manner(body),
            ("GET", ["faults"]) => Ok(Answer::ok(&self.live.look(World::faults))),
            ("POST", ["faults"]) => self.inject(body),
            ("DELETE", ["faults"]) => Ok(Answer::ok(&self.live.with(World::clear_faults))),
            ("DELETE", ["faults", id]) => self.clear(id),
            ("GET", ["clock"]) => Ok(Answer::ok(&ClockState::from(self.live.clock()))),
            ("POST", ["clock"]) => self.set_clock(body),
            ("GET", ["stats"]) => Ok(Answer::ok(&self.stats.read())),
            _ => Err(Answer::refused(StatusCode::NOT_FOUND, format!("{method} {path} does not exist"))),
        }
    }

    fn inject(&self, body: &[u8]) -> Result<Answer, Answer> {
        let rule: FaultRule = read(body)?;
        let switched = self.live.with(|world| world.switch_fault(rule));
        let id = switched.map_err(|error| Answer::refused(StatusCode::CONFLICT, error))?;
        Ok(Answer::ok(&FaultSwitchedOn { id }))
    }

    fn order_manner(&self, body: &[u8]) -> Result<Answer, Answer> {
        let order: MannerOrder = read(body)?;
        let ordered = self.live.look(|world| self.manners.order(world, &order));
        ordered.map_err(|refusal: MannersRefusal| Answer::refused(StatusCode::CONFLICT, refusal))?;
        Ok(Answer::ok(&()))
    }

    fn clear(&self, id: &str) -> Result<Answer, Answer> {
        let id = id.parse().map_err(|_| Answer::refused(StatusCode::BAD_REQUEST, "a fault id is a number"))?;
        Ok(Answer::ok(&self.live.with(|world| world.clear_fault(FaultId(id)))))
    }

    fn set_clock(&self, body: &[u8]) -> Result<Answer, Answer> {
        let reading = match read(body)? {
            ClockCommand::Pause => self.live.repace(|pace, now| pace.pause(now)),
            ClockCommand::Resume => self.live.repace(|pace, now| pace.resume(now)),
            ClockCommand::Advance { ms } => self.live.repace(|pace, now| pace.advance_ms(ms, now)),
            ClockCommand::SetSpeed { factor } => {
                let speed = Speed::new(factor).map_err(|error| Answer::refused(StatusCode::BAD_REQUEST, error))?;
                self.live.repace(|pace: &mut _, now: Instant| pace.set_speed(speed, now))
            }
        };
        Ok(Answer::ok(&ClockState::from(reading)))
    }
}

impl From<ClockReading> for ClockState {
    fn from(reading: ClockReading) -> Self {
        Self { now: reading.now, speed: reading.speed.factor(), paused: reading.is_paused }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(body).map_err(|error| Answer::refused(StatusCode::BAD_REQUEST, error))
}

fn true_machines(world: &World) -> Vec<MachineTruth> {
    let accounts = world
        .accounts()
        .flat_map(|account| world.live_machines(account.id).map(move |machine| (account.login.clone(), machine)));
    accounts.map(|(login, machine)| truth(world, login, machine)).collect()
}

fn truth(world: &World, account: String, machine: &Machine) -> MachineTruth {
    let server = world.server(machine.server);
    MachineTruth {
        id: machine.id,
        account,
        name: machine.name.clone(),
        state: machine.state,
        server: server.map(|server| server.name.clone()).unwrap_or_default(),
        rack: server.map(|server| server.rack.clone()).unwrap_or_default(),
        address: machine.primary_ip(),
    }
}
