//! The mechanism of sagas: definitions as data, and the runner that carries one through to its end.

mod definition;
pub(crate) mod measures;
#[cfg(test)]
mod model;
mod outline;
mod progress;
mod runner;
mod traced;

pub(crate) use definition::{AnySaga, Call, Compensation, Definition, Follows, Step};
pub use outline::{Outline, StepOutline};
pub(crate) use runner::{Ending, Runner};
