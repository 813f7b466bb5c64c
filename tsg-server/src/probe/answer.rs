//! Reading an HTTP/1.1 answer as it arrives, in whatever pieces.
//!
//! Owns where the head ends, what the status is, and whether the connection can carry another
//! request. Must never hold more than [`HEAD_MAX`] bytes, keep any of a body that nobody
//! reads, or touch a socket.

use tsg_core::health::fact::Failure;

use super::chunks::Chunks;

/// Bytes of status line and headers at most.
pub const HEAD_MAX: usize = 16 * 1024;
/// Bytes of a body that are read so that the connection can be kept.
pub const BODY_MAX: usize = 64 * 1024;

const HEADERS_MAX: usize = 64;

/// What has been read of one answer.
#[derive(Debug)]
pub struct Answer {
    part: Part,
    /// The head so far, when it did not arrive whole.
    held: Vec<u8>,
    /// Bytes of interim answers that were read before.
    interim: usize,
    has_no_body: bool,
    /// The body so far, where somebody reads it.
    body: Option<Vec<u8>>,
    has_begun: bool,
    status: Option<u16>,
}

/// Which part of it is read next.
#[derive(Debug)]
enum Part {
    Head,
    Body {
        left: usize,
    },
    Chunks {
        chunks: Chunks,
        left: usize,
    },
    Over,
    /// The rest is not worth reading.
    Unwanted,
}

/// What is to be done about the rest of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// There is more to be read.
    Wanted,
    /// It ended where it should: the connection can be kept.
    Nothing,
    /// The connection has to be closed.
    Unwanted,
}

impl Answer {
    /// The answer to a request that is answered with a head and a body.
    pub const fn to_request() -> Self {
        Self {
            part: Part::Head,
            held: Vec::new(),
            interim: 0,
            has_no_body: false,
            body: None,
            has_begun: false,
            status: None,
        }
    }

    /// The answer to a HEAD request, which has no body whatever its headers say.
    pub fn to_head_request() -> Self {
        Self { has_no_body: true, ..Self::to_request() }
    }

    /// The answer to a request whose body is read.
    pub fn with_body() -> Self {
        Self { body: Some(Vec::new()), ..Self::to_request() }
    }

    /// What has arrived of the body; nothing where nobody reads it.
    pub fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    /// Whether anything has arrived at all.
    pub const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The status, once the head is complete.
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// What is to be done about what follows.
    pub const fn rest(&self) -> Rest {
        match self.part {
            Part::Head | Part::Body { .. } | Part::Chunks { .. } => Rest::Wanted,
            Part::Over => Rest::Nothing,
            Part::Unwanted => Rest::Unwanted,
        }
    }

    /// Takes in what arrived.
    pub fn take(&mut self, arrived: &[u8]) -> Result<(), Failure> {
        self.has_begun |= !arrived.is_empty();
        if matches!(self.part, Part::Head) {
            return self.take_head(arrived);
        }
        self.take_body(arrived);
        Ok(())
    }

    fn take_head(&mut self, arrived: &[u8]) -> Result<(), Failure> {
        if self.held.is_empty() {
            return self.read_head(arrived);
        }
        self.hold(arrived)?;
        // A head ends with a line. Looking at it again for every byte would let a slow sender
        // make the prober work.
        if !arrived.contains(&b'\n') {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        self.read_head(&held)
    }

    fn hold(&mut self, arrived: &[u8]) -> Result<(), Failure> {
        if self.interim + self.held.len() + arrived.len() > HEAD_MAX {
            return Err(Failure::HeadTooLarge);
        }
        self.held.extend_from_slice(arrived);
        Ok(())
    }

    fn read_head(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut rest = bytes;
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut response = httparse::Response::new(&mut headers);
            let length = match response.parse(rest) {
                Ok(httparse::Status::Complete(length)) => length,
                Ok(httparse::Status::Partial) => return self.hold(rest),
                Err(httparse::Error::TooManyHeaders) => return Err(Failure::HeadTooLarge),
                Err(_) => return Err(Failure::Malformed),
            };
            if self.interim + length > HEAD_MAX {
                return Err(Failure::HeadTooLarge);
            }
            let status = response.code.filter(|status| (100..=599).contains(status)).ok_or(Failure::Malformed)?;
            let (_, after) = rest.split_at(length);
            if (100..200).contains(&status) && status != 101 {
                self.interim += length;
                rest = after;
                continue;
            }
            self.status = Some(status);
            self.part = self.body_of(status, &response);
            self.take_body(after);
            return Ok(());
        }
    }

