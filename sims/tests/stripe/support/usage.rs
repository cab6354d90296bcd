//! How a service uses async-stripe, against the stand-in and against Stripe.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use stripe::{
    ApiErrorsCode, Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError,
    StripeRequest,
};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, ProductData,
};
use stripe_core::refund::CreateRefund;
use stripe_types::Currency;

/// A client for `api_base`, or for Stripe itself when it is `None`. It sends
/// no request twice by itself: whoever knows the idempotency key retries.
pub(crate) fn stripe_client(
    secret_key: &str,
    api_base: Option<&str>,
) -> Result<Client, StripeError> {
    let builder = ClientBuilder::new(secret_key)
        .request_strategy(RequestStrategy::Once)
        // There is none by default.
        .timeout(Duration::from_secs(5));
    match api_base {
        Some(url) => builder.url(url).build(),
        None => builder.build(),
    }
}

/// What a checkout stores before it calls Stripe. All of it goes into the
/// request, so that a retry sends the same parameters: `expires_at` above
/// all must be stored, not computed again.
pub(crate) struct Checkout {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) expires_at: i64,
    pub(crate) success_url: String,
    /// Name, cents, quantity.
    pub(crate) lines: Vec<(String, i64, u64)>,
}

impl Checkout {
    pub(crate) fn sample(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            user: "user-1".to_owned(),
            expires_at: chrono::Utc::now().timestamp() + 3_600,
            success_url: "http://shop.test/checkout?success=true".to_owned(),
            lines: vec![("Chair".to_owned(), 1_000, 2), ("Lamp".to_owned(), 500, 1)],
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        HashMap::from([
            ("checkout_id".to_owned(), self.id.clone()),
            ("user_id".to_owned(), self.user.clone()),
        ])
    }

    pub(crate) fn request(&self) -> CreateCheckoutSession {
        let mut payment = CreateCheckoutSessionPaymentIntentData::new();
        payment.metadata = Some(self.metadata());
        CreateCheckoutSession::new()
            .mode(stripe_checkout::CheckoutSessionMode::Payment)
            .client_reference_id(&self.id)
            .metadata(self.metadata())
            .payment_intent_data(payment)
            .expires_at(self.expires_at)
            .success_url(&self.success_url)
            .cancel_url("http://shop.test/checkout?canceled=true")
            .line_items(self.lines.iter().map(line_item).collect::<Vec<_>>())
    }
}

fn line_item((name, unit_amount, quantity): &(String, i64, u64)) -> CreateCheckoutSessionLineItems {
    let mut price = CreateCheckoutSessionLineItemsPriceData::new(Currency::USD);
    price.unit_amount = Some(*unit_amount);
    price.product_data = Some(ProductData::new(name));
    let mut item = CreateCheckoutSessionLineItems::new();
    item.price_data = Some(price);
    item.quantity = Some(*quantity);
    item
}

/// What a service keeps of a session: the client's own object has kilobytes.
#[derive(Debug)]
pub(crate) struct OpenedSession {
    pub(crate) id: String,
    /// Where the buyer pays; `None` once the session is not open any more.
    pub(crate) url: Option<String>,
}

/// Opens the session of a checkout; calling it again is harmless.
pub(crate) async fn open_checkout(
    client: &Client,
    checkout: &Checkout,
) -> Result<OpenedSession, StripeError> {
    let request = checkout.request();
    let key = idempotency_key(&format!("checkout:{}", checkout.id))?;
    until_known(|| {
        let strategy = RequestStrategy::Idempotent(key.clone());
        let sending = request.customize().request_strategy(strategy).send(client);
        Box::pin(async {
            let session = sending.await?;
            Ok(OpenedSession {
                id: session.id.to_string(),
                url: session.url,
            })
        })
    })
    .await
}

/// What a service keeps of a refund.
#[derive(Debug)]
pub(crate) struct MadeRefund {
    pub(crate) id: String,
    /// Cents.
    pub(crate) amount: i64,
}

/// Gives everything back that was paid; calling it again is harmless.
pub(crate) async fn refund_all(
    client: &Client,
    payment_intent: &str,
    saga: &str,
) -> Result<MadeRefund, StripeError> {
    let request = CreateRefund::new().payment_intent(payment_intent);
    let key = idempotency_key(&format!("refund:{saga}"))?;
    until_known(|| {
        let strategy = RequestStrategy::Idempotent(key.clone());
        let sending = request.customize().request_strategy(strategy).send(client);
        Box::pin(async {
            let refund = sending.await?;
            Ok(MadeRefund {
                id: refund.id.to_string(),
                amount: refund.amount,
            })
        })
    })
    .await
}

/// Repeats a call whose outcome is unknown. The strategy `Idempotent` sends
/// its key once and does not retry; `Retry` and `ExponentialBackoff` retry,
/// but with a key of their own that is lost with the process.
async fn until_known<T, F>(mut call: impl FnMut() -> F) -> Result<T, StripeError>
where
    F: Future<Output = Result<T, StripeError>>,
{
    let mut pause = Duration::from_millis(50);
    for _ in 0..5 {
        match call().await {
            Err(error) if is_unknown(&error) => tokio::time::sleep(pause).await,
            known => return known,
        }
        pause *= 2;
    }
    call().await
}

/// Whether the request may or may not have been executed.
pub(crate) fn is_unknown(error: &StripeError) -> bool {
    match error {
        StripeError::Stripe(_, status) => matches!(status, 409 | 429 | 500..),
        // A body that is no Stripe error comes from something in between.
        StripeError::Timeout | StripeError::ClientError(_) | StripeError::JSONDeserialize(_) => {
            true
        }
        StripeError::ConfigError(_) => false,
    }
}

/// The code of Stripe's error object, and its HTTP status.
pub(crate) fn refusal(error: &StripeError) -> Option<(Option<ApiErrorsCode>, u16)> {
    match error {
        StripeError::Stripe(error, status) => Some((error.code.clone(), *status)),
        _ => None,
    }
}

fn idempotency_key(key: &str) -> Result<IdempotencyKey, StripeError> {
    IdempotencyKey::new(key).map_err(|error| StripeError::ConfigError(error.to_string()))
}
