//! Whether a process says that it can work.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);
const SMTP: &str = "smtp://";
/// With this a mail server greets who connects.
const GREETING: &[u8] = b"220 ";

/// The readiness check below the base URL of a stand-in or an admin listener; a mail server greets by itself.
pub(crate) fn ready_url(base: &str) -> String {
    if base.starts_with(SMTP) {
        return base.to_owned();
    }
    format!("{base}/health/ready")
}

/// Whether the URL answers with a success.
pub(crate) fn is_ready(url: &str) -> bool {
    if let Some(address) = url.strip_prefix(SMTP) {
        return greets(address).is_ok_and(|greets| greets);
    }
    ureq::get(url)
        .config()
        .timeout_global(Some(PATIENCE))
        .build()
        .call()
        .is_ok_and(|answer| answer.status().is_success())
}

fn greets(address: &str) -> std::io::Result<bool> {
    let mut server = TcpStream::connect(address)?;
    server.set_read_timeout(Some(PATIENCE))?;
    let mut greeting = [0; GREETING.len()];
    server.read_exact(&mut greeting)?;
    Ok(greeting == GREETING)
}
