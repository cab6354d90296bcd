//! What a Stripe event asks of us. Only the fields that are needed are read, so that a new field or a
//! new API version changes nothing here.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What has to be done about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A session was paid.
    Complete(Payment),
    /// A session can no longer be paid.
    Expire { checkout_id: String },
    /// Some of a payment went back.
    NoteRefund(PaymentRefunded),
    /// Nothing, and why.
    Ignore(&'static str),
}

/// A payment that Stripe collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) checkout_id: String,
    pub(crate) session_id: String,
    pub(crate) payment_intent_id: String,
    pub(crate) amount_cents: i64,
    pub(crate) currency: String,
}

/// A payment of which some went back, by whosever hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PaymentRefunded {
    pub(crate) checkout_id: String,
    pub(crate) payment_intent_id: String,
    /// All refunds of it together, until then.
    pub(crate) refunded_cents: i64,
}

/// An event of a known type without the fields that it must have.
#[derive(Debug, thiserror::Error)]
#[error("the event cannot be read: {0}")]
pub(crate) struct Unreadable(String);

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    /// Set when the event belongs to a connected account.
    account: Option<String>,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: serde_json::Value,
}

#[derive(Deserialize)]
struct Session {
    id: String,
    #[serde(default)]
    metadata: Option<Metadata>,
    payment_intent: Option<Expandable>,
    payment_status: Option<String>,
    amount_total: Option<i64>,
    currency: Option<String>,
}

/// It has the metadata with which the checkout service made its payment intent.
#[derive(Deserialize)]
struct Charge {
    #[serde(default)]
    metadata: Option<Metadata>,
    payment_intent: Option<Expandable>,
    amount_refunded: Option<i64>,
}

/// The checkout for which this mesh made the object.
fn checkout_id(metadata: Option<&Metadata>) -> Option<String> {
    let id = metadata?.checkout_id.clone()?;
    is_id(&id).then_some(id)
}

/// Whether our services could have made this id.
fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[derive(Deserialize)]
struct Metadata {
    checkout_id: Option<String>,
}

/// Stripe sends an id, or the whole object when it was asked to expand it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expandable {
    Id(String),
    Object { id: String },
}

