use std::fmt;

use lapin::BasicProperties;
use lapin::message::Delivery as AmqpDelivery;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use prost::Name;
use reen_chassis::CallContext;
use reen_chassis::telemetry::trace::{Place, TRACEPARENT};
use uuid::Uuid;

const PERSISTENT: u8 = 2;
const REASON_HEADER: &str = "x-reen-reason";
const ATTEMPT_HEADER: &str = "x-reen-attempt";
/// In milliseconds since 1970.
const DIED_AT_HEADER: &str = "x-reen-died-at";

/// A message as it travels: its kind is the full name of the protobuf message in its body.
#[derive(Clone)]
pub struct Message {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) body: Vec<u8>,
    /// How often this message was put off before.
    pub(crate) attempt: u32,
    /// Where in a trace it was made, or sent before.
    pub(crate) place: Option<Place>,
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
            place: CallContext::look(|context| context.place),
        }
    }

    /// What tells it from every other message, and stays the same however often it is sent.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn read(amqp: &AmqpDelivery) -> Self {
        let properties = &amqp.properties;
        let text = |value: Option<&ShortString>| value.map(ToString::to_string).unwrap_or_default();
        Self {
            id: text(properties.message_id().as_ref()),
            kind: text(properties.kind().as_ref()),
            body: amqp.data.clone(),
            attempt: match header(amqp, ATTEMPT_HEADER) {
                Some(AMQPValue::LongUInt(attempt)) => *attempt,
                _ => 0,
            },
            place: self::text(header(amqp, TRACEPARENT)).and_then(|place| place.parse().ok()),
        }
    }

    pub(crate) fn properties(&self, reason: Option<&str>) -> BasicProperties {
        let mut headers = FieldTable::default();
        headers.insert(ATTEMPT_HEADER.into(), AMQPValue::LongUInt(self.attempt));
        if let Some(reason) = reason {
            headers.insert(
                REASON_HEADER.into(),
                AMQPValue::LongString(LongString::from(reason)),
            );
            headers.insert(DIED_AT_HEADER.into(), AMQPValue::LongLongInt(now_millis()));
        }
        BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_message_id(ShortString::from(self.id.clone()))
            .with_type(ShortString::from(self.kind.clone()))
            .with_content_type("application/protobuf".into())
            .with_headers(headers)
    }

    pub(crate) fn decode<M: Name + Default>(&self) -> Result<M, String> {
        if self.kind != M::full_name() {
            return Err(format!("expected {}, got {}", M::full_name(), self.kind));
        }
        M::decode(self.body.as_slice()).map_err(|error| error.to_string())
    }
}

/// Without the body, which may be about people.
impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

fn now_millis() -> i64 {
    bson::DateTime::now().timestamp_millis()
}

fn header<'a>(amqp: &'a AmqpDelivery, name: &str) -> Option<&'a AMQPValue> {
    let headers = amqp.properties.headers().as_ref()?;
    headers.inner().get(name)
}

/// Why a letter is dead: what [`Message::properties`] was told, or else the broker's own word.
pub(crate) fn reason(letter: &AmqpDelivery) -> String {
    text(header(letter, REASON_HEADER))
        .or_else(|| broker_reason(letter))
        .unwrap_or_else(|| "unknown".to_owned())
}

fn broker_reason(letter: &AmqpDelivery) -> Option<String> {
    text(latest_death(letter)?.inner().get("reason"))
}

/// When a letter died, in milliseconds since 1970: to the millisecond when it was buried, and to the
/// second when the broker did it.
pub(crate) fn died_at(letter: &AmqpDelivery) -> Option<i64> {
    if let Some(AMQPValue::LongLongInt(millis)) = header(letter, DIED_AT_HEADER) {
        return Some(*millis);
    }
    match latest_death(letter)?.inner().get("time")? {
        AMQPValue::Timestamp(seconds) => i64::try_from(*seconds).ok()?.checked_mul(1000),
        _ => None,
    }
}

/// The broker lists the latest death first.
fn latest_death(letter: &AmqpDelivery) -> Option<&FieldTable> {
    let AMQPValue::FieldArray(deaths) = header(letter, "x-death")? else {
        return None;
    };
    match deaths.as_slice().first()? {
        AMQPValue::FieldTable(latest) => Some(latest),
        _ => None,
    }
}

fn text(value: Option<&AMQPValue>) -> Option<String> {
    match value? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

/// A message that is being worked on.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub(crate) message: Message,
    /// The broker gave it out before: whoever had it died, or lost its connection.
    pub redelivered: bool,
}

impl Delivery {
    /// How often this message was put off with [`Verdict::Later`](crate::Verdict::Later) before.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.message.attempt
    }

    /// What tells this message from every other one; the same in each of its deliveries.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.message.id
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
        self.message.decode()
    }
}
