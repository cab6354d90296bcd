//! Reading a queue without taking anything out of it.

use std::time::Duration;

use futures::StreamExt as _;
use lapin::message::Delivery as AmqpDelivery;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicQosOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Acker, Channel, Connection, Consumer};
use tokio::time::{Instant, timeout};

use super::Which;
use crate::{Error, Queue};

/// How many letters are settled at a time.
pub(super) const BATCH: u16 = 200;
/// As many as AMQP can say. Zero, which it reads as any number, is 2,000 to a quorum queue.
pub(super) const MOST_HELD: u16 = u16::MAX;
/// A letter that does not come in this time is in the hands of another reader.
const STALL: Duration = Duration::from_secs(2);
/// How long letters that were given back may take to be there again.
const RETURN_PATIENCE: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A channel that holds letters. However it ends, those that are not settled go back.
pub(super) struct Reading {
    channel: Channel,
    queue: Queue,
    /// Read before the consumer was there.
    first: Option<AmqpDelivery>,
    consumer: Consumer,
    /// Of those that waited when it began: letters that die meanwhile are for the next reader.
    unread: u64,
    /// Read, and to be given back, in this order.
    held: Vec<Acker>,
}

impl Reading {
    pub(super) async fn begin(
        connection: &Connection,
        queue: Queue,
        held_at_most: u16,
    ) -> Result<Self, Error> {
        let channel = connection.create_channel().await?;
        // Getting one tells how many wait. Looking at a queue does so as well, but says that there
        // are none when the queue is busy.
        let first = channel
            .basic_get(queue.dead().into(), BasicGetOptions::default())
            .await?;
        let more = first.as_ref().map(|first| u64::from(first.message_count));
        channel
            .basic_qos(held_at_most.max(1), BasicQosOptions::default())
            .await?;
        let consumer = channel
            .basic_consume(
                queue.dead().into(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        Ok(Self {
            channel,
            queue,
            first: first.map(|first| first.delivery),
            consumer,
            unread: more.map_or(0, |more| more + 1),
            held: Vec::new(),
        })
    }

    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    /// The next letter, which is held from now on.
    pub(super) async fn next(&mut self) -> Result<Option<AmqpDelivery>, Error> {
        let letter = self.read().await?;
        self.held
            .extend(letter.iter().map(|letter| letter.acker.clone()));
        Ok(letter)
    }

    /// The next letters that are meant, to be settled by the caller; empty at the end.
    pub(super) async fn batch(&mut self, which: Which<'_>) -> Result<Vec<AmqpDelivery>, Error> {
        let mut batch = Vec::new();
        while batch.len() < usize::from(BATCH) {
            let Some(letter) = self.read().await? else {
                break;
            };
            if which.includes(&letter) {
                batch.push(letter);
            } else {
                self.held.push(letter.acker);
            }
        }
        Ok(batch)
    }

    async fn read(&mut self) -> Result<Option<AmqpDelivery>, Error> {
        if self.unread == 0 {
            return Ok(None);
        }
        self.unread -= 1;
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        match timeout(STALL, self.consumer.next()).await {
            Ok(Some(letter)) => Ok(Some(letter?)),
            Ok(None) => Err(Error::Unavailable(None)),
            Err(_) => {
                self.unread = 0;
                Ok(None)
            }
        }
    }

    /// Gives back what is held, and waits until it is there again with what was not read, so that
    /// whoever reads next sees it.
    pub(super) async fn end(mut self, connection: &Connection) -> Result<(), Error> {
        let left = self.unread + u64::try_from(self.held.len()).unwrap_or(u64::MAX);
        if let Some(first) = self.first.take() {
            self.held.push(first.acker);
        }
        self.channel
            .basic_cancel(self.consumer.tag(), BasicCancelOptions::default())
            .await?;
        let give_back = BasicNackOptions {
            requeue: true,
            ..Default::default()
        };
        // One by one: given back together they would change their order.
        for letter in &self.held {
            letter.nack(give_back).await?;
        }
        // The consumer may hold some more, which come after these.
        self.channel.close(200, "read".into()).await?;
        let channel = connection.create_channel().await?;
        let give_up = Instant::now() + RETURN_PATIENCE;
        while waiting(&channel, self.queue).await? < left && Instant::now() < give_up {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }
}

async fn waiting(channel: &Channel, queue: Queue) -> Result<u64, Error> {
    let look = QueueDeclareOptions {
        passive: true,
        ..Default::default()
    };
    let queue = channel
        .queue_declare(queue.dead().into(), look, FieldTable::default())
        .await?;
    Ok(u64::from(queue.message_count()))
}
