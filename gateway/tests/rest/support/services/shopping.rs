use reen_chassis::Answered;
use reen_proto::cart_items::v1 as cart_items;
use reen_proto::checkout::v1 as checkout;
use reen_proto::orders::v1 as orders;
use reen_proto::paging::v1::Position;
use reen_proto::time::from_millis;
use tonic::{Request, async_trait};

use super::{Answer, BORN, BUYER, CHECKOUT, ITEM, ORDER, PRODUCT, SELLER, answer, not_found};
use crate::support::Mesh;

fn item(quantity: i64) -> cart_items::CartItem {
    cart_items::CartItem {
        id: ITEM.to_owned(),
        user_id: BUYER.to_owned(),
        product_id: PRODUCT.to_owned(),
        quantity,
        created_at: Some(from_millis(BORN)),
        updated_at: Some(from_millis(BORN)),
    }
}

#[async_trait]
impl cart_items::cart_items_server::CartItems for Mesh {
    async fn add_item(
        &self,
        r: Request<cart_items::AddItemRequest>,
    ) -> Answer<cart_items::CartItem> {
        self.note("AddItem", &r)?;
        let is_replay = self.with(|state| state.replays);
        let answer = item(r.into_inner().quantity);
        Ok(Answered { answer, is_replay }.into_response())
    }

    async fn list_items(
        &self,
        r: Request<cart_items::ListItemsRequest>,
    ) -> Answer<cart_items::ListItemsResponse> {
        self.note("ListItems", &r)?;
        let gone = cart_items::CartItem {
            product_id: BUYER.to_owned(),
            ..item(1)
        };
        let items = vec![item(2), gone];
        answer(cart_items::ListItemsResponse { items })
    }

    async fn get_item(
        &self,
        r: Request<cart_items::GetItemRequest>,
    ) -> Answer<cart_items::CartItem> {
        self.note("GetItem", &r)?;
        answer(item(2))
    }

    async fn change_quantity(
        &self,
        r: Request<cart_items::ChangeQuantityRequest>,
    ) -> Answer<cart_items::CartItem> {
        self.note("ChangeQuantity", &r)?;
        answer(item(r.into_inner().quantity))
    }

    async fn remove_item(
        &self,
        r: Request<cart_items::RemoveItemRequest>,
    ) -> Answer<cart_items::RemoveItemResponse> {
        self.note("RemoveItem", &r)?;
        answer(cart_items::RemoveItemResponse {})
    }

    async fn clear_cart(
        &self,
        r: Request<cart_items::ClearCartRequest>,
    ) -> Answer<cart_items::ClearCartResponse> {
        self.note("ClearCart", &r)?;
        answer(cart_items::ClearCartResponse { removed: 2 })
    }
}

fn session_of_checkout(status: checkout::Status) -> checkout::CheckoutSession {
    checkout::CheckoutSession {
        id: CHECKOUT.to_owned(),
        user_id: BUYER.to_owned(),
        status: status.into(),
        stripe_session_url: "https://pay.example/cs_1".to_owned(),
        total_cents: 19_998,
        currency: "usd".to_owned(),
        lines: vec![checkout::Line {
            product_id: PRODUCT.to_owned(),
            name: "Lamp 1".to_owned(),
            seller_id: SELLER.to_owned(),
            unit_price_cents: 9_999,
            quantity: 2,
            image_url: "https://images.example/lamp.jpg".to_owned(),
        }],
        order_id: None,
        expires_at: Some(from_millis(BORN)),
        created_at: Some(from_millis(BORN)),
        updated_at: Some(from_millis(BORN)),
    }
}

#[async_trait]
impl checkout::checkout_server::Checkout for Mesh {
    async fn open_checkout(
        &self,
        r: Request<checkout::OpenCheckoutRequest>,
    ) -> Answer<checkout::CheckoutSession> {
        self.note("OpenCheckout", &r)?;
        answer(session_of_checkout(checkout::Status::Open))
    }

    async fn get_checkout(
        &self,
        r: Request<checkout::GetCheckoutRequest>,
    ) -> Answer<checkout::CheckoutSession> {
        self.note("GetCheckout", &r)?;
        answer(session_of_checkout(checkout::Status::Paid))
    }

