//! One connection to a target.
//!
//! Owns how it is opened, read and closed. Must never leave a trace behind: every socket is
//! closed by a reset, so that ports do not pile up in TIME_WAIT.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

use super::tls::Trust;

/// Read at once at most. What arrives is looked at where it lies, so that one buffer serves all
/// connections of a thread.
const SCRATCH: usize = 16 * 1024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// An open connection.
pub struct Connection {
    stream: Stream,
    uses: u32,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// Connects, without TLS.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_zero_linger()?;
        Ok(Self { stream: Stream::Plain(socket.connect(address).await?), uses: 0 })
    }

    /// The same connection with TLS on it.
    pub async fn secured(self, trust: &Trust) -> io::Result<Self> {
        match self.stream {
            Stream::Plain(stream) => {
                // A handshake has several small packets in a row, which would wait for one another.
                stream.set_nodelay(true)?;
                let stream = trust.connector.connect(trust.name.clone(), stream).await?;
                Ok(Self { stream: Stream::Tls(Box::new(stream)), uses: self.uses })
            }
            Stream::Tls(_) => Ok(self),
        }
    }

    /// How many requests it has carried.
    pub const fn uses(&self) -> u32 {
        self.uses
    }

    /// Sends a whole request: one packet, if it fits.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.uses += 1;
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(request).await,
            Stream::Tls(stream) => {
                stream.write_all(request).await?;
                stream.flush().await
            }
        }
    }

    /// Waits for something to arrive and shows it to `look`: nothing, when the other side has
    /// closed.
    pub async fn receive<T>(&mut self, mut look: impl FnMut(&[u8]) -> T) -> io::Result<T> {
        std::future::poll_fn(|context| self.poll_receive(context, &mut look)).await
    }

    /// Whether the other side has closed it, or said something that nobody asked for, while
    /// nobody looked. Asks the kernel only when something has happened.
    pub fn is_stale(&mut self) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        self.poll_receive(&mut context, &mut |_| ()).is_ready()
    }

    fn poll_receive<T>(&mut self, context: &mut Context<'_>, look: &mut impl FnMut(&[u8]) -> T) -> Poll<io::Result<T>> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(match &mut self.stream {
                Stream::Plain(stream) => Pin::new(stream).poll_read(context, &mut buffer),
                Stream::Tls(stream) => Pin::new(stream).poll_read(context, &mut buffer),
            })?;
            Poll::Ready(Ok(look(buffer.filled())))
        })
    }
}
