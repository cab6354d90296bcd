use std::sync::Arc;

use reen_proto::cart_items::v1 as proto;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::products::ProductView;
use super::{fields, rfc3339};

/// Something to be put into the cart.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AddCartItem {
    #[schema(schema_with = fields::id)]
    product_id: String,
    #[schema(schema_with = fields::cart_quantity)]
    quantity: i64,
}

impl From<AddCartItem> for proto::AddItemRequest {
    fn from(item: AddCartItem) -> Self {
        Self {
            product_id: item.product_id.to_ascii_lowercase(),
            quantity: item.quantity,
        }
    }
}

/// How many are wanted instead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeQuantity {
    #[schema(schema_with = fields::cart_quantity)]
    pub(crate) quantity: i64,
}

/// What somebody means to buy.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CartItemView {
    id: String,
    user_id: String,
    product_id: String,
    quantity: i64,
    /// As it is offered now; when the item is shown, not when it is changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ProductView>)]
    product: Option<Arc<ProductView>>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl CartItemView {
    pub(crate) fn new(item: proto::CartItem, product: Option<Arc<ProductView>>) -> Self {
        Self {
            id: item.id,
            user_id: item.user_id,
            product_id: item.product_id,
            quantity: item.quantity,
            product,
            created_at: rfc3339(item.created_at),
            updated_at: rfc3339(item.updated_at),
        }
    }
}

/// How many items were in the cart.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClearedCart {
    pub(crate) removed: i64,
}
