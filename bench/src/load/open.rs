use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;

use super::Measured;
use crate::ask::Asks;
use crate::connection::Connection;

/// Every request has its moment, whether the one before it was answered or not.
///
/// One that finds no free connection waits, and that wait is part of its time: a server that stands still
/// for a second has kept everybody waiting who came in that second (the coordinated omission of a
/// closed loop).
pub(crate) async fn open(
    host: SocketAddr,
    asks: &Asks,
    connections: u16,
    rate: u64,
    duration: Duration,
) -> Result<Measured> {
    let timetable = Arc::new(Timetable {
        begin: Instant::now(),
        next: AtomicU64::new(0),
        rate: rate.max(1),
        duration,
    });
    let asking = (0..connections).map(|_| {
        let work = ask_in_time(host, Arc::clone(asks), Arc::clone(&timetable));
        async { tokio::spawn(work).await? }
    });
    let parts = try_join_all(asking).await?;
    Measured::together(parts, timetable.begin.elapsed())
}

struct Timetable {
    begin: Instant,
    next: AtomicU64,
    rate: u64,
    duration: Duration,
}

impl Timetable {
    /// The next request's number and moment, until the time is over.
    fn take(&self) -> Option<(u64, Instant)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let nanos = u128::from(number) * 1_000_000_000 / u128::from(self.rate);
        let after = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        (after < self.duration).then(|| (number, self.begin + after))
    }
}

async fn ask_in_time(host: SocketAddr, asks: Asks, timetable: Arc<Timetable>) -> Result<Measured> {
    let mut connection = Connection::open(host).await?;
    let mut measured = Measured::nothing()?;
    while let Some((number, moment)) = timetable.take() {
        let begun = if Instant::now() < moment {
            tokio::time::sleep_until(moment.into()).await;
            // Nobody was in the way: that the timer rounds up is no fault of the server.
            Instant::now()
        } else {
            moment
        };
        let outcome = connection.ask(&asks(number)).await;
        let is_gone = outcome.is_err();
        measured.note(outcome, begun.elapsed());
        if is_gone {
            connection = Connection::open(host).await?;
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::time::{Duration, Instant};

    use super::Timetable;

    #[test]
    fn moments_are_evenly_apart_and_end() {
        let begin = Instant::now();
        let timetable = Timetable {
            begin,
            next: AtomicU64::new(0),
            rate: 4,
            duration: Duration::from_secs(1),
        };
        let moments: Vec<_> = std::iter::from_fn(|| timetable.take())
            .map(|(_, moment)| moment.duration_since(begin).as_millis())
            .collect();
        assert_eq!(moments, [0, 250, 500, 750]);
    }
}
