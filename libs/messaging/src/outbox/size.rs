//! How much waits in an outbox, and for how long.

use std::sync::Arc;
use std::time::Duration;

use bson::{DateTime, doc};
use metrics::gauge;
use reen_chassis::metrics::{Sampling, sample};
use reen_mongo::Error;

use super::Outbox;

const MESSAGES: &str = "reen_outbox_messages";
const OLDEST: &str = "reen_outbox_oldest_seconds";

/// Told as long as the answer is held.
pub(super) fn told(outbox: &Outbox) -> Sampling {
    metrics::describe_gauge!(MESSAGES, "Messages that are not yet sent.");
    metrics::describe_gauge!(OLDEST, "How long the oldest message waits to be sent.");
    let outbox = Arc::new(outbox.clone());
    sample(
        "outbox",
        outbox,
        |outbox| async move { tell(&outbox).await },
    )
}

async fn tell(outbox: &Outbox) -> Result<(), Error> {
    let oldest = outbox.messages.find_one(doc! {});
    let (count, oldest) = tokio::try_join!(
        async { Ok(outbox.messages.estimated_document_count().await?) },
        async { Ok::<_, Error>(oldest.sort(doc! {"putAt": 1, "_id": 1}).await?) },
    )?;
    let waits = oldest.map_or(Duration::ZERO, |oldest| {
        DateTime::now().saturating_duration_since(oldest.put_at)
    });
    gauge!(MESSAGES).set(u32::try_from(count).unwrap_or(u32::MAX));
    gauge!(OLDEST).set(waits);
    Ok(())
}
