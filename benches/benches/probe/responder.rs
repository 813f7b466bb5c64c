//! Who answers: a process of its own, so that its work is nobody's CPU time here. Owns nothing
//! that is measured.

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

/// What makes this program the responder.
pub const ARGUMENT: &str = "answer-probes";

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

/// The other process. It ends with this one.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Starts it; on which port of every address of 127/8 it answers.
pub fn start() -> Result<(Process, u16), Box<dyn Error>> {
    let mut child = Command::new(std::env::current_exe()?).arg(ARGUMENT).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("the responder has no output")?;
    let process = Process(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    Ok((process, line.trim().parse()?))
}

/// Answers whatever it is asked, for ever.
pub fn serve() -> Result<(), Box<dyn Error>> {
    // Its share of open files is as large as the prober's.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let all = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, all)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind("0.0.0.0:0".parse()?)?;
        let listener = socket.listen(65_535)?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (mut stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                let mut request = [0; 1024];
                // A request of a probe is one packet.
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    if stream.write_all(ANSWER).await.is_err() {
                        return;
                    }
                }
            });
        }
    })
}
