//! The reference: the least that a checker can do. Owns one loop around epoll, without a schedule,
//! time-outs, reasons or a look at anything but the status. Must never be more careful than that.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

/// Probes at the same time.
const AT_ONCE: usize = 64;

/// The loop and its connections.
pub struct Raw {
    poll: OwnedFd,
    sockets: Vec<Option<OwnedFd>>,
    requests: Vec<Vec<u8>>,
    addresses: Vec<SocketAddr>,
}

/// Whether a connection carries more than one probe.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    New,
    Kept,
}

impl Raw {
    pub fn new(addresses: Vec<SocketAddr>) -> io::Result<Self> {
        let request =
            |address| format!("GET /ping HTTP/1.1\r\nHost: {address}\r\nUser-Agent: raw\r\nAccept: */*\r\n\r\n");
        let requests = addresses.iter().map(request).map(String::into_bytes).collect();
        let sockets = addresses.iter().map(|_| None).collect();
        Ok(Self { poll: epoll::create(CreateFlags::CLOEXEC)?, sockets, requests, addresses })
    }

    /// Checks every target once; how many were well.
    pub fn round(&mut self, connections: Connections) -> io::Result<usize> {
        let (mut next, mut open, mut well) = (0, 0, 0);
        let mut events = Vec::with_capacity(2 * AT_ONCE);
        while next < self.addresses.len() || open > 0 {
            while open < AT_ONCE && next < self.addresses.len() {
                self.begin(next)?;
                (next, open) = (next + 1, open + 1);
            }
            events.clear();
            epoll::wait(&self.poll, rustix::buffer::spare_capacity(&mut events), None)?;
            for Event { flags, data } in events.iter().copied() {
                let number = usize::try_from(data.u64()).unwrap_or(usize::MAX);
                if let Some(is_well) = self.look(number, flags, connections)? {
                    open -= 1;
                    well += usize::from(is_well);
                }
            }
        }
        Ok(well)
    }

    fn begin(&mut self, number: usize) -> io::Result<()> {
        if let (Some(Some(socket)), Some(request)) = (self.sockets.get(number), self.requests.get(number)) {
            rustix::net::send(socket, request, SendFlags::NOSIGNAL)?;
            return Ok(());
        }
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        sockopt::set_socket_linger(&socket, Some(std::time::Duration::ZERO))?;
        let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(&self.poll, &socket, EventData::new_u64(number as u64), interest)?;
        let address = self.addresses.get(number).copied().ok_or(Errno::INVAL)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(slot) = self.sockets.get_mut(number) {
            *slot = Some(socket);
        }
        Ok(())
    }

    /// Goes on with one whose socket is ready. Whether it is well, once it has answered.
    fn look(&mut self, number: usize, flags: EventFlags, connections: Connections) -> io::Result<Option<bool>> {
        let (Some(slot), Some(request)) = (self.sockets.get_mut(number), self.requests.get(number)) else {
            return Ok(None);
        };
        let Some(socket) = slot else {
            return Ok(None);
        };
        if !flags.contains(EventFlags::IN) {
            rustix::net::send(&*socket, request, SendFlags::NOSIGNAL)?;
            return Ok(None);
        }
        let mut answer = [0_u8; 1024];
        let (length, _) = rustix::net::recv(&*socket, &mut answer, RecvFlags::empty())?;
        let is_well = answer.get(..length).is_some_and(|answer| answer.starts_with(b"HTTP/1.1 200 "));
        if connections == Connections::New {
            *slot = None;
        }
        Ok(Some(is_well))
    }
}
