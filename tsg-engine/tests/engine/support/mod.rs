//! Shared by the engine's tests: a data centre, a store and engines in virtual time, and the
//! oracle that judges them. Nothing here is production code.

pub mod books;
pub mod clinic;
pub mod diary;
pub mod evidence;
pub mod journal;
pub mod oracle;
pub mod outlook;

pub mod ports;
pub mod scenario;
pub mod site;
