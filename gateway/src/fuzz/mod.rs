//! Fuzz targets: what a stranger sends and we read before we know who it is.
//!
//! In `cargo test` each runs for a second on inputs of chance. With coverage as its guide, and for as long
//! as you like: `cargo install cargo-bolero`, then
//! `cargo bolero test --package reen-gateway fuzz::query::what_is_accepted_is_what_was_sent`.

mod cursor;
mod json;
mod money;
mod query;
mod stripe;
mod svix;

use std::time::{SystemTime, UNIX_EPOCH};

/// As the verification of webhooks sees it.
fn unix_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

/// Whether a signature of that age is good; nothing where the clock decides while we look.
fn is_fresh(seconds_ago: i64) -> Option<bool> {
    match seconds_ago.abs() {
        0..=290 => Some(true),
        310.. => Some(false),
        _ => None,
    }
}

/// The same text with one byte changed; nothing when it is no text any more.
fn with_a_byte_changed(text: &str, position: usize, change: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let index = position.checked_rem(bytes.len())?;
    bytes[index] ^= change.max(1);
    String::from_utf8(bytes).ok()
}
