use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use lapin::message::Delivery as AmqpDelivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Consumer};
use prost::Name;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::publisher::ATTEMPT_HEADER;
use crate::{Broker, Error, Message, Publisher, Queue};

const RESTART_PAUSE: Duration = Duration::from_millis(500);

/// A message that is being worked on.
#[derive(Clone, Debug)]
pub struct Delivery {
    message: Message,
    /// The broker gave it out before: whoever had it died, or lost its connection.
    pub redelivered: bool,
}

impl Delivery {
    /// How often this message was put off with [`Verdict::Later`] before.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.message.attempt
    }

    /// The full name of the protobuf message in the body.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.message.kind
    }

    /// The content, when it is an `M`.
    ///
    /// # Errors
    /// One sentence for an operator: the kind is another, or the body cannot be read.
    pub fn decode<M: Name + Default>(&self) -> Result<M, String> {
        if self.message.kind != M::full_name() {
            return Err(format!(
                "expected {}, got {}",
                M::full_name(),
                self.message.kind
            ));
        }
        M::decode(self.message.body.as_slice()).map_err(|error| error.to_string())
    }
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its effect is stored: acknowledge.
    Done,
    /// Not now: again after about this long.
    Later(Duration),
    /// Never: to the dead letters, with the reason.
    Dead(String),
}

/// Works on the messages of a queue.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Works on one message. A panic or a lost connection brings the message back.
    async fn handle(&self, delivery: Delivery) -> Verdict;
}

/// Consumes `queue` with up to `prefetch` messages at a time until `shutdown`, then lets those in
/// work finish. Whatever ends the consumer before that, it starts again.
///
/// # Errors
/// When the broker is away at the first start.
pub async fn consume(
    broker: Broker,
    queue: Queue,
    prefetch: u16,
    handler: Arc<dyn Handler>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let publisher = broker.publisher(queue).await?;
    let worker = Worker {
        publisher,
        handler,
        in_work: TaskTracker::new(),
    };
    while !shutdown.is_cancelled() {
        match run_once(&broker, queue, prefetch, &worker, &shutdown).await {
            Ok(()) => tracing::debug!(queue = queue.name, "the consumer ended"),
            Err(error) => tracing::warn!(queue = queue.name, %error, "the consumer broke"),
        }
        let _stopped = tokio::time::timeout(RESTART_PAUSE, shutdown.cancelled()).await;
    }
    worker.in_work.close();
    worker.in_work.wait().await;
    Ok(())
}

async fn run_once(
    broker: &Broker,
    queue: Queue,
    prefetch: u16,
    worker: &Worker,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let channel = broker.channel().await?;
    channel
        .basic_qos(prefetch, BasicQosOptions::default())
        .await?;
    let mut consumer = channel
        .basic_consume(
            queue.name.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await?;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return stop(&channel, &consumer).await,
            next = consumer.next() => match next {
                Some(Ok(delivery)) => worker.start(delivery),
                // The client recovers the connection and the consumer; the stream goes on.
                Some(Err(error)) => channel.wait_for_recovery(error).await?,
                None => return Ok(()),
            },
        }
    }
}

async fn stop(channel: &Channel, consumer: &Consumer) -> Result<(), Error> {
    channel
        .basic_cancel(consumer.tag(), BasicCancelOptions::default())
        .await?;
    Ok(())
}

struct Worker {
    publisher: Publisher,
    handler: Arc<dyn Handler>,
    in_work: TaskTracker,
}

impl Worker {
    fn start(&self, amqp: AmqpDelivery) {
        let handler = Arc::clone(&self.handler);
        let publisher = self.publisher.clone();
        self.in_work.spawn(async move {
            let delivery = read(&amqp);
            let mut message = delivery.message.clone();
            // A task of its own, so that a panic ends the work on one message and nothing else.
            let verdict = tokio::spawn(async move { handler.handle(delivery).await }).await;
            let settled = match verdict {
                Ok(Verdict::Done) => Ok(()),
                Ok(Verdict::Later(delay)) => {
                    message.attempt = message.attempt.saturating_add(1);
                    publisher.publish_later(&message, delay).await
                }
                Ok(Verdict::Dead(reason)) => {
                    tracing::error!(message = message.id, reason, "to the dead letters");
                    publisher.bury(&message, &reason).await
                }
                Err(panic) => {
                    tracing::error!(message = message.id, %panic, "the handler panicked");
                    Err(Error::NotAccepted)
                }
            };
            settle(&amqp, settled).await;
        });
    }
}

/// Acknowledges what is settled; gives back the rest. On a connection that is gone neither matters:
/// the broker gives the message out again.
async fn settle(amqp: &AmqpDelivery, settled: Result<(), Error>) {
    let outcome = match settled {
        Ok(()) => amqp.acker.ack(BasicAckOptions::default()).await,
        Err(_) => {
            let requeue = BasicNackOptions {
                requeue: true,
                ..Default::default()
            };
            amqp.acker.nack(requeue).await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "the message will be delivered again");
    }
}

fn read(amqp: &AmqpDelivery) -> Delivery {
    let properties = &amqp.properties;
    let text = |value: Option<&lapin::types::ShortString>| {
        value.map(ToString::to_string).unwrap_or_default()
    };
    let attempt = properties
        .headers()
        .as_ref()
        .and_then(|headers| headers.inner().get(ATTEMPT_HEADER))
        .map_or(0, |value| match value {
            AMQPValue::LongUInt(attempt) => *attempt,
            _ => 0,
        });
    let message = Message {
        id: text(properties.message_id().as_ref()),
        kind: text(properties.kind().as_ref()),
        body: amqp.data.clone(),
        attempt,
    };
    Delivery {
        message,
        redelivered: amqp.redelivered,
    }
}
