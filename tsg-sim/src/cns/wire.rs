//! Questions and answers of the world, as DNS messages.
//!
//! Owns the translation. It must never look at the world by itself.

use std::net::Ipv4Addr;

use hickory_server::proto::op::{Edns, Header, HeaderCounts, Metadata, OpCode, ResponseCode};
use hickory_server::proto::rr::rdata::{A, NS, SOA, SRV, TXT};
use hickory_server::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_server::server::Request;
use hickory_server::zone_handler::{MessageResponse, MessageResponseBuilder};

use crate::world::{DnsKind, DnsValue, Resolution, Soa};

/// How long answers may be kept, in seconds; those that say no too.
const TTL_S: u32 = 30;

/// How long the name servers of the zone may be kept, in seconds.
const NS_TTL_S: u32 = 3_600;

/// How often a secondary would look for changes, would try again, and would give up, in seconds.
const REFRESH_S: i32 = 30;
const RETRY_S: i32 = 10;
const EXPIRE_S: i32 = 600;

/// The largest UDP answer, whatever the client would take: what passes every network whole.
const UDP_LIMIT: u16 = 1_232;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) name: &'a str,
    pub(super) kind: DnsKind,
}

/// A message to be sent.
#[derive(Debug)]
pub(super) struct Reply {
    metadata: Metadata,
    answers: Vec<Record>,
    authority: Vec<Record>,
    additional: Vec<Record>,
}

/// Answers a request by asking `resolve`, which also tells of the zone.
pub(super) fn reply(request: &Request, resolve: impl FnOnce(Question<'_>) -> (Resolution, Soa)) -> Reply {
    let mut reply = Reply::empty(request);
    let Ok(asked) = request.request_info() else { return reply.refused(ResponseCode::FormErr) };
    if request.metadata.op_code != OpCode::Query {
        return reply.refused(ResponseCode::NotImp);
    }
    let query = asked.query.original();
    let is_transfer = matches!(query.query_type(), RecordType::AXFR | RecordType::IXFR);
    if is_transfer || query.query_class() != DNSClass::IN {
        return reply.refused(ResponseCode::Refused);
    }
    let (resolution, soa) = resolve(Question { name: &query.name().to_ascii(), kind: kind_of(query.query_type()) });
    match resolution {
        Resolution::NotOurs => return reply.refused(ResponseCode::Refused),
        Resolution::Found { values, addresses } => reply.found(query.name(), &values, &addresses, &soa),
        Resolution::NoSuchKind => reply.nothing(&soa),
        Resolution::NoSuchName => {
            reply.metadata.response_code = ResponseCode::NXDomain;
            reply.nothing(&soa);
        }
    }
    reply
}

impl Reply {
    fn empty(request: &Request) -> Self {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = true;
        Self { metadata, answers: Vec::new(), authority: Vec::new(), additional: Vec::new() }
    }

    fn refused(mut self, code: ResponseCode) -> Self {
        self.metadata.authoritative = false;
        self.metadata.response_code = code;
        self
    }

    fn found(&mut self, name: &Name, values: &[DnsValue], addresses: &[(String, Ipv4Addr)], soa: &Soa) {
        self.answers = values.iter().filter_map(|value| record(name.clone(), value)).collect();
        let is_about_zone = values.iter().any(|value| matches!(value, DnsValue::Ns(_)));
        if !is_about_zone {
            let server = name_of(&soa.zone).and_then(|zone| record(zone, &DnsValue::Ns(soa.server.clone())));
            self.authority = server.into_iter().collect();
        }
        let address = |(name, address): &(String, Ipv4Addr)| record(name_of(name)?, &DnsValue::A(*address));
        self.additional = addresses.iter().filter_map(address).collect();
    }

    /// The zone's own record says how long to believe that there is nothing.
    fn nothing(&mut self, soa: &Soa) {
        let own = name_of(&soa.zone).and_then(|zone| record(zone, &DnsValue::Soa(soa.clone())));
        self.authority = own.into_iter().collect();
    }

    /// The answer's share of the extension that the request used, if it did.
    #[expect(clippy::unused_self, reason = "an answer has one only together with its request")]
    pub(super) fn edns(&self, request: &Request) -> Option<Edns> {
        let asked = request.edns.as_ref()?;
        let mut edns = Edns::new();
        edns.set_max_payload(asked.max_payload().clamp(512, UDP_LIMIT));
        Some(edns)
    }

    pub(super) fn message<'q, 'a>(
        &'a self,
        request: &'q Request,
        edns: Option<&'q Edns>,
    ) -> MessageResponse<
        'q,
        'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
    > {
        let builder = MessageResponseBuilder::new(&request.queries, edns);
        builder.build(self.metadata, &self.answers, &self.authority, [], &self.additional)
    }

    /// What is reported of an answer that was not sent.
    pub(super) fn header(&self) -> Header {
        Header { metadata: self.metadata, counts: HeaderCounts::default() }
    }
}

fn kind_of(asked: RecordType) -> DnsKind {
    match asked {
        RecordType::A => DnsKind::A,
        RecordType::TXT => DnsKind::Txt,
        RecordType::SRV => DnsKind::Srv,
        RecordType::NS => DnsKind::Ns,
        RecordType::SOA => DnsKind::Soa,
        RecordType::ANY => DnsKind::Any,
        _ => DnsKind::Other,
    }
}

/// The record of a value; none where a name in it cannot be written.
fn record(name: Name, value: &DnsValue) -> Option<Record> {
    let ttl = if matches!(value, DnsValue::Ns(_)) { NS_TTL_S } else { TTL_S };
    Some(Record::from_rdata(name, ttl, rdata(value)?))
}

fn rdata(value: &DnsValue) -> Option<RData> {
    Some(match value {
        DnsValue::A(address) => RData::A(A(*address)),
        DnsValue::Txt(text) => RData::TXT(TXT::new(vec![text.clone()])),
        DnsValue::Srv { priority, weight, port, target } => {
            RData::SRV(SRV::new(*priority, *weight, *port, name_of(target)?))
        }
        DnsValue::Ns(server) => RData::NS(NS(name_of(server)?)),
        DnsValue::Soa(soa) => RData::SOA(SOA::new(
            name_of(&soa.server)?,
            name_of(&format!("hostmaster.{}", soa.zone))?,
            soa.serial,
            REFRESH_S,
            RETRY_S,
            EXPIRE_S,
            TTL_S,
        )),
    })
}

fn name_of(text: &str) -> Option<Name> {
    let mut name = Name::from_ascii(text).ok()?;
    name.set_fqdn(true);
    Some(name)
}
