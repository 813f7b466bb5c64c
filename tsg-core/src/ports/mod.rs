//! The ports: what tsg asks of the world, as traits.
//!
//! Owns the questions and the closed sets of answers. Must never implement one; adapters do.

pub mod clock;
pub mod cloud;
pub mod entropy;
pub mod store;

pub use clock::Clock;
pub use cloud::Cloud;
pub use entropy::Entropy;
pub use store::Store;
