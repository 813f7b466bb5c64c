//! Targets of every manner, on real sockets. Owns what each does to whoever connects.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// A listener whose connections are all treated alike. Gone when dropped, with its connections.
pub struct Responder {
    pub address: SocketAddr,
    pub accepted: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Responder {
    pub async fn new<F>(manner: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::at("127.0.0.1:0".parse().unwrap(), manner).await
    }

    pub async fn at<F>(address: SocketAddr, manner: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(4096).unwrap();
        let (address, accepted) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let (counted, mut task) = (Arc::clone(&accepted), JoinSet::new());
        task.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                connections.spawn(manner(stream));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, accepted, _task: task }
    }

    /// On every address of 127/8.
    pub async fn everywhere<F>(manner: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::at("0.0.0.0:0".parse().unwrap(), manner).await
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Reads one request without a body. `None`: there is none.
pub async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer).await {
            Ok(length @ 1..) => text.extend_from_slice(&buffer[..length]),
            _ => return None,
        }
    }
    String::from_utf8(text).ok()
}

/// Answers every request with this.
pub async fn answer(mut stream: TcpStream, with: &[u8]) {
    while request(&mut stream).await.is_some() {
        if stream.write_all(with).await.is_err() {
            return;
        }
    }
}

pub const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Always the same answer.
pub async fn answering(with: &'static [u8]) -> Responder {
    Responder::new(move |stream| answer(stream, with)).await
}

/// One request, this answer, and the end.
pub async fn answering_once(with: &'static [u8]) -> Responder {
    Responder::new(move |mut stream| async move {
        if request(&mut stream).await.is_some() {
            _ = stream.write_all(with).await;
        }
    })
    .await
}

/// Takes connections, and what is sent, and never says a word.
pub async fn hang(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}

/// Writes the same again and again until that fails; how many bytes it got rid of.
pub async fn pour(mut stream: TcpStream, first: &[u8], again: &[u8]) -> usize {
    let mut poured = 0;
    if request(&mut stream).await.is_none() || stream.write_all(first).await.is_err() {
        return poured;
    }
    while stream.write_all(again).await.is_ok() {
        poured += again.len();
    }
    poured
}

/// A port where nothing answers at all: its queue of connections is full and nobody takes them.
pub struct BlackHole {
    pub address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl BlackHole {
    pub async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))).unwrap();
        let listener = socket.listen(0).unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // A queue of no length takes one.
        let queued = vec![TcpStream::connect(address).await.unwrap()];
        Self { address, _listener: listener, _queued: queued }
    }
}
