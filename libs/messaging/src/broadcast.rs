use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, Consumer, ExchangeKind};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::connection::Line;
use crate::{Broker, Delivery, Error, Message};

/// News that cannot be told by then are not told.
const TELLING_TIMEOUT: Duration = Duration::from_secs(1);
/// How long news wait for a listener that is busy, in milliseconds: longer than they matter.
const NEWS_LIFETIME_MILLIS: i64 = 10_000;
/// How many wait for it; of more, the oldest are dropped.
const MOST_WAITING: i64 = 10_000;
const RESTART_PAUSE: Duration = Duration::from_millis(200);
const TRANSIENT: u8 = 1;

/// News for whoever listens at the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The name of the exchange.
    pub name: &'static str,
}

impl Topic {
    async fn declare(self, channel: &Channel) -> Result<(), Error> {
        let options = ExchangeDeclareOptions::default();
        let fanout = channel.exchange_declare(
            self.name.into(),
            ExchangeKind::Fanout,
            options,
            FieldTable::default(),
        );
        fanout
            .await
            .map_err(|error| Error::of_declaring(self.name, error))
    }
}

/// Tells news of one topic. Nothing is stored: who does not listen now does not hear them.
pub struct Announcer {
    line: Line,
    topic: Topic,
    current: Mutex<Option<Opened>>,
}

#[derive(Clone)]
struct Opened {
    connection: Arc<Connection>,
    channel: Channel,
}

/// What a listener is told.
#[derive(Debug)]
pub enum Heard {
    /// From now on nothing is missed. Something may have been before: this is the first of all, and
    /// comes again whenever the connection had been lost.
    Beginning,
    /// What was announced.
    News(Delivery),
}

/// Listens to the news of a topic.
#[async_trait]
pub trait Hearing: Send + Sync {
    /// Hears one thing after the other.
    async fn hear(&self, heard: Heard);
}

impl Broker {
    /// Tells news of `topic`; connects when there are any.
    #[must_use]
    pub fn announcer(&self, topic: Topic) -> Announcer {
        Announcer {
            line: self.publishing().clone(),
            topic,
            current: Mutex::default(),
        }
    }

    /// Hears the news of `topic` until `shutdown`, on a queue of its own that ends with the
    /// connection. Whatever ends that, it begins again.
    ///
    /// It shares the connection for publishing: news are not acknowledged, so nothing is lost when the
    /// broker stops reading from it.
    pub async fn listen(&self, topic: Topic, hearing: &dyn Hearing, shutdown: CancellationToken) {
        let line = self.publishing();
        while !shutdown.is_cancelled() {
            let listening = listen_until_lost(line, topic, hearing);
            let ended = shutdown.run_until_cancelled(listening).await;
            if let Some(Err(error)) = ended {
                tracing::warn!(topic = topic.name, %error, "the news are not heard");
            }
            let _stopped = timeout(RESTART_PAUSE, shutdown.cancelled()).await;
        }
    }
}

impl Announcer {
    /// Tells everybody who listens. Whether anybody does is not known.
    ///
    /// # Errors
    /// When the broker is away or takes nothing; then the news are lost.
    pub async fn announce(&self, message: &Message) -> Result<(), Error> {
        if self.line.is_blocked() {
            return Err(Error::Unavailable(None));
        }
        let told = timeout(TELLING_TIMEOUT, self.tell(message)).await;
        let told = told.unwrap_or(Err(Error::Unavailable(None)));
        if told.is_err() {
            self.current.lock().await.take();
        }
        told
    }

    async fn tell(&self, message: &Message) -> Result<(), Error> {
        let Opened {
            connection,
            channel,
        } = self.opened().await?;
        let properties = message.properties(None).with_delivery_mode(TRANSIENT);
        let telling = async {
            let options = BasicPublishOptions::default();
            let exchange = self.topic.name.into();
            channel
                .basic_publish(exchange, "".into(), options, &message.body, properties)
                .await?;
            Ok(())
        };
        self.line.until_lost(&connection, telling).await
    }

    async fn opened(&self) -> Result<Opened, Error> {
        let mut current = self.current.lock().await;
        let usable = |it: &&Opened| it.channel.status().connected();
        if let Some(opened) = current.as_ref().filter(usable) {
            return Ok(opened.clone());
        }
        let connection = self.line.connection().await?;
        let opening = async {
            let channel = connection.create_channel().await?;
            self.topic.declare(&channel).await?;
            Ok(channel)
        };
        let channel = self.line.until_lost(&connection, opening).await?;
        let opened = Opened {
            connection,
            channel,
        };
        Ok(current.insert(opened).clone())
    }
}

async fn listen_until_lost(line: &Line, topic: Topic, hearing: &dyn Hearing) -> Result<(), Error> {
    let connection = line.connection().await?;
    let opening = open_ear(&connection, topic);
    let (_open, mut consumer) = line.until_lost(&connection, opening).await?;
    hearing.hear(Heard::Beginning).await;
    loop {
        let next = tokio::select! {
            next = consumer.next() => next,
            () = line.lost(&connection) => return Ok(()),
        };
        let Some(amqp) = next.transpose()? else {
            return Ok(());
        };
        let delivery = Delivery {
            message: Message::read(&amqp),
            redelivered: amqp.redelivered,
        };
        hearing.hear(Heard::News(delivery)).await;
    }
}

/// A queue of this connection alone, bound before it is consumed, so that what follows is heard.
async fn open_ear(connection: &Connection, topic: Topic) -> Result<(Channel, Consumer), Error> {
    let channel = connection.create_channel().await?;
    topic.declare(&channel).await?;
    let own = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..Default::default()
    };
    let queue = channel.queue_declare("".into(), own, bounds()).await?;
    let (queue, exchange) = (queue.name().clone(), topic.name.into());
    let binding = QueueBindOptions::default();
    channel
        .queue_bind(
            queue.clone(),
            exchange,
            "".into(),
            binding,
            FieldTable::default(),
        )
        .await?;
    let unacknowledged = BasicConsumeOptions {
        no_ack: true,
        exclusive: true,
        ..Default::default()
    };
    let consumer = channel
        .basic_consume(queue, "".into(), unacknowledged, FieldTable::default())
        .await?;
    Ok((channel, consumer))
}

fn bounds() -> FieldTable {
    let mut bounds = FieldTable::default();
    for (name, most) in [
        ("x-message-ttl", NEWS_LIFETIME_MILLIS),
        ("x-max-length", MOST_WAITING),
    ] {
        bounds.insert(name.into(), AMQPValue::LongLongInt(most));
    }
    bounds
}
