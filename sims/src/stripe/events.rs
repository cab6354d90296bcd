//! Events: what happened, in the envelope that the receiver gets.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::{API_VERSION, ids};

/// Attempts that are remembered of one event; its count is exact beyond.
const REMEMBERED_DELIVERIES: usize = 100;

/// The events a shop's endpoint subscribes to. Stripe has more and sends only
/// those that an endpoint asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EventType {
    #[serde(rename = "checkout.session.completed")]
    SessionCompleted,
    #[serde(rename = "checkout.session.expired")]
    SessionExpired,
    #[serde(rename = "checkout.session.async_payment_succeeded")]
    AsyncPaymentSucceeded,
    #[serde(rename = "checkout.session.async_payment_failed")]
    AsyncPaymentFailed,
    #[serde(rename = "payment_intent.succeeded")]
    PaymentSucceeded,
    #[serde(rename = "payment_intent.payment_failed")]
    PaymentFailed,
    #[serde(rename = "charge.refunded")]
    ChargeRefunded,
}

/// The API call that brought the event about; empty for what a buyer or the
/// clock did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cause {
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// An event with the record of its delivery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: EventType,
    pub(crate) created: i64,
    pub(crate) session: String,
    /// The bytes that every attempt sends: the object as it was then.
    pub(crate) body: String,
    pub(crate) attempts: u64,
    /// The latest attempts, oldest first.
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) delivered: bool,
    /// No more attempts: the schedule ran out.
    pub(crate) abandoned: bool,
}

/// One attempt: when, and what the receiver answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    #[serde(serialize_with = "in_milliseconds")]
    pub(crate) at: DateTime<Utc>,
    /// The HTTP status; `None` when there was no answer.
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

fn in_milliseconds<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

impl Delivery {
    pub(crate) fn is_accepted(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }
}

impl Event {
    pub(crate) fn new(
        kind: EventType,
        object: &Value,
        session: &str,
        cause: &Cause,
        now: i64,
    ) -> Self {
        let id = ids::event();
        let body = json!({
            "id": id,
            "object": "event",
            "api_version": API_VERSION,
            "created": now,
            "data": { "object": object },
            "livemode": false,
            "pending_webhooks": 1,
            "request": {
                "id": cause.request_id,
                "idempotency_key": cause.idempotency_key,
            },
            "type": kind,
        })
        .to_string();
        Self {
            id,
            kind,
            created: now,
            session: session.to_owned(),
            body,
            attempts: 0,
            deliveries: Vec::new(),
            delivered: false,
            abandoned: false,
        }
    }

    /// Whether there is nothing left to do for it.
    pub(crate) fn is_settled(&self) -> bool {
        self.delivered || self.abandoned
    }

    pub(crate) fn record(&mut self, delivery: Delivery) {
        self.attempts += 1;
        self.delivered |= delivery.is_accepted();
        if self.deliveries.len() == REMEMBERED_DELIVERIES {
            self.deliveries.remove(0);
        }
        self.deliveries.push(delivery);
    }
}
