//! Questions over UDP and TCP, one message each.
//!
//! Owns sockets only. It must never retry, nor go from one transport to the other by itself.

use std::net::SocketAddr;

use hickory_server::proto::op::{Edns, Message, Query, ResponseCode};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// A question about a name.
pub fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

/// The same from a client that takes larger answers.
pub fn question_for(name: &str, kind: RecordType, max_payload: u16) -> Message {
    let mut message = question(name, kind);
    let mut edns = Edns::new();
    edns.set_max_payload(max_payload);
    message.set_edns(edns);
    message
}

/// Asks over UDP.
pub async fn udp(server: SocketAddr, message: &Message) -> Message {
    Message::from_vec(&udp_raw(server, &message.to_vec().unwrap()).await).unwrap()
}

/// Sends any bytes over UDP and waits for an answer.
pub async fn udp_raw(server: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(bytes, server).await.unwrap();
    let mut answer = vec![0; 65_536];
    let (length, from) = socket.recv_from(&mut answer).await.unwrap();
    assert_eq!(from, server);
    answer.truncate(length);
    answer
}

/// Asks over TCP.
pub async fn tcp(server: SocketAddr, message: &Message) -> Message {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let bytes = message.to_vec().unwrap();
    stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    let mut answer = vec![0; usize::from(stream.read_u16().await.unwrap())];
    stream.read_exact(&mut answer).await.unwrap();
    Message::from_vec(&answer).unwrap()
}

/// Asks over both, which say the same.
pub async fn both(server: SocketAddr, name: &str, kind: RecordType) -> Message {
    let question = question(name, kind);
    let (one, other) = (udp(server, &question).await, tcp(server, &question).await);
    assert_eq!(one, other);
    one
}

/// The answer of the answer.
pub fn outcome(message: &Message) -> (ResponseCode, usize) {
    (message.metadata.response_code, message.answers.len())
}

/// What the records say, in order of their texts.
pub fn texts(records: &[Record]) -> Vec<String> {
    let mut texts: Vec<String> = records.iter().map(|record| text(&record.data)).collect();
    texts.sort();
    texts
}

fn text(data: &RData) -> String {
    data.to_string()
}
