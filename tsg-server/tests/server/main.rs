//! The server over real sockets, against the simulated data centre.

mod bad_input;
mod configuration;
mod enrolment;
mod isolation;
mod key_file;
mod lifecycle;
mod signatures;
mod support;
mod v1;
mod v2;
