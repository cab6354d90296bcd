//! The code table: one enum of error codes, and the only place where a code meets gRPC and HTTP.
//!
//! A crate's error enum answers [`Coded::code`]; at the edge of a service [`Failure`] carries the code,
//! the message and the failing fields through a [`tonic::Status`], and the caller reads them back with
//! [`Failure::from_status`]. Nothing of an internal error but its code crosses a process.

mod code;
mod failure;

pub use code::{Code, Handling};
pub use failure::{Failure, FieldFailure};

use std::time::Duration;

/// What every crate's error enum answers.
pub trait Coded: std::error::Error {
    /// The stable word for this failure.
    fn code(&self) -> Code;

    /// The fields that failed, when the failure is about fields.
    fn fields(&self) -> Vec<FieldFailure> {
        Vec::new()
    }

    /// How long whoever asked should wait before asking again, where that is known.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}