    async fn cancel_checkout(
        &self,
        r: Request<checkout::CancelCheckoutRequest>,
    ) -> Answer<checkout::CheckoutSession> {
        self.note("CancelCheckout", &r)?;
        answer(session_of_checkout(checkout::Status::Canceled))
    }
}

fn line(product_id: &str) -> orders::OrderLine {
    orders::OrderLine {
        id: ITEM.to_owned(),
        product_id: product_id.to_owned(),
        quantity: 2,
        price_cents: 19_998,
        name: "Lamp as it was".to_owned(),
        seller_id: SELLER.to_owned(),
        image_url: "https://images.example/old.jpg".to_owned(),
    }
}

fn order(status: i32) -> orders::Order {
    orders::Order {
        id: ORDER.to_owned(),
        checkout_id: CHECKOUT.to_owned(),
        user_id: BUYER.to_owned(),
        total_cents: 39_996,
        status,
        lines: vec![line(PRODUCT), line(BUYER)],
        created_at: Some(from_millis(BORN)),
        updated_at: Some(from_millis(BORN)),
        refunds: vec![refund("re_1".to_owned(), 1_250, orders::RefundStatus::Done)],
        refunded_cents: 1_250,
    }
}

fn refund(id: String, amount_cents: i64, status: orders::RefundStatus) -> orders::Refund {
    orders::Refund {
        id,
        order_id: ORDER.to_owned(),
        amount_cents,
        status: status.into(),
        created_at: Some(from_millis(BORN)),
        ..orders::Refund::default()
    }
}

#[async_trait]
impl orders::orders_server::Orders for Mesh {
    async fn list_orders(
        &self,
        r: Request<orders::ListOrdersRequest>,
    ) -> Answer<orders::ListOrdersResponse> {
        self.note("ListOrders", &r)?;
        let orders = vec![order(orders::Status::Paid.into()); 2];
        let keyset = r.into_inner().keyset;
        let next = keyset.map(|_| Position::default());
        answer(orders::ListOrdersResponse {
            orders,
            total: 41,
            next,
        })
    }

    async fn get_order(&self, r: Request<orders::GetOrderRequest>) -> Answer<orders::Order> {
        self.note("GetOrder", &r)?;
        if r.get_ref().id != ORDER {
            return Err(not_found());
        }
        answer(order(orders::Status::Shipped.into()))
    }

    async fn list_sales(
        &self,
        r: Request<orders::ListSalesRequest>,
    ) -> Answer<orders::ListSalesResponse> {
        self.note("ListSales", &r)?;
        let sale = orders::Sale {
            order_id: ORDER.to_owned(),
            buyer_id: BUYER.to_owned(),
            status: orders::Status::Paid.into(),
            line: Some(line(PRODUCT)),
            created_at: Some(from_millis(BORN)),
        };
        answer(orders::ListSalesResponse {
            sales: vec![sale],
            total_orders: 1,
            next: None,
        })
    }

    async fn change_status(
        &self,
        r: Request<orders::ChangeStatusRequest>,
    ) -> Answer<orders::Order> {
        self.note("ChangeStatus", &r)?;
        answer(order(r.into_inner().status))
    }

    async fn request_refund(
        &self,
        r: Request<orders::RequestRefundRequest>,
    ) -> Answer<orders::Refund> {
        self.note("RequestRefund", &r)?;
        let asked = r.into_inner();
        let amount_cents = asked.amount_cents.unwrap_or(39_996);
        let refund = refund(asked.refund_id, amount_cents, orders::RefundStatus::Pending);
        answer(orders::Refund {
            restock: asked.restock,
            reason: asked.reason,
            ..refund
        })
    }

    async fn count_orders(
        &self,
        r: Request<orders::CountOrdersRequest>,
    ) -> Answer<orders::CountOrdersResponse> {
        self.note("CountOrders", &r)?;
        let counts = r.into_inner().product_ids.into_iter();
        let counts = counts.map(|product_id| orders::ProductOrderCount {
            product_id,
            orders: 7,
        });
        answer(orders::CountOrdersResponse {
            counts: counts.collect(),
        })
    }
}
