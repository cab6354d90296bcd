use std::sync::Arc;

use reen_proto::orders::v1 as proto;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::products::{AdminView, ProductView};
use super::refunds::RefundView;
use super::rfc3339;
use crate::money::Money;

/// How far an order is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderStatus {
    Paid,
    Processing,
    Shipped,
    Delivered,
    Refunded,
}

impl From<i32> for OrderStatus {
    fn from(status: i32) -> Self {
        match proto::Status::try_from(status) {
            Ok(proto::Status::Processing) => Self::Processing,
            Ok(proto::Status::Shipped) => Self::Shipped,
            Ok(proto::Status::Delivered) => Self::Delivered,
            Ok(proto::Status::Refunded) => Self::Refunded,
            Ok(proto::Status::Paid | proto::Status::Unspecified) | Err(_) => Self::Paid,
        }
    }
}

impl From<OrderStatus> for proto::Status {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Paid => Self::Paid,
            OrderStatus::Processing => Self::Processing,
            OrderStatus::Shipped => Self::Shipped,
            OrderStatus::Delivered => Self::Delivered,
            OrderStatus::Refunded => Self::Refunded,
        }
    }
}

/// How far an order is to go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeOrderStatus {
    pub(crate) status: OrderStatus,
}

/// What was bought at once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderView {
    id: String,
    user_id: String,
    total: Money,
    status: OrderStatus,
    order_items: Vec<OrderItemView>,
    /// Oldest first.
    refunds: Vec<RefundView>,
    /// What went back, all refunds together.
    refunded_amount: Money,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// One product of an order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderItemView {
    id: String,
    product_id: String,
    quantity: i64,
    /// Unit price times quantity at the time of purchase.
    price: Money,
    /// As it is now; as it was bought, when it is gone.
    #[schema(value_type = ProductView)]
    product: Arc<ProductView>,
}

/// A line that a seller sold.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SaleView {
    order_id: String,
    /// Who bought.
    user_id: String,
    status: OrderStatus,
    #[serde(flatten)]
    item: OrderItemView,
    #[schema(format = DateTime)]
    created_at: String,
}

impl OrderView {
    /// `find` answers a product as it is now.
    pub(crate) fn new(
        order: proto::Order,
        find: impl Fn(&str) -> Option<Arc<ProductView>>,
    ) -> Self {
        let created_at = rfc3339(order.created_at);
        let items = order.lines.into_iter();
        Self {
            id: order.id,
            user_id: order.user_id,
            total: Money::from_cents(order.total_cents),
            status: order.status.into(),
            order_items: items
                .map(|line| OrderItemView::new(line, &created_at, &find))
                .collect(),
            refunds: order.refunds.into_iter().map(RefundView::from).collect(),
            refunded_amount: Money::from_cents(order.refunded_cents),
            created_at,
            updated_at: rfc3339(order.updated_at),
        }
    }
}

impl SaleView {
    /// `None` for a sale without a line, which is not one.
    pub(crate) fn new(
        sale: proto::Sale,
        find: impl Fn(&str) -> Option<Arc<ProductView>>,
    ) -> Option<Self> {
        let created_at = rfc3339(sale.created_at);
        Some(Self {
            order_id: sale.order_id,
            user_id: sale.buyer_id,
            status: sale.status.into(),
            item: OrderItemView::new(sale.line?, &created_at, &find),
            created_at,
        })
    }
}

impl OrderItemView {
    fn new(
        line: proto::OrderLine,
        bought_at: &str,
        find: &impl Fn(&str) -> Option<Arc<ProductView>>,
    ) -> Self {
        let product = find(&line.product_id)
            .unwrap_or_else(|| Arc::new(ProductView::as_bought(&line, bought_at)));
        Self {
            id: line.id,
            product_id: line.product_id,
            quantity: line.quantity,
            price: Money::from_cents(line.price_cents),
            product,
        }
    }
}

impl ProductView {
    /// A product that is gone, from what the order keeps of it.
    fn as_bought(line: &proto::OrderLine, bought_at: &str) -> Self {
        let unit_price_cents = line.price_cents.checked_div(line.quantity);
        Self {
            id: line.product_id.clone(),
            name: line.name.clone(),
            description: String::new(),
            price: Money::from_cents(unit_price_cents.unwrap_or(line.price_cents)),
            quantity: 0,
            image_urls: vec![line.image_url.clone()],
            admin_id: line.seller_id.clone(),
            admin: AdminView::new(line.seller_id.clone(), None),
            order_count: 1,
            created_at: bought_at.to_owned(),
            updated_at: bought_at.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use reen_proto::orders::v1 as proto;
    use serde_json::json;

    use super::OrderView;

    #[test]
    fn a_product_that_is_gone_is_shown_as_it_was_bought() {
        let line = proto::OrderLine {
            product_id: "p".to_owned(),
            quantity: 3,
            price_cents: 2_997,
            name: "Lamp".to_owned(),
            image_url: "https://a.example/1".to_owned(),
            ..Default::default()
        };
        let order = proto::Order {
            lines: vec![line],
            ..Default::default()
        };
        let shown = serde_json::to_string(&OrderView::new(order, |_| None)).unwrap();
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let item = &shown["orderItems"][0];
        assert_eq!(item["price"], json!(29.97));
        assert_eq!(item["product"]["price"], json!(9.99));
        assert_eq!(item["product"]["name"], json!("Lamp"));
    }
}