impl Expandable {
    fn into_id(self) -> String {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

/// Reads what an event asks of us.
///
/// # Errors
/// [`Unreadable`] for an event of a type that we use without the fields that we need.
pub(crate) fn read_stripe_event(body: &[u8]) -> Result<Wish, Unreadable> {
    let event: Event =
        serde_json::from_slice(body).map_err(|error| Unreadable(error.to_string()))?;
    if event.account.is_some() {
        return Ok(Wish::Ignore("it belongs to another account"));
    }
    match event.kind.as_str() {
        "checkout.session.completed" => completed(event.data),
        "checkout.session.async_payment_succeeded" => completed(event.data),
        "checkout.session.expired" | "checkout.session.async_payment_failed" => expired(event.data),
        "charge.refunded" => refunded(event.data),
        _ => Ok(Wish::Ignore("its type is not used")),
    }
}

fn completed(data: Data) -> Result<Wish, Unreadable> {
    let session: Session = read(data)?;
    // A delayed payment method completes the session first and pays later.
    if session.payment_status.as_deref() != Some("paid") {
        return Ok(Wish::Ignore("it is not paid yet"));
    }
    let Some(checkout_id) = checkout_id(session.metadata.as_ref()) else {
        return Ok(Wish::Ignore("the session was not opened by us"));
    };
    let payment_intent = session
        .payment_intent
        .ok_or_else(|| missing("session", "payment_intent"))?;
    Ok(Wish::Complete(Payment {
        checkout_id,
        session_id: session.id,
        payment_intent_id: payment_intent.into_id(),
        amount_cents: session
            .amount_total
            .ok_or_else(|| missing("session", "amount_total"))?,
        currency: session
            .currency
            .ok_or_else(|| missing("session", "currency"))?,
    }))
}

fn expired(data: Data) -> Result<Wish, Unreadable> {
    let session: Session = read(data)?;
    match checkout_id(session.metadata.as_ref()) {
        Some(checkout_id) => Ok(Wish::Expire { checkout_id }),
        None => Ok(Wish::Ignore("the session was not opened by us")),
    }
}

fn refunded(data: Data) -> Result<Wish, Unreadable> {
    let charge: Charge = read(data)?;
    let Some(checkout_id) = checkout_id(charge.metadata.as_ref()) else {
        return Ok(Wish::Ignore("the payment was not asked for by us"));
    };
    Ok(Wish::NoteRefund(PaymentRefunded {
        checkout_id,
        payment_intent_id: charge
            .payment_intent
            .ok_or_else(|| missing("charge", "payment_intent"))?
            .into_id(),
        refunded_cents: charge
            .amount_refunded
            .ok_or_else(|| missing("charge", "amount_refunded"))?,
    }))
}

fn read<T: DeserializeOwned>(data: Data) -> Result<T, Unreadable> {
    serde_json::from_value(data.object).map_err(|error| Unreadable(error.to_string()))
}

fn missing(object: &str, field: &str) -> Unreadable {
    Unreadable(format!("the {object} has no {field}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{PaymentRefunded, Wish, read_stripe_event};

    fn event(kind: &str, session: &Value) -> Vec<u8> {
        let event = json!({"id": "evt_1", "type": kind, "data": {"object": session}});
        serde_json::to_vec(&event).unwrap()
    }

    fn paid_session() -> Value {
        json!({
            "id": "cs_1",
            "metadata": {"checkout_id": "66f000000000000000000001"},
            "payment_intent": "pi_1",
            "payment_status": "paid",
            "amount_total": 9_999,
            "currency": "usd",
        })
    }

    #[test]
    fn a_paid_session_is_to_be_completed() {
        let wish = read_stripe_event(&event("checkout.session.completed", &paid_session()));
        let Ok(Wish::Complete(payment)) = wish else {
            panic!("{wish:?}")
        };
        assert_eq!(payment.checkout_id, "66f000000000000000000001");
        assert_eq!(payment.amount_cents, 9_999);
    }

    #[test]
    fn an_expanded_payment_intent_is_read_too() {
        let mut session = paid_session();
        session["payment_intent"] = json!({"id": "pi_2", "object": "payment_intent"});
        let wish = read_stripe_event(&event("checkout.session.completed", &session));
        let Ok(Wish::Complete(payment)) = wish else {
            panic!("{wish:?}")
        };
        assert_eq!(payment.payment_intent_id, "pi_2");
    }

    #[test]
    fn a_session_that_is_paid_later_waits_for_its_own_event() {
        let mut session = paid_session();
        session["payment_status"] = json!("unpaid");
        let wish = read_stripe_event(&event("checkout.session.completed", &session)).unwrap();
        assert!(matches!(wish, Wish::Ignore(_)));
    }

    #[test]
    fn a_failed_delayed_payment_is_an_expiry() {
        let failed = event("checkout.session.async_payment_failed", &paid_session());
        let expected = Wish::Expire {
            checkout_id: "66f000000000000000000001".to_owned(),
        };
        assert_eq!(read_stripe_event(&failed).unwrap(), expected);
    }

    #[test]
    fn a_session_of_somebody_else_is_ignored() {
        let mut session = paid_session();
        session["metadata"] = json!({});
        let wish = read_stripe_event(&event("checkout.session.completed", &session)).unwrap();
        assert!(matches!(wish, Wish::Ignore(_)));
    }

    #[test]
    fn an_id_that_we_never_make_is_somebody_elses() {
        let mut session = paid_session();
        session["metadata"] = json!({"checkout_id": "order 7"});
        let wish = read_stripe_event(&event("checkout.session.completed", &session)).unwrap();
        assert!(matches!(wish, Wish::Ignore(_)));
    }

    #[test]
    fn a_refund_is_noted_with_what_went_back_until_then() {
        let charge = json!({
            "id": "ch_1",
            "metadata": {"checkout_id": "66f000000000000000000001"},
            "payment_intent": "pi_1",
            "amount_refunded": 700,
        });
        let noted = read_stripe_event(&event("charge.refunded", &charge)).unwrap();
        let expected = PaymentRefunded {
            checkout_id: "66f000000000000000000001".to_owned(),
            payment_intent_id: "pi_1".to_owned(),
            refunded_cents: 700,
        };
        assert_eq!(noted, Wish::NoteRefund(expected));
        let foreign = json!({"id": "ch_2", "metadata": {}, "amount_refunded": 700});
        let ignored = read_stripe_event(&event("charge.refunded", &foreign)).unwrap();
        assert!(matches!(ignored, Wish::Ignore(_)));
    }

    #[test]
    fn a_paid_session_without_an_amount_is_unreadable() {
        let mut session = paid_session();
        session["amount_total"] = Value::Null;
        let outcome = read_stripe_event(&event("checkout.session.completed", &session));
        assert!(outcome.unwrap_err().to_string().contains("amount_total"));
    }
}
