use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;

use super::Measured;
use crate::ask::Asks;
use crate::connection::Connection;

/// Every connection asks again as soon as it has its answer.
pub(crate) async fn closed(
    host: SocketAddr,
    asks: &Asks,
    connections: u16,
    duration: Duration,
) -> Result<Measured> {
    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let until = started + duration;
    let asking = (0..connections).map(|_| {
        let work = ask_until(host, Arc::clone(asks), Arc::clone(&next), until);
        async { tokio::spawn(work).await? }
    });
    let parts = try_join_all(asking).await?;
    Measured::together(parts, started.elapsed())
}

async fn ask_until(
    host: SocketAddr,
    asks: Asks,
    next: Arc<AtomicU64>,
    until: Instant,
) -> Result<Measured> {
    let mut connection = Connection::open(host).await?;
    let mut measured = Measured::nothing()?;
    while Instant::now() < until {
        let ask = asks(next.fetch_add(1, Ordering::Relaxed));
        let sent = Instant::now();
        let outcome = connection.ask(&ask).await;
        let is_gone = outcome.is_err();
        measured.note(outcome, sent.elapsed());
        if is_gone {
            connection = Connection::open(host).await?;
        }
    }
    Ok(measured)
}
