//! The mechanism of sagas: definitions as data, and the runner that carries one through to its end.

mod definition;
mod runner;

pub(crate) use definition::{AnySaga, Call, Compensation, Definition, Step};
pub(crate) use runner::{Ending, Runner};
