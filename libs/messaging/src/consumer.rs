use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use lapin::message::Delivery as AmqpDelivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::Line;
use crate::{Broker, Delivery, Error, Message, Publisher, Queue, traced};

const RESTART_PAUSE: Duration = Duration::from_millis(200);
const PUT_OFF_PAUSE: Duration = Duration::from_millis(500);
const WORKED_ON: &str = "reen_messages_total";
const VERDICTS: [&str; 4] = ["done", "later", "dead", "panicked"];

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

impl Verdict {
    fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Later(_) => "later",
            Self::Dead(_) => "dead",
        }
    }
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
    describe();
    let publisher = tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        publisher = broker.publisher(queue) => publisher?,
    };
    let worker = Worker {
        queue,
        publisher,
        handler,
        in_work: TaskTracker::new(),
        shutdown: shutdown.clone(),
    };
    let source = Source {
        line: broker.consuming().clone(),
        queue,
        prefetch,
    };
    while !shutdown.is_cancelled() {
        if let Err(error) = source.consume(&worker).await {
            tracing::warn!(queue = queue.name, %error, "the consumer broke");
        }
        let _stopped = timeout(RESTART_PAUSE, shutdown.cancelled()).await;
    }
    worker.finish().await;
    Ok(())
}

/// Where messages come from.
struct Source {
    line: Line,
    queue: Queue,
    prefetch: u16,
}

impl Source {
    /// Until the consumer ends, for whatever reason, or is to stop.
    async fn consume(&self, worker: &Worker) -> Result<(), Error> {
        let opened = tokio::select! {
            () = worker.shutdown.cancelled() => return Ok(()),
            opened = self.open() => opened?,
        };
        let Opened {
            connection,
            channel,
            mut consumer,
        } = opened;
        loop {
            tokio::select! {
                () = worker.shutdown.cancelled() => break,
                () = self.line.lost(&connection) => return Ok(()),
                next = consumer.next() => match next {
                    Some(delivery) => worker.start(delivery?),
                    // Cancelled by the broker, e.g. because the queue was deleted.
                    None => return Ok(()),
                },
            }
        }
        let tag = consumer.tag();
        let stopping = async {
            Ok(channel
                .basic_cancel(tag, BasicCancelOptions::default())
                .await?)
        };
        self.line.until_lost(&connection, stopping).await?;
        // What is in work is acknowledged on this channel; what is not begun goes back with it.
        worker.finish().await;
        Ok(())
    }

    async fn open(&self) -> Result<Opened, Error> {
        let connection = self.line.connection().await?;
        let opening = self.open_on(Arc::clone(&connection));
        self.line.until_lost(&connection, opening).await
    }

    async fn open_on(&self, connection: Arc<Connection>) -> Result<Opened, Error> {
        let channel = connection.create_channel().await?;
        self.queue.declare(&channel).await?;
        channel
            .basic_qos(self.prefetch, BasicQosOptions::default())
            .await?;
        let consumer = channel
            .basic_consume(
                self.queue.name.into(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        Ok(Opened {
            connection,
            channel,
            consumer,
        })
    }
}

struct Opened {
    connection: Arc<Connection>,
    channel: Channel,
    consumer: Consumer,
}

#[derive(Clone)]
struct Worker {
    queue: Queue,
    publisher: Publisher,
    handler: Arc<dyn Handler>,
    in_work: TaskTracker,
    shutdown: CancellationToken,
}

impl Worker {
    fn start(&self, amqp: AmqpDelivery) {
        let worker = self.clone();
        self.in_work.spawn(async move {
            let delivery = Delivery {
                message: Message::read(&amqp),
                redelivered: amqp.redelivered,
            };
            let message = delivery.message.clone();
            let handler = Arc::clone(&worker.handler);
            let mut span = traced::processing(&message, &worker.queue);
            let handling = span.scope(async move { handler.handle(delivery).await });
            // A task of its own, so that a panic ends the work on one message and nothing else.
            match tokio::spawn(handling).await {
                Ok(verdict) => {
                    traced::settled(&mut span, &verdict);
                    count(verdict.word());
                    worker.settle(&amqp, message, verdict).await;
                }
                Err(panic) => {
                    span.fail("panicked");
                    count("panicked");
                    tracing::error!(message = message.id, %panic, "the handler panicked");
                    give_back(&amqp).await;
                }
            }
        });
    }

    /// Acknowledges a message once its verdict is stored. As long as it cannot be put off it stays
    /// in work: given back it would come again at once, and be dead after a few rounds of that.
    async fn settle(&self, amqp: &AmqpDelivery, mut message: Message, verdict: Verdict) {
        if matches!(verdict, Verdict::Later(_)) {
            message.attempt = message.attempt.saturating_add(1);
        }
        while let Err(error) = self.store(&message, &verdict).await {
            tracing::warn!(message = message.id, %error, "a message cannot be put off");
            if self.shutdown.is_cancelled() || !amqp.acker.usable() {
                return give_back(amqp).await;
            }
            let _stopped = timeout(PUT_OFF_PAUSE, self.shutdown.cancelled()).await;
        }
        acknowledge(amqp).await;
    }

    async fn store(&self, message: &Message, verdict: &Verdict) -> Result<(), Error> {
        match verdict {
            Verdict::Done => Ok(()),
            Verdict::Later(delay) => self.publisher.publish_later(message, *delay).await,
            Verdict::Dead(reason) => {
                tracing::error!(message = message.id, reason, "to the dead letters");
                self.publisher.bury(message, reason).await
            }
        }
    }

    async fn finish(&self) {
        self.in_work.close();
        self.in_work.wait().await;
    }
}

fn describe() {
    metrics::describe_counter!(
        WORKED_ON,
        "Messages that were worked on: done, later, dead (buried), or panicked (given back)."
    );
    for verdict in VERDICTS {
        metrics::counter!(WORKED_ON, "verdict" => verdict).absolute(0);
    }
}

fn count(verdict: &'static str) {
    metrics::counter!(WORKED_ON, "verdict" => verdict).increment(1);
}

/// On a channel that is gone neither this nor [`give_back`] matters: the broker gives the message out
/// again.
async fn acknowledge(amqp: &AmqpDelivery) {
    if let Err(error) = amqp.acker.ack(BasicAckOptions::default()).await {
        tracing::debug!(%error, "the message will be delivered again");
    }
}

async fn give_back(amqp: &AmqpDelivery) {
    let requeue = BasicNackOptions {
        requeue: true,
        ..Default::default()
    };
    if let Err(error) = amqp.acker.nack(requeue).await {
        tracing::debug!(%error, "the message will be delivered again");
    }
}
