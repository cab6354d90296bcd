use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reen_proto::checkout::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::extract::{Id, SignedIn};
use crate::gateway::Shared;
use crate::idempotency::IdempotencyKey;
use crate::views::checkout::{CheckoutView, OpenedCheckout};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(open_checkout))
        .routes(routes!(get_checkout))
        .routes(routes!(cancel_checkout))
}

/// Opens a payment page for what is in the user's cart, at the prices of now, and reserves the stock.
#[utoipa::path(post, path = "/checkout", tag = "checkout",
    params(IdempotencyKey), security(("bearer" = []), ("apiKey" = ["checkout:write"])), responses(
    (status = 201, description = "Where to pay", body = OpenedCheckout),
    (status = 400, description = "`empty_cart`"),
    (status = 409, description = "`insufficient_stock`, `insufficient_balance`, `cart_changed`, \
        `total_too_large`, `total_too_small`, `payment_refused`"),
))]
async fn open_checkout(
    State(gateway): State<Shared>,
    _: SignedIn,
) -> Result<(StatusCode, Json<OpenedCheckout>), Error> {
    let request = proto::OpenCheckoutRequest {};
    let opened = gateway.peers.checkout().open_checkout(request).await?;
    Ok((StatusCode::CREATED, Json(opened.into_inner().into())))
}

/// One of the user's checkouts.
#[utoipa::path(get, path = "/checkout/{id}", tag = "checkout", params(Id),
    security(("bearer" = []), ("apiKey" = ["checkout:write"])), responses(
    (status = 200, description = "The checkout", body = CheckoutView),
))]
async fn get_checkout(
    State(gateway): State<Shared>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<CheckoutView>, Error> {
    let request = proto::GetCheckoutRequest { id };
    let checkout = gateway.peers.checkout().get_checkout(request).await?;
    Ok(Json(checkout.into_inner().into()))
}

/// Gives up a checkout that is not paid: it can no longer be, and the stock is free again.
#[utoipa::path(post, path = "/checkout/{id}/cancel", tag = "checkout",
    params(Id, IdempotencyKey),
    security(("bearer" = []), ("apiKey" = ["checkout:write"])), responses(
    (status = 200, description = "The checkout", body = CheckoutView),
    (status = 409, description = "`checkout_closed`"),
))]
async fn cancel_checkout(
    State(gateway): State<Shared>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<CheckoutView>, Error> {
    let request = proto::CancelCheckoutRequest { id };
    let checkout = gateway.peers.checkout().cancel_checkout(request).await?;
    Ok(Json(checkout.into_inner().into()))
}
