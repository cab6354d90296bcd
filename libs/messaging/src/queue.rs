use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ExchangeKind};

use crate::Error;

pub(crate) const WORK_EXCHANGE: &str = "reen.work";
pub(crate) const DEAD_EXCHANGE: &str = "reen.dead";

/// How often the broker hands out a message whose consumer dies over it.
const DELIVERY_LIMIT: i64 = 20;

/// Reading the dead letters hands them out and takes them back; RabbitMQ 4 would drop them at the
/// twentieth time.
const ANY_NUMBER_OF_TIMES: i64 = 1_000_000_000;

/// The delays a message can wait: half a second, doubled up to five minutes. Each is a queue of its
/// own, because a queue lets go of its messages in order and a long delay would block a short one.
pub const DELAYS: [Duration; 11] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
    Duration::from_secs(64),
    Duration::from_secs(128),
    Duration::from_secs(256),
    Duration::from_secs(300),
];

/// A work queue with its delay queues and its dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The name of the work queue; `{name}.dead` keeps its dead letters.
    pub name: &'static str,
}

impl Queue {
    /// The queue of dead letters.
    #[must_use]
    pub fn dead(&self) -> String {
        format!("{}.dead", self.name)
    }

    pub(crate) fn delayed(&self, delay: Duration) -> String {
        format!("{}.delay.{}", self.name, delay.as_millis())
    }

    /// Makes the exchanges and queues; those that are there already stay.
    pub(crate) async fn declare(&self, channel: &Channel) -> Result<(), Error> {
        for exchange in [WORK_EXCHANGE, DEAD_EXCHANGE] {
            let durable = ExchangeDeclareOptions {
                durable: true,
                ..Default::default()
            };
            channel
                .exchange_declare(
                    exchange.into(),
                    ExchangeKind::Direct,
                    durable,
                    FieldTable::default(),
                )
                .await?;
        }
        let work = arguments([
            ("x-dead-letter-exchange", text(DEAD_EXCHANGE)),
            ("x-dead-letter-routing-key", text(self.name)),
            ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERY_LIMIT)),
        ]);
        declare_quorum(channel, self.name, work).await?;
        bind(channel, self.name, WORK_EXCHANGE, self.name).await?;
        let kept = arguments([(
            "x-delivery-limit",
            AMQPValue::LongLongInt(ANY_NUMBER_OF_TIMES),
        )]);
        declare_quorum(channel, &self.dead(), kept).await?;
        bind(channel, &self.dead(), DEAD_EXCHANGE, self.name).await?;
        for delay in DELAYS {
            declare_quorum(channel, &self.delayed(delay), self.delay_arguments(delay)).await?;
        }
        Ok(())
    }

    /// A message whose time is up is moved to the work queue, and counts as moved only when it is
    /// stored there (`at-least-once`, which needs `reject-publish`).
    fn delay_arguments(&self, delay: Duration) -> FieldTable {
        let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        arguments([
            ("x-message-ttl", AMQPValue::LongLongInt(millis)),
            ("x-dead-letter-exchange", text(WORK_EXCHANGE)),
            ("x-dead-letter-routing-key", text(self.name)),
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
        ])
    }
}

async fn declare_quorum(
    channel: &Channel,
    name: &str,
    mut arguments: FieldTable,
) -> Result<(), Error> {
    arguments.insert("x-queue-type".into(), text("quorum"));
    let durable = QueueDeclareOptions {
        durable: true,
        ..Default::default()
    };
    channel
        .queue_declare(name.into(), durable, arguments)
        .await
        .map_err(|error| Error::of_declaring(name, error))?;
    Ok(())
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), Error> {
    channel
        .queue_bind(
            queue.into(),
            exchange.into(),
            key.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await?;
    Ok(())
}

fn arguments<const N: usize>(pairs: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in pairs {
        table.insert(key.into(), value);
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}
