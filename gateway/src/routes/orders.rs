use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use reen_proto::orders::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cache::ProductViews;
use crate::error::Error;
use crate::extract::{Id, SignedIn, ValidJson, ValidQuery};
use crate::gateway::{Gateway, Shared};
use crate::idempotency::IdempotencyKey;
use crate::views::listing::{Listing, PageQuery};
use crate::views::orders::{ChangeOrderStatus, OrderView, SaleView};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_orders))
        .routes(routes!(list_sales))
        .routes(routes!(get_order))
        .routes(routes!(change_order_status))
}

/// The user's orders, newest first.
#[utoipa::path(get, path = "/orders", tag = "orders", params(PageQuery),
    extensions(("x-paged" = json!(true))), security(("bearer" = []), ("apiKey" = ["orders:read"])), responses(
    (status = 200, description = "At most 1,000, or, with `limit` or `page`, a page of them",
        body = Vec<OrderView>, headers(
        ("X-Total-Count" = i64, description = "How many there are in all"),
        ("Link" = String, description = "The pages before and after (RFC 8288)"))),
))]
async fn list_orders(
    State(gateway): State<Shared>,
    _: SignedIn,
    OriginalUri(uri): OriginalUri,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<(HeaderMap, Json<Listing<OrderView>>), Error> {
    let part = query.part(&proto::ListOrdersRequest::default())?;
    let request = proto::ListOrdersRequest {
        limit: part.limit(),
        skip: part.skip(),
        keyset: part.keyset(),
    };
    let found = gateway.peers.orders().list_orders(request).await?;
    let proto::ListOrdersResponse {
        orders,
        total,
        next,
    } = found.into_inner();
    let products = products_of(&gateway, orders.iter().flat_map(|order| &order.lines)).await?;
    let shown = orders
        .into_iter()
        .map(|order| OrderView::new(order, |id| products.get(id).cloned()))
        .collect();
    let headers = part.headers(total, &uri);
    Ok((headers, Json(part.listing(shown, next.as_ref()))))
}

/// One of the user's orders.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders", params(Id),
    security(("bearer" = []), ("apiKey" = ["orders:read"])), responses(
    (status = 200, description = "The order", body = OrderView),
))]
async fn get_order(
    State(gateway): State<Shared>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<OrderView>, Error> {
    let request = proto::GetOrderRequest { id };
    let order = gateway
        .peers
        .orders()
        .get_order(request)
        .await?
        .into_inner();
    let products = products_of(&gateway, &order.lines).await?;
    let shown = OrderView::new(order, |id| products.get(id).cloned());
    Ok(Json(shown))
}

/// What the user sold, newest first. Pages count orders; one may hold several lines of the seller's.
#[utoipa::path(get, path = "/orders/sales", tag = "orders", params(PageQuery),
    extensions(("x-paged" = json!(true))), security(("bearer" = []), ("apiKey" = ["orders:read"])), responses(
    (status = 200, description = "Lines", body = Vec<SaleView>, headers(
        ("X-Total-Count" = i64, description = "How many orders there are in all"),
        ("Link" = String, description = "The pages before and after (RFC 8288)"))),
))]
async fn list_sales(
    State(gateway): State<Shared>,
    _: SignedIn,
    OriginalUri(uri): OriginalUri,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<(HeaderMap, Json<Listing<SaleView>>), Error> {
    let part = query.part(&proto::ListSalesRequest::default())?;
    let request = proto::ListSalesRequest {
        limit: part.limit(),
        skip: part.skip(),
        keyset: part.keyset(),
    };
    let found = gateway.peers.orders().list_sales(request).await?;
    let proto::ListSalesResponse {
        sales,
        total_orders,
        next,
    } = found.into_inner();
    let products =
        products_of(&gateway, sales.iter().filter_map(|sale| sale.line.as_ref())).await?;
    let shown = sales
        .into_iter()
        .filter_map(|sale| SaleView::new(sale, |id| products.get(id).cloned()))
        .collect();
    let headers = part.headers(total_orders, &uri);
    Ok((headers, Json(part.listing(shown, next.as_ref()))))
}

/// Moves an order on: `paid` → `processing` → `shipped` → `delivered`. For a seller who has a line in it.
#[utoipa::path(patch, path = "/orders/{id}/status", tag = "orders",
    params(Id, IdempotencyKey),
    request_body = ChangeOrderStatus, security(("bearer" = []), ("apiKey" = ["orders:write"])), responses(
    (status = 200, description = "The order", body = OrderView),
    (status = 403, description = "`forbidden`: not a seller"),
    (status = 409, description = "`illegal_transition`"),
))]
async fn change_order_status(
    State(gateway): State<Shared>,
    _: SignedIn,
    Id(id): Id,
    ValidJson(body): ValidJson<ChangeOrderStatus>,
) -> Result<Json<OrderView>, Error> {
    let status = proto::Status::from(body.status).into();
    let request = proto::ChangeStatusRequest { id, status };
    let order = gateway.peers.orders().change_status(request).await?;
    let order = order.into_inner();
    // The change is made: a product that cannot be had now is shown as it was bought.
    let products = products_of(&gateway, &order.lines)
        .await
        .unwrap_or_default();
    let shown = OrderView::new(order, |id| products.get(id).cloned());
    Ok(Json(shown))
}

async fn products_of(
    gateway: &Gateway,
    lines: impl IntoIterator<Item = &proto::OrderLine>,
) -> Result<ProductViews, Error> {
    let ids = lines.into_iter().map(|line| line.product_id.clone());
    gateway.reads.products_beside(ids.collect()).await
}
