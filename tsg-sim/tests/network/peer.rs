//! A client of machines that expects nothing: it writes a request and looks at the bytes that come.
//!
//! Owns one connection for each talk. It must never interpret what it reads.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tsg_sim::world::MachineId;

use crate::scene::Scene;

/// How long nothing has to come for a machine to count as silent. It is no measure of anything.
const SILENCE: Duration = Duration::from_millis(150);

/// A connection to a machine.
pub struct Peer(TcpStream);

impl Scene {
    /// Where a machine answers HTTP.
    pub fn http(&self, machine: MachineId) -> SocketAddr {
        (self.addresses(machine)[0], self.server.machine_port()).into()
    }
}

impl Peer {
    /// Connects, and does not speak yet.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        TcpStream::connect(address).await.map(Self)
    }

    /// Sends a request.
    pub async fn ask(&mut self, method: &str, path: &str) -> io::Result<()> {
        self.0.write_all(format!("{method} {path} HTTP/1.1\r\nHost: machine\r\n\r\n").as_bytes()).await
    }

    /// At most this many bytes, fewer if no more come.
    pub async fn read(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut limited = (&mut self.0).take(u64::try_from(limit).unwrap());
        limited.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// One answer of a kept-alive connection, as text: its head, and the announced body if one is to come.
    pub async fn answer(&mut self, method: &str, path: &str) -> io::Result<String> {
        self.ask(method, path).await?;
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            text.push(char::from(self.0.read_u8().await?));
        }
        let length = text.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; if method == "HEAD" { 0 } else { length.unwrap_or(0) }];
        self.0.read_exact(&mut body).await?;
        Ok(text + &String::from_utf8(body).unwrap())
    }

    /// Whether nothing comes and the connection stays open.
    pub async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(SILENCE, self.0.read_u8()).await.is_err()
    }
}

/// One request on a connection of its own, and up to `limit` bytes of what comes.
pub async fn talk(address: SocketAddr, limit: usize) -> io::Result<Vec<u8>> {
    let mut peer = Peer::connect(address).await?;
    peer.ask("GET", "/ping").await?;
    peer.read(limit).await
}

/// The first line of one answer.
pub async fn status_line(address: SocketAddr) -> String {
    let mut peer = Peer::connect(address).await.unwrap();
    peer.answer("GET", "/ping").await.unwrap().lines().next().unwrap().to_owned()
}
