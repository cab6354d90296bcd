use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ring::digest::{SHA256, digest};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::error::Error;
use crate::extract::{Id, Operator, SignedIn, ValidJson};
use crate::gateway::Shared;
use crate::idempotency::IdempotencyKey;
use crate::views::refunds::{RefundView, RequestRefund};

/// As many bytes as an id has.
const ID_BYTES: usize = 12;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(request_refund))
}

/// Gives money back to the buyer of an order: a seller what is left of the own lines, an operator what is
/// left of all of them. It is under way with the answer; the order shows how far it is.
#[utoipa::path(post, path = "/orders/{id}/refunds", tag = "orders",
    params(Id, IdempotencyKey), request_body = RequestRefund, security(("bearer" = []), ("apiKey" = ["orders:write"])), responses(
    (status = 202, description = "The refund", body = RefundView),
    (status = 400, description = "`malformed_body`"),
    (status = 409, description = "`refund_exceeds_payment`: there is not so much left to give back"),
))]
async fn request_refund(
    State(gateway): State<Shared>,
    user: SignedIn,
    Id(order_id): Id,
    IdempotencyKey(key): IdempotencyKey,
    ValidJson(body): ValidJson<RequestRefund>,
) -> Result<(StatusCode, Json<RefundView>), Error> {
    let as_operator = Operator::is(&gateway, &user).await?;
    let refund_id = refund_id(&user.user, &order_id, key);
    let request = body.into_proto(order_id, refund_id, as_operator);
    let refund = gateway.peers.orders().request_refund(request).await?;
    Ok((StatusCode::ACCEPTED, Json(refund.into_inner().into())))
}

/// The same for the same user, order and key; one of its own without a key.
fn refund_id(user: &str, order_id: &str, key: Option<String>) -> String {
    let key = key.unwrap_or_else(|| Uuid::new_v4().to_string());
    // Ids hold no slash, so that no two of these read the same.
    let name = format!("{user}/{order_id}/{key}");
    hex::encode(digest(&SHA256, name.as_bytes()))
        .chars()
        .take(2 * ID_BYTES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::refund_id;

    #[test]
    fn a_key_is_one_refund_of_one_user_and_order() {
        let id = |user, order, key: &str| refund_id(user, order, Some(key.to_owned()));
        let first = id("u1", "o1", "k");
        assert_eq!(first, id("u1", "o1", "k"));
        assert_eq!(first.len(), 24);
        for other in [
            id("u2", "o1", "k"),
            id("u1", "o2", "k"),
            id("u1", "o1", "l"),
        ] {
            assert_ne!(first, other);
        }
        assert_ne!(refund_id("u1", "o1", None), refund_id("u1", "o1", None));
    }
}
