use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reen_error::Code;
use reen_proto::cart_items::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::extract::{Id, SignedIn, ValidJson};
use crate::gateway::{Gateway, Shared};
use crate::idempotency::IdempotencyKey;
use crate::views::Done;
use crate::views::cart_items::{AddCartItem, CartItemView, ChangeQuantity, ClearedCart};
use crate::views::listing::Listing;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(add_cart_item, list_cart_items, clear_cart))
        .routes(routes!(get_cart_item, update_cart_item, remove_cart_item))
}

/// Puts a product into the user's cart. What is there already is added to.
#[utoipa::path(post, path = "/cart-items", tag = "cart",
    params(IdempotencyKey), request_body = AddCartItem,
    security(("bearer" = []), ("apiKey" = ["cart:write"])), responses(
    (status = 201, description = "The item", body = CartItemView),
    (status = 404, description = "`not_found`: no such product"),
    (status = 409, description = "`insufficient_stock`, `cart_full`"),
))]
async fn add_cart_item(
    State(gateway): State<Shared>,
    _: SignedIn,
    ValidJson(body): ValidJson<AddCartItem>,
) -> Result<(StatusCode, Json<CartItemView>), Error> {
    let request = proto::AddItemRequest::from(body);
    let item = gateway.peers.cart_items().add_item(request).await?;
    let item = CartItemView::new(item.into_inner(), None);
    Ok((StatusCode::CREATED, Json(item)))
}

/// The user's cart, oldest first, each item with its product.
#[utoipa::path(get, path = "/cart-items", tag = "cart", security(("bearer" = []), ("apiKey" = ["cart:read"])), responses(
    (status = 200, description = "The cart", body = Vec<CartItemView>),
))]
async fn list_cart_items(
    State(gateway): State<Shared>,
    _: SignedIn,
) -> Result<Json<Listing<CartItemView>>, Error> {
    let request = proto::ListItemsRequest {};
    let cart = gateway.peers.cart_items().list_items(request).await?;
    let items = show(&gateway, cart.into_inner().items).await?;
    Ok(Json(Listing::whole(items)))
}

/// One item of the user's cart, with its product.
#[utoipa::path(get, path = "/cart-items/{id}", tag = "cart", params(Id),
    security(("bearer" = []), ("apiKey" = ["cart:read"])), responses(
    (status = 200, description = "The item", body = CartItemView),
))]
async fn get_cart_item(
    State(gateway): State<Shared>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<CartItemView>, Error> {
    let request = proto::GetItemRequest { id };
    let item = gateway.peers.cart_items().get_item(request).await?;
    let mut shown = show(&gateway, vec![item.into_inner()]).await?;
    shown
        .pop()
        .map(Json)
        .ok_or_else(|| Error::of(Code::NotFound))
}

/// Changes how many are wanted.
#[utoipa::path(patch, path = "/cart-items/{id}", tag = "cart", params(Id, IdempotencyKey),
    request_body = ChangeQuantity, security(("bearer" = []), ("apiKey" = ["cart:write"])), responses(
    (status = 200, description = "The item", body = CartItemView),
    (status = 409, description = "`insufficient_stock`"),
))]
async fn update_cart_item(
    State(gateway): State<Shared>,
    _: SignedIn,
    Id(id): Id,
    ValidJson(body): ValidJson<ChangeQuantity>,
) -> Result<Json<CartItemView>, Error> {
    let quantity = body.quantity;
    let request = proto::ChangeQuantityRequest { id, quantity };
    let item = gateway.peers.cart_items().change_quantity(request).await?;
    Ok(Json(CartItemView::new(item.into_inner(), None)))
}

/// Takes an item out of the user's cart.
#[utoipa::path(delete, path = "/cart-items/{id}", tag = "cart", params(Id),
    security(("bearer" = []), ("apiKey" = ["cart:write"])), responses(
    (status = 200, description = "Removed", body = Done),
))]
async fn remove_cart_item(
    State(gateway): State<Shared>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<Done>, Error> {
    let request = proto::RemoveItemRequest { id };
    gateway.peers.cart_items().remove_item(request).await?;
    Ok(Json(Done { status: "removed" }))
}

/// Takes everything out of the user's cart.
#[utoipa::path(delete, path = "/cart-items", tag = "cart", security(("bearer" = []), ("apiKey" = ["cart:write"])), responses(
    (status = 200, description = "How much was in it", body = ClearedCart),
))]
async fn clear_cart(
    State(gateway): State<Shared>,
    _: SignedIn,
) -> Result<Json<ClearedCart>, Error> {
    let request = proto::ClearCartRequest {};
    let cleared = gateway.peers.cart_items().clear_cart(request).await?;
    let removed = cleared.into_inner().removed;
    Ok(Json(ClearedCart { removed }))
}

/// Items with their products. An item whose product is gone is about to leave the cart by itself.
async fn show(gateway: &Gateway, items: Vec<proto::CartItem>) -> Result<Vec<CartItemView>, Error> {
    let ids = items.iter().map(|item| item.product_id.clone()).collect();
    let products = gateway.reads.products_beside(ids).await?;
    Ok(items
        .into_iter()
        .filter_map(|item| {
            let product = products.get(&item.product_id)?.clone();
            Some(CartItemView::new(item, Some(product)))
        })
        .collect())
}