    fn body_of(&self, status: u16, response: &httparse::Response<'_, '_>) -> Part {
        let Framing { length, transfer, keeps } = Framing::of(response);
        if !keeps || status == 101 {
            return Part::Unwanted;
        }
        if self.has_no_body || matches!(status, 204 | 304) {
            return Part::Over;
        }
        match (transfer, length) {
            (Transfer::Plain, Length::Bytes(0)) => Part::Over,
            (Transfer::Plain, Length::Bytes(left)) if left <= BODY_MAX => Part::Body { left },
            (Transfer::Chunked, Length::Unknown) => Part::Chunks { chunks: Chunks::default(), left: BODY_MAX },
            // Too long, until the connection ends, or in a form that only its sender understands.
            _ => Part::Unwanted,
        }
    }

    fn take_body(&mut self, arrived: &[u8]) {
        let body = &mut self.body;
        let mut keep = |content: &[u8]| body.iter_mut().for_each(|body| body.extend_from_slice(content));
        let next = match &mut self.part {
            // More than was asked for: what follows cannot be trusted.
            Part::Over if !arrived.is_empty() => Part::Unwanted,
            Part::Head | Part::Over | Part::Unwanted => return,
            Part::Body { left } if arrived.len() <= *left => {
                keep(arrived);
                *left -= arrived.len();
                if *left > 0 {
                    return;
                }
                Part::Over
            }
            Part::Body { .. } => Part::Unwanted,
            Part::Chunks { left, .. } if arrived.len() > *left => Part::Unwanted,
            Part::Chunks { chunks, left } => {
                *left -= arrived.len();
                match chunks.take(arrived, keep) {
                    None => return,
                    Some(true) => Part::Over,
                    Some(false) => Part::Unwanted,
                }
            }
        };
        self.part = next;
    }
}

/// What the headers say of the body and the connection.
struct Framing {
    length: Length,
    transfer: Transfer,
    keeps: bool,
}

#[derive(Clone, Copy)]
enum Length {
    Unknown,
    Bytes(usize),
    Unclear,
}

#[derive(Clone, Copy)]
enum Transfer {
    Plain,
    Chunked,
    Other,
}

impl Framing {
    fn of(response: &httparse::Response<'_, '_>) -> Self {
        let mut framing =
            Self { length: Length::Unknown, transfer: Transfer::Plain, keeps: response.version == Some(1) };
        for header in response.headers.iter() {
            let (name, value) = (header.name, header.value.trim_ascii());
            if name.eq_ignore_ascii_case("content-length") {
                framing.length = framing.length.and(value);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                let is_chunked = matches!(framing.transfer, Transfer::Plain) && value.eq_ignore_ascii_case(b"chunked");
                framing.transfer = if is_chunked { Transfer::Chunked } else { Transfer::Other };
            } else if name.eq_ignore_ascii_case("connection") {
                framing.keeps &= value.eq_ignore_ascii_case(b"keep-alive");
            }
        }
        framing
    }
}

