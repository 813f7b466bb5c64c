//! The `tsg` program as a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a process may take to say that it is ready; a busy machine with a debug build needs some.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// A command line of `tsg` with nothing of this process's environment but the path to other programs.
pub fn tsg(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tsg"));
    command.args(arguments).env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap());
    command
}

/// What a finished command said.
#[derive(Debug)]
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same, once the command is known to have succeeded.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Said {
    command.stdin(Stdio::null()).output().expect("the program can be started").into()
}

/// A process that stays up; it is killed by its own id when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts a command that answers in JSON lines.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program can be started");
        let lines = child.stdout.take().map(BufReader::new);
        Self { child, lines }
    }

    /// Reads events until the one of this name, which is returned; a process that ends before is a failure.
    pub fn until(&mut self, event: &str) -> Value {
        self.until_that(event, |value| value["event"] == event)
    }

    /// The same until one that is meant.
    pub fn until_that(&mut self, event: &str, is_meant: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        let lines = self.lines.as_mut().expect("the output is read by one");
        let mut line = String::new();
        while lines.read_line(&mut line).unwrap() > 0 {
            let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
            if is_meant(&value) {
                return value;
            }
            assert!(begun.elapsed() < READY_WITHIN, "no {event} within {READY_WITHIN:?}");
            line.clear();
        }
        panic!("the process ended before {event}: {:?}", self.child.wait());
    }

    /// Starts a command that answers in words, and reads up to a line; what was read is returned too.
    pub fn until_line(command: &mut Command, last: &str) -> (Self, String) {
        let mut running = Self::start(command);
        let lines = running.lines.as_mut().expect("the output is read by one");
        let mut said = String::new();
        while lines.read_line(&mut said).unwrap() > 0 {
            if said.trim_end_matches('\n').ends_with(last) {
                return (running, said);
            }
        }
        panic!("the process ended before {last:?}: {said}");
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and returns the exit code.
    pub fn terminate(mut self) -> i32 {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code().expect("it ends by itself after SIGTERM")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is just as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
