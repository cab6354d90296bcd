//! Every event is sent until it is accepted, or the schedule runs out. Events
//! go out side by side: their order is not guaranteed, as at Stripe.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::app::Sim;
use super::config::RetrySchedule;
use super::events::Delivery;

/// Takes events from the outbox until `stop`.
pub(crate) async fn deliver_events(
    sim: Arc<Sim>,
    mut outbox: UnboundedReceiver<String>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return,
            event = outbox.recv() => event,
        };
        let Some(event) = event else { return };
        let sim = Arc::clone(&sim);
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = deliver(&sim, &event) => {}
            }
        });
    }
}

/// Sends one event `times` more, once each, whatever became of it before.
/// `None` when there is no such event.
pub(crate) async fn resend(
    sim: &Arc<Sim>,
    event: &str,
    times: usize,
    concurrent: bool,
) -> Option<Vec<Delivery>> {
    let mut deliveries = Vec::with_capacity(times);
    if !concurrent {
        for _ in 0..times {
            deliveries.push(attempt(sim, event).await?);
        }
        return Some(deliveries);
    }
    let mut attempts = JoinSet::new();
    for _ in 0..times {
        let sim = Arc::clone(sim);
        let event = event.to_owned();
        attempts.spawn(async move { attempt(&sim, &event).await });
    }
    for delivery in attempts.join_all().await {
        deliveries.push(delivery?);
    }
    Some(deliveries)
}

async fn deliver(sim: &Sim, event: &str) {
    let mut wait = Backoff::new(sim.retry);
    while let Some(delivery) = attempt(sim, event).await {
        if delivery.is_accepted() {
            return;
        }
        match wait.after(delivery.at, Utc::now()) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return sim.state.change(|changes| changes.abandon(event)),
        }
    }
}

/// One attempt, recorded.
async fn attempt(sim: &Sim, event: &str) -> Option<Delivery> {
    let body = sim
        .state
        .read(|tables| tables.events.get(event).map(|event| event.body.clone()))?;
    let delivery = sim.courier.attempt(&body).await;
    let status = delivery.status;
    tracing::info!(event, status, error = delivery.error, "webhook sent");
    sim.state
        .change(|changes| changes.record_delivery(event, delivery.clone()));
    Some(delivery)
}

/// The pauses of one event.
struct Backoff {
    schedule: RetrySchedule,
    next: Duration,
    /// Time of the first attempt.
    since: Option<DateTime<Utc>>,
}

impl Backoff {
    fn new(schedule: RetrySchedule) -> Self {
        Self {
            schedule,
            next: schedule.first.min(schedule.cap),
            since: None,
        }
    }

    /// The pause after an attempt made at `attempted`; `None` when the next
    /// one would come too late.
    fn after(&mut self, attempted: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
        let since = *self.since.get_or_insert(attempted);
        let elapsed = (now - since).to_std().unwrap_or_default();
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.schedule.cap);
        (elapsed.saturating_add(pause) <= self.schedule.give_up).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_until_the_end() {
        let schedule = RetrySchedule {
            first: Duration::from_millis(200),
            cap: Duration::from_millis(500),
            give_up: Duration::from_secs(10),
        };
        let start = Utc::now();
        let mut wait = Backoff::new(schedule);
        let pauses: Vec<_> = (0..4).filter_map(|_| wait.after(start, start)).collect();
        assert_eq!(pauses, [200, 400, 500, 500].map(Duration::from_millis));
        assert_eq!(wait.after(start, start + Duration::from_secs(10)), None);
    }
}
