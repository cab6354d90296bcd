use std::sync::Arc;
use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use prost::Name;
use rand::Rng as _;
use uuid::Uuid;

use crate::queue::{DEAD_EXCHANGE, DELAYS, WORK_EXCHANGE};
use crate::{Error, Queue};

/// A publish that is not confirmed by then counts as failed; the caller repeats it or says so.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(4);
const PERSISTENT: u8 = 2;
pub(crate) const REASON_HEADER: &str = "x-reen-reason";
pub(crate) const ATTEMPT_HEADER: &str = "x-reen-attempt";

/// A message as it travels: its kind is the full name of the protobuf message in its body.
#[derive(Clone, Debug)]
pub struct Message {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) body: Vec<u8>,
    /// How often this message was put off before.
    pub(crate) attempt: u32,
}

impl Message {
    /// A new message with an id of its own.
    #[must_use]
    pub fn new<M: Name>(content: &M) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            kind: M::full_name(),
            body: content.encode_to_vec(),
            attempt: 0,
        }
    }
}

/// Publishes to one work queue; an `Ok` means that the broker has stored the message.
#[derive(Clone)]
pub struct Publisher {
    channel: Channel,
    queue: Queue,
}

impl Publisher {
    pub(crate) fn new(channel: Channel, queue: Queue) -> Self {
        Self { channel, queue }
    }

    /// Publishes for work now.
    ///
    /// # Errors
    /// When the broker is away, did not confirm in time, or no queue takes the message. The message
    /// may have been stored all the same, so whoever consumes must tell repeats.
    pub async fn publish(&self, message: &Message) -> Result<(), Error> {
        let properties = properties(message, None);
        self.send(WORK_EXCHANGE, self.queue.name, message, properties)
            .await
    }

    /// Publishes for work after about `delay`: the nearest of [`DELAYS`], shortened by up to half at
    /// random, so that what failed together does not come back together.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub async fn publish_later(&self, message: &Message, delay: Duration) -> Result<(), Error> {
        let step = step_for(delay);
        let shortened = step.mul_f64(rand::rng().random_range(0.5..=1.0));
        let mut properties = properties(message, None);
        properties =
            properties.with_expiration(ShortString::from(shortened.as_millis().to_string()));
        self.send("", &self.queue.delayed(step), message, properties)
            .await
    }

    /// Publishes to the dead letters, with the reason.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub async fn bury(&self, message: &Message, reason: &str) -> Result<(), Error> {
        let properties = properties(message, Some(reason));
        self.send(DEAD_EXCHANGE, self.queue.name, message, properties)
            .await
    }

    async fn send(
        &self,
        exchange: &str,
        routing_key: &str,
        message: &Message,
        properties: BasicProperties,
    ) -> Result<(), Error> {
        let sending = self.send_and_confirm(exchange, routing_key, message, properties);
        tokio::time::timeout(CONFIRM_TIMEOUT, sending)
            .await
            .map_err(|_| Error::Unavailable(None))?
    }

    /// Waits out a reconnection and repeats, until the timeout around it ends the wait.
    async fn send_and_confirm(
        &self,
        exchange: &str,
        routing_key: &str,
        message: &Message,
        properties: BasicProperties,
    ) -> Result<(), Error> {
        let options = BasicPublishOptions {
            mandatory: true,
            ..Default::default()
        };
        loop {
            let published = async {
                let confirm = self
                    .channel
                    .basic_publish(
                        exchange.into(),
                        routing_key.into(),
                        options,
                        &message.body,
                        properties.clone(),
                    )
                    .await?;
                confirm.await
            };
            match published.await {
                Ok(Confirmation::Ack(None)) => return Ok(()),
                // A mandatory message that no queue takes is confirmed and returned.
                Ok(Confirmation::Ack(Some(_))) => return Err(Error::Unroutable),
                Ok(_) => return Err(Error::NotAccepted),
                Err(error) => self
                    .channel
                    .wait_for_recovery(error)
                    .await
                    .map_err(|error| Error::Unavailable(Some(Arc::new(error))))?,
            }
        }
    }
}

fn step_for(delay: Duration) -> Duration {
    let longest = DELAYS[DELAYS.len() - 1];
    DELAYS
        .into_iter()
        .find(|step| *step >= delay)
        .unwrap_or(longest)
}

fn properties(message: &Message, reason: Option<&str>) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(ATTEMPT_HEADER.into(), AMQPValue::LongUInt(message.attempt));
    if let Some(reason) = reason {
        headers.insert(
            REASON_HEADER.into(),
            AMQPValue::LongString(LongString::from(reason)),
        );
    }
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(ShortString::from(message.id.clone()))
        .with_type(ShortString::from(message.kind.clone()))
        .with_content_type("application/protobuf".into())
        .with_headers(headers)
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
