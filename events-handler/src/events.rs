//! What it consumes, and the sweep for what got lost.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reen_chassis::CallContext;
use reen_messaging::{Delivery, Handler, Message, Publisher, Queue, Verdict};
use reen_proto::events::QUEUE;
use reen_proto::events::v1::{
    AccountDeletionRequested, LetterRequested, RefundRequested, SagaDue, WebhookReceived,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::domain::{MOST_ATTEMPTS, delay_after};
use crate::error::Error;
use crate::saga::Ending;
use crate::service::Sagas;

/// Everything that this process works on comes over this queue.
pub(crate) const EVENTS: Queue = Queue { name: QUEUE };
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Works on events; a message is acknowledged only after what it asks is stored.
pub(crate) struct Intake {
    sagas: Arc<Sagas>,
}

impl Intake {
    pub(crate) fn new(sagas: Arc<Sagas>) -> Self {
        Self { sagas }
    }

    async fn take_in(&self, delivery: &Delivery) -> Result<Result<Ending, Error>, String> {
        // Whoever put it off may have failed to store that, and so to release the saga.
        let from_the_dead = delivery.redelivered || delivery.attempt() > 0;
        if let Ok(webhook) = delivery.decode::<WebhookReceived>() {
            return Ok(self.sagas.take_in_webhook(webhook, from_the_dead).await);
        }
        if let Ok(farewell) = delivery.decode::<AccountDeletionRequested>() {
            return Ok(self.sagas.take_in_farewell(&farewell, from_the_dead).await);
        }
        if let Ok(asked) = delivery.decode::<RefundRequested>() {
            return Ok(self.sagas.take_in_refund(asked, from_the_dead).await);
        }
        if let Ok(asked) = delivery.decode::<LetterRequested>() {
            return Ok(self.sagas.take_in_letter(asked, from_the_dead).await);
        }
        let due = delivery.decode::<SagaDue>()?;
        Ok(self.sagas.go_on(&due.saga_id, from_the_dead).await)
    }
}

#[async_trait]
impl Handler for Intake {
    async fn handle(&self, delivery: Delivery) -> Verdict {
        let request_id = Some(Uuid::new_v4().to_string().into());
        let context = CallContext {
            request_id,
            ..CallContext::current()
        };
        let failed = delivery.attempt().saturating_add(1);
        match context.scope(self.take_in(&delivery)).await {
            Ok(Ok(Ending::Settled | Ending::Elsewhere)) => Verdict::Done,
            Ok(Ok(Ending::Again(delay))) => Verdict::Later(delay),
            Ok(Ok(Ending::Stuck(why))) => Verdict::Dead(why),
            Ok(Err(error)) if failed < MOST_ATTEMPTS => {
                tracing::warn!(kind = delivery.kind(), %error, failed, "put off");
                Verdict::Later(delay_after(failed))
            }
            Ok(Err(error)) => Verdict::Dead(error.to_string()),
            Err(unreadable) => Verdict::Dead(unreadable),
        }
    }
}

/// Until `shutdown`, looks for sagas whose message was lost and sends them a new one. Several
/// processes may sweep at once: a saga that is in work is not acquired twice.
pub(crate) async fn sweep(sagas: Arc<Sagas>, publisher: Publisher, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match sagas.overdue().await {
            Ok(overdue) => remind(overdue, &publisher).await,
            Err(error) => tracing::warn!(%error, "overdue sagas cannot be looked for"),
        }
        let _stopped = tokio::time::timeout(SWEEP_EVERY, shutdown.cancelled()).await;
    }
}

async fn remind(overdue: Vec<String>, publisher: &Publisher) {
    for saga_id in overdue {
        tracing::warn!(saga = saga_id, "overdue");
        if let Err(error) = publisher.publish(&Message::new(&SagaDue { saga_id })).await {
            tracing::warn!(%error, "an overdue saga cannot be reminded");
        }
    }
}
