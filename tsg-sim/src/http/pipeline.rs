//! One request from its first header to its answer: CloudAPI's order of checks.
//!
//! Owns the order: route, method, version, representation, signature header, date, body, signature, endpoint. It must
//! never decide what an endpoint answers, nor keep anything between requests but counters.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::DATE;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::body::{self, BodyFailure};
use super::clock::{self, MAX_SKEW_S, WallClock};
use super::connection::{Dropped, Endpoints, Service, Shutdown};
use super::directory::WorldKeys;
use super::endpoints::{self, Inbound, PendingCreate};
use super::feed;
use super::feeds::{FeedOffer, Feeds};
use super::live::LiveWorld;
use super::negotiation::{self, Representation};
use super::params::Params;
use super::reply::{Envelope, Reply};
use super::request_id::RequestIds;
use super::route::{self, Matched, Miss, Route};
use super::stats::Stats;
use super::verifier::{Identity, SignatureVerifier, SignedRequest, SubUserKeys};
use super::version::{self, ApiVersion};
use crate::world::{Fingerprint, Refusal};

/// The CloudAPI of one simulated data centre.
#[derive(Clone)]
pub(crate) struct CloudApi {
    /// The URL clients know this CloudAPI by.
    pub(crate) endpoint: Arc<str>,
    pub(crate) live: Arc<LiveWorld>,
    pub(crate) feeds: Arc<Feeds>,
    pub(crate) verifier: Arc<dyn SignatureVerifier>,
    pub(crate) wall_clock: WallClock,
    pub(crate) request_ids: Arc<RequestIds>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) shutdown: Shutdown,
}

/// What becomes of a request.
pub(crate) enum Outcome {
    /// The router's own answer, without CloudAPI's headers.
    Router(Reply),
    /// An answer at once.
    Reply(Reply),
    /// A create is on its way; its answer comes when placement is done.
    Creating(PendingCreate),
    /// The connection becomes a change feed.
    Switch(Response<Full<Bytes>>),
    /// Close the connection without a word.
    Drop,
}

/// An outcome that ends a request before its endpoint has its say. Boxed, because it is the rare way.
pub(crate) struct Ended(Box<Outcome>);

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        Self(Box::new(outcome))
    }
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Outcome::Reply(refusal.into()).into()
    }
}

/// What is known of the signer before the body is read.
enum Authentication {
    NotNeeded,
    Signed(Identity),
    /// Refused, but the body is judged first.
    RefusedAfterBody(Refusal),
}

impl Service for CloudApi {
    async fn answer(&self, request: Request<Incoming>, ends: Endpoints) -> Result<Response<Full<Bytes>>, Dropped> {
        let arrival = Instant::now();
        let mut envelope = Envelope {
            method: request.method().clone(),
            methods: Vec::new(),
            representation: Representation::Json,
            request_id: self.request_ids.next(),
            response_time_ms: 0,
            date: self.now(),
        };
        let mut outcome = self.respond(request, ends, &mut envelope).await.unwrap_or_else(|ended| *ended.0);
        if let Outcome::Creating(pending) = outcome {
            outcome = self.wait_for_placement(pending).await;
        }
        envelope.response_time_ms = arrival.elapsed().as_millis();
        let response = match outcome {
            Outcome::Router(reply) => reply.finish_bare(&envelope),
            Outcome::Reply(reply) => reply.finish(&envelope),
            Outcome::Switch(response) => response,
            // A concluded create never starts another one.
            Outcome::Drop | Outcome::Creating(_) => {
                self.stats.count_dropped();
                return Err(Dropped);
            }
        };
        self.stats.count_answered(response.status());
        Ok(response)
    }
}

impl CloudApi {
    /// The answer of a create. A client that goes away meanwhile drops this future; the create goes on without it.
    async fn wait_for_placement(&self, pending: PendingCreate) -> Outcome {
        let _waiting = self.stats.waiting_create();
        self.live.reached(pending.ticket.due).await;
        self.live.with(|world| endpoints::conclude(world, pending)).unwrap_or_else(|ended| *ended.0)
    }

    /// All stages in CloudAPI's order; the first that refuses ends the request.
    async fn respond(
        &self,
        mut request: Request<Incoming>,
        ends: Endpoints,
        envelope: &mut Envelope,
    ) -> Result<Outcome, Ended> {
        let matched = matched_route(&request)?;
        let version = negotiated_version(&request)?;
        envelope.methods.clone_from(&matched.methods);
        envelope.representation = negotiation::negotiate(request.headers()).ok_or_else(not_acceptable)?;
        let upgrade = feed::requested_upgrade(&mut request);
        let (head, body) = request.into_parts();
        let authentication = self.authenticate(&head, &matched, &version)?;
        if !matches!(authentication, Authentication::Signed(_)) {
            self.check_date(&head.headers)?;
        }
        let (params, payload) = read_params(&head, body).await?;
        let identity = match authentication {
            Authentication::NotNeeded => return Ok(Outcome::Reply(endpoints::ping(&self.live))),
            Authentication::RefusedAfterBody(refusal) => return Err(refusal.into()),
            Authentication::Signed(identity) => identity,
        };
        let inbound = Inbound {
            matched: &matched,
            params: &params,
            payload,
            identity: &identity,
            path: head.uri.path(),
            peer: ends.peer.ip(),
            endpoint: &self.endpoint,
        };
        if matched.route == Route::ChangeFeed {
            return self.open_feed(&inbound, upgrade);
        }
        self.live.with(|world| endpoints::answer(world, &inbound))
    }