impl Length {
    /// With one more header that says it.
    fn and(self, value: &[u8]) -> Self {
        let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let bytes = std::str::from_utf8(value).ok().filter(|_| is_number).map(|digits| {
            // A number that does not fit is too long in any case.
            digits.parse().unwrap_or(usize::MAX)
        });
        match (self, bytes) {
            (Self::Unknown, Some(bytes)) => Self::Bytes(bytes),
            (Self::Bytes(before), Some(bytes)) if before == bytes => self,
            _ => Self::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> (Option<u16>, Rest) {
        let mut answer = Answer::to_request();
        answer.take(text).unwrap();
        (answer.status(), answer.rest())
    }

    #[test]
    fn an_answer_ends_where_its_headers_say() {
        let cases: [(&[u8], Rest); 14] = [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Rest::Nothing),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", Rest::Wanted),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok", Rest::Unwanted),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nok", Rest::Nothing),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", Rest::Unwanted),
            (b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", Rest::Unwanted),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nok", Rest::Unwanted),
            (b"HTTP/1.1 200 OK\r\n\r\nok", Rest::Unwanted),
            (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", Rest::Unwanted),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", Rest::Unwanted),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Rest::Nothing),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", Rest::Unwanted),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Rest::Unwanted),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", Rest::Unwanted),
        ];
        for (text, rest) in cases {
            assert_eq!(read(text), (Some(200), rest), "{}", text.escape_ascii());
        }
        assert_eq!(read(b"HTTP/1.1 204 No Content\r\n\r\n"), (Some(204), Rest::Nothing));
        assert_eq!(read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n"), (Some(204), Rest::Nothing));
        assert_eq!(read(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), (Some(101), Rest::Unwanted));
    }

    #[test]
    fn an_answer_to_a_head_request_has_no_body() {
        let mut answer = Answer::to_head_request();
        answer.take(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n").unwrap();
        assert_eq!((answer.status(), answer.rest()), (Some(200), Rest::Nothing));
    }

    #[test]
    fn pieces_read_like_the_whole() {
        let whole = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Busy\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n\
                      3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n";
        for size in 1..whole.len() {
            let mut answer = Answer::to_request();
            for piece in whole.chunks(size) {
                assert_eq!(answer.rest(), Rest::Wanted, "pieces of {size}");
                answer.take(piece).unwrap();
            }
            assert_eq!((answer.status(), answer.rest()), (Some(429), Rest::Nothing), "pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused_at_once() {
        for text in [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"\0\x01\x02", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 999 x\r\n\r\n"]
        {
            assert_eq!(Answer::to_request().take(text), Err(Failure::Malformed), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn a_head_without_end_is_held_up_to_its_limit() {
        let mut answer = Answer::to_request();
        answer.take(b"HTTP/1.1 200 OK\r\nX: ").unwrap();
        let mut taken = 0;
        let refused = loop {
            match answer.take(&[b'x'; 100]) {
                Ok(()) => taken += 100,
                Err(failure) => break failure,
            }
        };
        assert_eq!(refused, Failure::HeadTooLarge);
        assert!((HEAD_MAX - 200..HEAD_MAX).contains(&taken), "{taken}");

        let lines = b"a: b\r\n".repeat(HEADERS_MAX + 1);
        let text = [b"HTTP/1.1 200 OK\r\n", &lines[..]].concat();
        assert_eq!(Answer::to_request().take(&text), Err(Failure::HeadTooLarge));
        let interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(1_000);
        assert_eq!(Answer::to_request().take(&interim), Err(Failure::HeadTooLarge));
    }

    #[test]
    fn chunks_without_end_are_not_read_for_ever() {
        let mut answer = Answer::to_request();
        answer.take(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let chunk = [b"1000\r\n", &[b'x'; 0x1000][..], b"\r\n"].concat();
        let taken = std::iter::from_fn(|| {
            answer.take(&chunk).unwrap();
            (answer.rest() == Rest::Wanted).then_some(chunk.len())
        });
        assert!(taken.sum::<usize>() <= BODY_MAX);
        assert_eq!(answer.rest(), Rest::Unwanted);
    }
}
