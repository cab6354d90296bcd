//! `reen migrate`, `reen backup` and `reen restore`, typed at the real binary.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

mod backup;
mod migrate;
mod support;
