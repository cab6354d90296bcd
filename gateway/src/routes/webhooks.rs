use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use reen_error::Code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::error::Error;
use crate::extract::{BodyLimit, RawBody};
use crate::gateway::Shared;
use crate::stripe_signature::is_genuine;
use crate::svix_signature::genuine_id;

const LONGEST_EVENT: usize = 512 * 1024;
const SIGNATURE: &str = "stripe-signature";
const STRIPE: &str = "stripe";
const CLERK: &str = "clerk";

/// What events-handler has a saga for. Others are answered and forgotten.
const USED_OF_STRIPE: [&str; 5] = [
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "charge.refunded",
];
const USED_OF_CLERK: [&str; 3] = ["user.created", "user.updated", "user.deleted"];

pub(super) fn routes() -> OpenApiRouter<Shared> {
    let limit = Extension(BodyLimit(LONGEST_EVENT));
    OpenApiRouter::new()
        .routes(routes!(receive_stripe_webhook).layer(limit))
        .routes(routes!(receive_clerk_webhook).layer(limit))
}

/// What is read of an event here; the whole of it goes on as it came.
#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

/// The event needs not be sent again.
#[derive(Serialize, ToSchema)]
struct Received {
    received: bool,
}

/// Takes an event of Stripe in. Answered only once it is stored, so that what fails is sent again.
#[utoipa::path(post, path = "/webhooks/stripe", tag = "webhooks",
    params(("Stripe-Signature" = String, Header, description = "`t=…,v1=…`, at most five minutes old")),
    request_body(content_type = "application/json", description = "The event, signed byte for byte"),
    responses(
    (status = 200, description = "Stored, or of no use here", body = Received),
    (status = 400, description = "`bad_signature`, `malformed_body`"),
))]
async fn receive_stripe_webhook(
    State(gateway): State<Shared>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Json<Received>, Error> {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let secret = &gateway.stripe_webhook_secret;
    if !signature.is_some_and(|signature| is_genuine(secret, signature, &body)) {
        return Err(Error::of(Code::BadSignature));
    }
    let Event { id, kind } = serde_json::from_slice(&body).map_err(|error| {
        let message = "an event must be an object with an `id` and a `type`";
        Error::new(Code::MalformedBody, message).because(error)
    })?;
    if USED_OF_STRIPE.contains(&kind.as_str()) {
        gateway.events.webhook(STRIPE, id, kind, body).await?;
    }
    Ok(Json(Received { received: true }))
}

/// What is read of an event of Clerk here. Its id is Svix's, in the header that is signed.
#[derive(Deserialize)]
struct ClerkEvent {
    #[serde(rename = "type")]
    kind: String,
}

/// Takes an event of Clerk in. Answered only once it is stored, so that what fails is sent again.
#[utoipa::path(post, path = "/webhooks/clerk", tag = "webhooks",
    params(
        ("svix-id" = String, Header, description = "The message; one has at most one effect"),
        ("svix-timestamp" = String, Header, description = "Unix time, at most five minutes old"),
        ("svix-signature" = String, Header, description = "`v1,…`, several separated by spaces"),
    ),
    request_body(content_type = "application/json", description = "The event, signed byte for byte"),
    responses(
    (status = 200, description = "Stored, or of no use here", body = Received),
    (status = 400, description = "`bad_signature`, `malformed_body`"),
    (status = 503, description = "`unavailable`, `overloaded`: try again shortly, or Clerk is not set up here"),
))]
async fn receive_clerk_webhook(
    State(gateway): State<Shared>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Json<Received>, Error> {
    let Some(secret) = &gateway.clerk_webhook_secret else {
        let message = "Clerk is not set up here: CLERK_WEBHOOK_SIGNING_SECRET";
        return Err(Error::new(Code::Unavailable, message));
    };
    let id = genuine_id(secret, &headers, &body).ok_or_else(|| Error::of(Code::BadSignature))?;
    let ClerkEvent { kind } = serde_json::from_slice(&body).map_err(|error| {
        let message = "an event must be an object with a `type`";
        Error::new(Code::MalformedBody, message).because(error)
    })?;
    if USED_OF_CLERK.contains(&kind.as_str()) {
        let events = &gateway.events;
        events.webhook(CLERK, id.to_owned(), kind, body).await?;
    }
    Ok(Json(Received { received: true }))
}
