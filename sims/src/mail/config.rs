use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How the stand-in is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where each letter that was taken is written as `<n>.eml`; it is made if it is not there. `None` keeps letters
    /// in memory alone.
    pub folder: Option<PathBuf>,
    /// What it puts up with.
    pub limits: Limits,
}

/// What one sender may ask for, and how much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest line, of a command or a letter, in bytes with its CRLF. RFC 5321 (4.5.3.1) demands 512 and 1,000
    /// at least, and more for commands with extensions.
    pub line: usize,
    /// The largest letter, in bytes as it is kept; told to senders as `SIZE` (RFC 1870).
    pub letter: usize,
    /// The most recipients of one letter. RFC 5321 demands 100 at least.
    pub recipients: usize,
    /// Whether addresses may have other letters than those of ASCII (`SMTPUTF8`, RFC 6531).
    pub other_letters: bool,
    /// The most connections at a time.
    pub connections: usize,
    /// How long it waits for a line, and for a sender to take an answer. A real server waits for minutes.
    pub idle: Duration,
    /// The most letters in memory, of those taken and of those turned away; the oldest is dropped.
    pub kept_letters: usize,
    /// The most bytes of letters in memory, for each of both; the oldest is dropped.
    pub kept_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 1_000,
            letter: 10 * 1024 * 1024,
            recipients: 100,
            other_letters: true,
            connections: 100,
            idle: Duration::from_secs(60),
            kept_letters: 1_000,
            kept_bytes: 64 * 1024 * 1024,
        }
    }
}

impl Config {
    /// A stand-in at `listen` that keeps letters in memory.
    #[must_use]
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            folder: None,
            limits: Limits::default(),
        }
    }

    /// A stand-in on a free loopback port that keeps letters in memory: for tests in the same process.
    #[must_use]
    pub fn in_process() -> Self {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }
}
