//! Machines that do not speak HTTP as they should: connections that end at once, never end, or make no sense.
//!
//! Owns the bytes of each such manner. It must never keep more than a few kilobytes for a connection, however much it
//! sends.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::admin::Manner;

/// What a client may say before it is answered.
const REQUEST_LIMIT: usize = 4_096;

/// One write of those that go on for ever.
const CHUNK: usize = 16 * 1_024;

/// Neither HTTP nor TLS nor text.
const GARBAGE: [u8; 32] = [
    0x00, 0xff, 0x13, 0x37, 0x80, 0x7f, 0x0a, 0x00, 0xfe, 0xca, 0x0d, 0x0d, 0x1b, 0x5b, 0x41, 0xc3, 0x28, 0xa0, 0xa1,
    0xe2, 0x28, 0xa1, 0xf0, 0x90, 0x28, 0xbc, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04,
];

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n";

/// Takes a connection for a manner that HTTP knows nothing of, and sees it to its end; gives back the others.
pub(super) async fn claim(mut stream: TcpStream, manner: Manner) -> Option<TcpStream> {
    match manner {
        Manner::Prompt | Manner::Slow { .. } | Manner::Hangs | Manner::Status { .. } => return Some(stream),
        Manner::Refuses => {
            // Closing without lingering resets the connection. Should it fail, it is closed all the same.
            let _ = stream.set_zero_linger();
        }
        _ => {
            // The client goes away when it has had enough; that ends every one of them.
            let _: io::Result<()> = misbehave(&mut stream, manner).await;
        }
    }
    None
}

async fn misbehave(stream: &mut TcpStream, manner: Manner) -> io::Result<()> {
    // Bytes of a slow answer are not to wait for one another.
    stream.set_nodelay(true)?;
    let mut request = [0; REQUEST_LIMIT];
    if stream.read(&mut request).await? == 0 {
        return Ok(());
    }
    match manner {
        Manner::EndlessHeader => endless_header(stream).await,
        Manner::EndlessBody => endless_body(stream).await,
        Manner::HugeBody { bytes } => huge_body(stream, bytes).await,
        Manner::Drip { interval_ms } => drip(stream, Duration::from_millis(interval_ms)).await,
        Manner::Garbage => stream.write_all(&GARBAGE).await,
        Manner::Prompt | Manner::Slow { .. } | Manner::Hangs | Manner::Status { .. } | Manner::Refuses => Ok(()),
    }
}

/// Header fields without end.
async fn endless_header(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
    let field = "X-And-So-On: and so on\r\n".repeat(CHUNK / 32);
    loop {
        stream.write_all(field.as_bytes()).await?;
    }
}

/// Chunks without end.
async fn endless_body(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await?;
    let chunk = format!("{CHUNK:x}\r\n{}\r\n", "x".repeat(CHUNK));
    loop {
        stream.write_all(chunk.as_bytes()).await?;
    }
}

/// A body of the announced length, every byte of it.
async fn huge_body(stream: &mut TcpStream, bytes: u64) -> io::Result<()> {
    stream.write_all(format!("{HEAD}Content-Length: {bytes}\r\n\r\n").as_bytes()).await?;
    let chunk = [b'x'; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        stream.write_all(chunk.get(..count).unwrap_or_default()).await?;
        left -= u64::try_from(count).unwrap_or(left);
    }
    Ok(())
}

/// A good answer, one byte at a time.
async fn drip(stream: &mut TcpStream, interval: Duration) -> io::Result<()> {
    let answer = format!("{HEAD}Content-Length: 4\r\nConnection: close\r\n\r\nslow");
    for byte in answer.bytes() {
        stream.write_all(&[byte]).await?;
        tokio::time::sleep(interval).await;
    }
    Ok(())
}
