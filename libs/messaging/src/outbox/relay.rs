//! From the outbox to the broker.

use std::time::Duration;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::{Entry, Outbox};
use crate::Publisher;

/// How long a message waits at most whose process died before it nudged.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);

/// What a round came to.
enum Round {
    /// There may be more.
    Sent,
    NothingThere,
    Failed,
}

pub(super) async fn run(outbox: &Outbox, publisher: &Publisher, shutdown: &CancellationToken) {
    loop {
        // The last round is begun after the shutdown: what was put in before it is sent.
        let is_last = shutdown.is_cancelled();
        let round = match send_oldest(outbox, publisher).await {
            Ok(round) => round,
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be read or written");
                Round::Failed
            }
        };
        match round {
            _ if is_last => return,
            Round::Sent => {}
            Round::NothingThere => tokio::select! {
                () = shutdown.cancelled() => {}
                () = outbox.nudged.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            },
            Round::Failed => {
                let _stopped =
                    tokio::time::timeout(PAUSE_AFTER_FAILURE, shutdown.cancelled()).await;
            }
        }
    }
}

async fn send_oldest(outbox: &Outbox, publisher: &Publisher) -> Result<Round, reen_mongo::Error> {
    let oldest = outbox.oldest_free().await?;
    if oldest.is_empty() {
        return Ok(Round::NothingThere);
    }
    // None are left when other relays were quicker; what they did not take is in the next round.
    let taken = outbox.take(oldest).await?;
    // Side by side on one channel: they leave in this order, and none waits for another's confirm.
    let published = join_all(taken.iter().map(|entry| publish(publisher, entry))).await;
    let (mut sent, mut unsent) = (Vec::new(), Vec::new());
    for (entry, is_published) in taken.iter().zip(published) {
        let list = if is_published { &mut sent } else { &mut unsent };
        list.push(entry.id);
    }
    // What is not forgotten because of a failure here is sent again.
    if !sent.is_empty() {
        outbox.forget(&sent).await?;
    }
    match taken.first().and_then(|entry| entry.round) {
        Some(round) if !unsent.is_empty() => {
            outbox.give_back(&unsent, round).await?;
            Ok(Round::Failed)
        }
        _ => Ok(Round::Sent),
    }
}

async fn publish(publisher: &Publisher, entry: &Entry) -> bool {
    match publisher.publish(&entry.message()).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(message = entry.message_id, %error, "a message stays in the outbox");
            false
        }
    }
}
