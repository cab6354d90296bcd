use std::sync::Arc;
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use rand::Rng as _;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::connection::Line;
use crate::queue::{DEAD_EXCHANGE, DELAYS, WORK_EXCHANGE};
use crate::{Error, Message, Queue, traced};

/// A publish that is not confirmed by then counts as failed; the caller repeats it or says so.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(4);
/// Before a publish is repeated on a new channel.
const REPEAT_PAUSE: Duration = Duration::from_millis(20);

/// Before a deleted queue is made again. A consumer whose queue is back before RabbitMQ has told it of
/// the deletion hangs on to the old one, and is never told.
const UNROUTABLE_PAUSE: Duration = Duration::from_secs(1);

/// Publishes to one work queue; an `Ok` means that the broker has stored the message. Cheap to clone.
///
/// Publishes share one channel, and none waits for another's confirm.
#[derive(Clone)]
pub struct Publisher {
    line: Line,
    queue: Queue,
    current: Arc<Mutex<Option<Opened>>>,
}

/// The channel that all publishes share.
#[derive(Clone)]
struct Opened {
    connection: Arc<Connection>,
    channel: Channel,
}

/// Where a message goes.
struct Address<'a> {
    exchange: &'a str,
    routing_key: &'a str,
}

impl Publisher {
    pub(crate) async fn open(line: Line, queue: Queue) -> Result<Self, Error> {
        let publisher = Self {
            line,
            queue,
            current: Arc::default(),
        };
        publisher.opened().await?;
        Ok(publisher)
    }

    /// Publishes for work now.
    ///
    /// # Errors
    /// When the broker is away, did not confirm in time, or no queue takes the message. The message
    /// may have been stored all the same, so whoever consumes must tell repeats.
    pub async fn publish(&self, message: &Message) -> Result<(), Error> {
        let address = Address {
            exchange: WORK_EXCHANGE,
            routing_key: self.queue.name,
        };
        self.send(address, message, message.properties(None)).await
    }

    /// Publishes for work after about `delay`: the nearest of [`DELAYS`], shortened by up to half at
    /// random, so that what failed together does not come back together.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub async fn publish_later(&self, message: &Message, delay: Duration) -> Result<(), Error> {
        let step = step_for(delay);
        let shortened = step.mul_f64(rand::rng().random_range(0.5..=1.0));
        let expiration = ShortString::from(shortened.as_millis().to_string());
        let properties = message.properties(None).with_expiration(expiration);
        let address = Address {
            exchange: "",
            routing_key: &self.queue.delayed(step),
        };
        self.send(address, message, properties).await
    }

    /// Publishes to the dead letters, with the reason.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub async fn bury(&self, message: &Message, reason: &str) -> Result<(), Error> {
        let address = Address {
            exchange: DEAD_EXCHANGE,
            routing_key: self.queue.name,
        };
        let properties = message.properties(Some(reason));
        self.send(address, message, properties).await
    }

    async fn send(
        &self,
        address: Address<'_>,
        message: &Message,
        properties: BasicProperties,
    ) -> Result<(), Error> {
        // What waits for an alarm to end would pile up in this process.
        if self.line.is_blocked() {
            return Err(Error::Unavailable(None));
        }
        let mut span = traced::sending(message, &self.queue);
        let properties = traced::carrying(properties, span.place());
        let sending = self.send_until_settled(&address, message, properties);
        let settled = match timeout(CONFIRM_TIMEOUT, sending).await {
            Ok(settled) => settled,
            Err(_) => {
                // Whatever is wrong with this channel, the next publish has another.
                self.current.lock().await.take();
                Err(Error::Unavailable(None))
            }
        };
        if settled.is_err() {
            span.fail("not confirmed");
        }
        settled
    }

    /// Repeats on a new channel what a lost one left open, until the timeout around it ends that.
    async fn send_until_settled(
        &self,
        address: &Address<'_>,
        message: &Message,
        properties: BasicProperties,
    ) -> Result<(), Error> {
        let mut was_unroutable = false;
        loop {
            match self.send_once(address, message, properties.clone()).await {
                Ok(Confirmation::Ack(None)) => return Ok(()),
                // A mandatory message that no queue takes is confirmed and returned.
                Ok(Confirmation::Ack(Some(_))) if was_unroutable => return Err(Error::Unroutable),
                Ok(Confirmation::Ack(Some(_))) => {
                    was_unroutable = true;
                    tokio::time::sleep(UNROUTABLE_PAUSE).await;
                }
                Ok(_) => return Err(Error::NotAccepted),
                Err(error) if self.line.is_closed() => return Err(error),
                Err(error) => tracing::debug!(%error, "a publish is repeated"),
            }
            tokio::time::sleep(REPEAT_PAUSE).await;
        }
    }

    async fn send_once(
        &self,
        address: &Address<'_>,
        message: &Message,
        properties: BasicProperties,
    ) -> Result<Confirmation, Error> {
        let opened = self.opened().await?;
        let publishing = publish_on(&opened.channel, address, message, properties);
        let line = &self.line;
        let confirmation = line.until_lost(&opened.connection, publishing).await?;
        // A queue that is not there, and one that was full, refuse this channel even when they are
        // back.
        if confirmation != Confirmation::Ack(None) {
            self.forget(&opened).await;
        }
        Ok(confirmation)
    }

    /// The current channel, made anew with its queues when it is gone.
    async fn opened(&self) -> Result<Opened, Error> {
        let mut current = self.current.lock().await;
        let usable = |it: &&Opened| it.channel.status().connected();
        if let Some(opened) = current.as_ref().filter(usable) {
            return Ok(opened.clone());
        }
        let connection = self.line.connection().await?;
        let opening = self.open_channel(&connection);
        let channel = self.line.until_lost(&connection, opening).await?;
        let opened = Opened {
            connection,
            channel,
        };
        Ok(current.insert(opened).clone())
    }

    async fn open_channel(&self, connection: &Connection) -> Result<Channel, Error> {
        let channel = connection.create_channel().await?;
        self.queue.declare(&channel).await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(channel)
    }

    /// Does not use this channel again; others may have replaced it already.
    async fn forget(&self, opened: &Opened) {
        let mut current = self.current.lock().await;
        let is_same = |it: &Opened| {
            Arc::ptr_eq(&it.connection, &opened.connection)
                && it.channel.id() == opened.channel.id()
        };
        if current.as_ref().is_some_and(is_same) {
            current.take();
        }
    }
}

async fn publish_on(
    channel: &Channel,
    address: &Address<'_>,
    message: &Message,
    properties: BasicProperties,
) -> Result<Confirmation, Error> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..Default::default()
    };
    let confirm = channel
        .basic_publish(
            address.exchange.into(),
            address.routing_key.into(),
            options,
            &message.body,
            properties,
        )
        .await?;
    Ok(confirm.await?)
}

fn step_for(delay: Duration) -> Duration {
    let longest = DELAYS[DELAYS.len() - 1];
    DELAYS
        .into_iter()
        .find(|step| *step >= delay)
        .unwrap_or(longest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::step_for;

    #[test]
    fn a_delay_waits_in_the_next_longer_queue() {
        assert_eq!(step_for(Duration::ZERO), Duration::from_millis(500));
        assert_eq!(step_for(Duration::from_millis(501)), Duration::from_secs(1));
        assert_eq!(
            step_for(Duration::from_secs(9_000)),
            Duration::from_secs(300)
        );
    }
}