    /// The present by the data centre's own clock, which a fault may have put wrong.
    fn now(&self) -> Timestamp {
        let offset_ms = self.live.look(|world| world.clock().as_ms().wrapping_sub(world.now().as_ms()).cast_signed());
        let now = self.wall_clock.now();
        now.checked_add(SignedDuration::from_millis(offset_ms)).unwrap_or(now)
    }

    /// Checks the signature once; a header that cannot be understood is refused now, everything else after the body.
    fn authenticate(&self, head: &Parts, matched: &Matched, version: &ApiVersion) -> Result<Authentication, Ended> {
        if matched.route == Route::Ping {
            return Ok(Authentication::NotNeeded);
        }
        let signed = SignedRequest {
            method: &head.method,
            target: head.uri.path_and_query().map_or("/", |target| target.as_str()),
            headers: &head.headers,
            now: self.now(),
            sub_users: if version.has_sub_users() { SubUserKeys::Known } else { SubUserKeys::Unknown },
        };
        match self.verifier.verify(&signed, &WorldKeys::new(&self.live)) {
            Ok(identity) => Ok(Authentication::Signed(identity)),
            Err(refused) => {
                let refusal = Refusal::new(refused.status.as_u16(), refused.code, refused.message);
                match refused.status.as_u16() {
                    400 => Err(refusal.into()),
                    _ => Ok(Authentication::RefusedAfterBody(refusal)),
                }
            }
        }
    }

    /// Requests without a signature must still not be old: restify's date parser.
    fn check_date(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(text) = headers.get(DATE) else { return Ok(()) };
        let text = text.to_str().unwrap_or_default();
        let Some(date) = clock::parse_date(text) else {
            return Err(Refusal::new(400, "InvalidHeader", format!("Date header is invalid: {text}")));
        };
        let age_s = self.now().duration_since(date).as_secs();
        match age_s > MAX_SKEW_S {
            true => Err(Refusal::new(400, "RequestExpired", format!("Date header {text} is too old"))),
            false => Ok(()),
        }
    }

    fn open_feed(&self, inbound: &Inbound<'_>, upgrade: Option<feed::Upgrade>) -> Result<Outcome, Ended> {
        let account = self.live.with(|world| endpoints::admit_listener(world, inbound))?;
        if self.feeds.ask() == FeedOffer::Missing {
            return Err(Refusal::not_found(format!("{} does not exist", inbound.path)).into());
        }
        let Some(upgrade) = upgrade else {
            return Err(Refusal::crashed("Connection Must Upgrade For WebSockets").into());
        };
        Ok(Outcome::Switch(feed::open(upgrade, (&self.live, &self.feeds), account, self.shutdown.clone())))
    }
}

fn matched_route(request: &Request<Incoming>) -> Result<Matched, Ended> {
    let path = request.uri().path();
    route::find(request.method(), path).map_err(|miss| {
        let reply = match miss {
            Miss::UnknownPath => Refusal::not_found(format!("{path} does not exist")).into(),
            Miss::WrongMethod { allowed } => Reply::method_not_allowed(request.method(), &allowed),
        };
        Outcome::Router(reply).into()
    })
}

fn negotiated_version(request: &Request<Incoming>) -> Result<ApiVersion, Ended> {
    let range = version::requested(request.headers());
    version::negotiate(range).ok_or_else(|| {
        let message = format!("{range} is not supported by {} {}", request.method(), request.uri().path());
        Outcome::Router(Refusal::new(400, "InvalidVersion", message).into()).into()
    })
}

fn not_acceptable() -> Ended {
    Refusal::new(406, "NotAcceptableError", "Server accepts: application/json,text/plain").into()
}

/// The merged parameters, and the hash of the body if there is one.
async fn read_params(head: &Parts, body: Incoming) -> Result<(Params, Option<Fingerprint>), Ended> {
    let query = Params::from_form(head.uri.query().unwrap_or_default());
    if matches!(head.method, Method::GET | Method::HEAD) {
        return Ok((query, None));
    }
    let body = body::read(body).await.map_err(|failure| match failure {
        BodyFailure::Refused(refusal) => Ended::from(refusal),
        BodyFailure::Broken => Outcome::Drop.into(),
    })?;
    let payload = (!body.is_empty()).then(|| Fingerprint(Sha256::digest(&body).into()));
    Ok((query.overlaid_with(body::decode(&head.headers, &body)?), payload))
}
