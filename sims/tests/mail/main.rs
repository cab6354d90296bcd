//! The mail stand-in, spoken to line by line and through the client that the services use.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod dialogue;
mod faults;
mod keeping;
mod letters;
mod limits;
mod support;
