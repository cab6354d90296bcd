//! Refunds at Stripe: made under a name that Stripe keeps, so that they are found again.

use std::collections::HashMap;

use reen_error::{Code, Failure};
use stripe::{Client, IdempotencyKey, RequestStrategy, StripeError, StripeRequest as _};
use stripe_core::Refund as StripeRefund;
use stripe_core::refund::{CreateRefund, ListRefund};

use super::stripe::failure;

const ALREADY_REFUNDED: &str = "charge_already_refunded";
const PAGE: i64 = 100;
/// Metadata of refunds that this mesh makes, and only of those.
const CHECKOUT_ID: &str = "checkout_id";
const REFUND_ID: &str = "refund_id";
/// Stripe's words for a refund whose money stayed where it was.
const UNDONE: [&str; 2] = ["failed", "canceled"];

/// Money that is to go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refund<'refund> {
    pub(crate) payment_intent_id: &'refund str,
    pub(crate) checkout_id: &'refund str,
    /// What this mesh calls it: one name is one refund, for ever.
    pub(crate) name: &'refund str,
    pub(crate) idempotency_key: &'refund str,
    /// Absent: whatever is left of the payment.
    pub(crate) amount_cents: Option<i64>,
}

/// Money that went back, or is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MadeRefund {
    /// Stripe's.
    pub(crate) id: String,
    pub(crate) amount_cents: i64,
    /// What this mesh calls it; absent when it was not made from here.
    pub(crate) name: Option<String>,
}

/// Makes a refund, unless it was made before. Stripe knows a repeat by its key for a day; later, its
/// list does.
pub(super) async fn make(client: &Client, refund: Refund<'_>) -> Result<String, Failure> {
    let made = list(client, refund.payment_intent_id).await?;
    if let Some(known) = made
        .iter()
        .find(|it| it.name.as_deref() == Some(refund.name))
    {
        return Ok(known.id.clone());
    }
    let key = IdempotencyKey::new(refund.idempotency_key)
        .map_err(|error| Failure::new(Code::Internal, error.to_string()))?;
    let request = request(refund)
        .customize()
        .request_strategy(RequestStrategy::Idempotent(key));
    match Box::pin(request.send(client)).await {
        Ok(created) => Ok(created.id.to_string()),
        // All that was left was nothing: it went back by another hand, and that is as good.
        Err(error) if refund.amount_cents.is_none() && is_already_refunded(&error) => {
            newest(client, refund.payment_intent_id).await
        }
        Err(error) => Err(failure(error)),
    }
}

fn request(refund: Refund<'_>) -> CreateRefund {
    let metadata = HashMap::from([
        (CHECKOUT_ID.to_owned(), refund.checkout_id.to_owned()),
        (REFUND_ID.to_owned(), refund.name.to_owned()),
    ]);
    let request = CreateRefund::new()
        .payment_intent(refund.payment_intent_id)
        .metadata(metadata);
    match refund.amount_cents {
        Some(amount_cents) => request.amount(amount_cents),
        None => request,
    }
}

/// Every refund of a payment that was not undone, the newest first.
pub(super) async fn list(
    client: &Client,
    payment_intent_id: &str,
) -> Result<Vec<MadeRefund>, Failure> {
    let mut made = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut request = ListRefund::new()
            .payment_intent(payment_intent_id)
            .limit(PAGE);
        if let Some(after) = &after {
            request = request.starting_after(after);
        }
        let page = Box::pin(request.send(client)).await.map_err(failure)?;
        after = page.data.last().map(|last| last.id.to_string());
        made.extend(page.data.into_iter().filter(stands).map(MadeRefund::from));
        if !page.has_more || after.is_none() {
            return Ok(made);
        }
    }
}

async fn newest(client: &Client, payment_intent_id: &str) -> Result<String, Failure> {
    let made = list(client, payment_intent_id).await?;
    let newest = made.into_iter().next().map(|refund| refund.id);
    newest.ok_or_else(|| Failure::new(Code::Internal, "refunded already, but no refund is there"))
}

fn stands(refund: &StripeRefund) -> bool {
    let status = refund.status.as_deref();
    !status.is_some_and(|status| UNDONE.contains(&status))
}

impl From<StripeRefund> for MadeRefund {
    fn from(refund: StripeRefund) -> Self {
        let mut metadata = refund.metadata.unwrap_or_default();
        let is_ours = metadata.contains_key(CHECKOUT_ID);
        Self {
            id: refund.id.to_string(),
            amount_cents: refund.amount,
            name: metadata.remove(REFUND_ID).filter(|_| is_ours),
        }
    }
}

fn is_already_refunded(error: &StripeError) -> bool {
    let StripeError::Stripe(reported, _) = error else {
        return false;
    };
    let code = reported.code.as_ref();
    code.is_some_and(|code| code.as_str() == ALREADY_REFUNDED)
}
