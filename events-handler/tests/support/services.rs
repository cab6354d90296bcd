//! Services that note what they are asked.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use reen_error::{Code, Failure};
use reen_proto::auth::v1 as auth;
use reen_proto::cart_items::v1 as cart;
use reen_proto::checkout::v1 as checkout;
use reen_proto::orders::v1 as orders;
use reen_proto::products::v1 as products;
use reen_testkit::serve;
use tokio_util::sync::DropGuard;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::{BUYER, Book, ORDER, OUTSIDE_CENTS, SELLER, TOTAL_CENTS};

#[derive(Clone)]
struct StandIn(Arc<Book>);

type Answer<'call, T> = BoxFuture<'call, Result<Response<T>, Status>>;

/// One method: note the call under its name, then answer this. Written out as `async_trait` would,
/// because that does not see into a macro.
macro_rules! notes {
    ($method:ident($request:ty) -> $response:ty, $answer:expr) => {
        fn $method<'life0, 'async_trait>(
            &'life0 self,
            request: Request<$request>,
        ) -> Answer<'async_trait, $response>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async move {
                self.0
                    .enter(stringify!($method), request.into_inner().operation)
                    .await?;
                Ok(Response::new($answer))
            })
        }
    };
}

#[tonic::async_trait]
impl auth::auth_server::Auth for StandIn {
    notes!(post_sale(auth::PostSaleRequest) -> auth::PostSaleResponse, auth::PostSaleResponse {});
    notes!(reverse_sale(auth::ReverseSaleRequest) -> auth::ReverseSaleResponse,
        auth::ReverseSaleResponse {});
    notes!(record_purchase(auth::RecordPurchaseRequest) -> auth::RecordPurchaseResponse,
        auth::RecordPurchaseResponse {});
    notes!(forget_purchase(auth::ForgetPurchaseRequest) -> auth::ForgetPurchaseResponse,
        auth::ForgetPurchaseResponse {});
    notes!(post_refund(auth::PostRefundRequest) -> auth::PostRefundResponse,
        auth::PostRefundResponse {});
    notes!(sync_clerk_user(auth::SyncClerkUserRequest) -> auth::SyncClerkUserResponse,
        auth::SyncClerkUserResponse { user_id: SELLER.to_owned() });
    notes!(forget_clerk_user(auth::ForgetClerkUserRequest) -> auth::ForgetClerkUserResponse,
        auth::ForgetClerkUserResponse { user_id: Some(SELLER.to_owned()) });
    notes!(anonymise_user(auth::AnonymiseUserRequest) -> auth::AnonymiseUserResponse,
        auth::AnonymiseUserResponse {});

    async fn find_contacts(
        &self,
        request: Request<auth::FindContactsRequest>,
    ) -> Result<Response<auth::FindContactsResponse>, Status> {
        let contact = |id: String| {
            let (name, email) = match id == BUYER {
                true => ("Bea Buyer", self.0.buyers_address()),
                false => ("Sam Seller", "seller@reen.example".to_owned()),
            };
            auth::Contact {
                id,
                name: name.to_owned(),
                email,
            }
        };
        let contacts = request.into_inner().ids.into_iter().map(contact).collect();
        Ok(Response::new(auth::FindContactsResponse { contacts }))
    }
}

#[tonic::async_trait]
impl auth::recovery_server::Recovery for StandIn {
    async fn issue_token(
        &self,
        request: Request<auth::IssueTokenRequest>,
    ) -> Result<Response<auth::IssueTokenResponse>, Status> {
        let operation = request.into_inner().operation;
        self.0.enter("issue_token", operation).await?;
        let letter = self.0.next_letter();
        Ok(Response::new(auth::IssueTokenResponse { letter }))
    }
}

#[tonic::async_trait]
impl products::products_server::Products for StandIn {
    notes!(reserve_stock(products::ReserveStockRequest) -> products::ReserveStockResponse,
        products::ReserveStockResponse::default());
    notes!(commit_hold(products::CommitHoldRequest) -> products::CommitHoldResponse,
        products::CommitHoldResponse {});
    notes!(release_hold(products::ReleaseHoldRequest) -> products::ReleaseHoldResponse,
        products::ReleaseHoldResponse {});
    notes!(return_stock(products::ReturnStockRequest) -> products::ReturnStockResponse,
        products::ReturnStockResponse {});
    notes!(withdraw_catalogue(products::WithdrawCatalogueRequest)
        -> products::WithdrawCatalogueResponse, products::WithdrawCatalogueResponse {});
}

#[tonic::async_trait]
impl cart::cart_items_server::CartItems for StandIn {
    notes!(take_out_bought(cart::TakeOutBoughtRequest) -> cart::TakeOutBoughtResponse,
        cart::TakeOutBoughtResponse {});
    notes!(put_back(cart::PutBackRequest) -> cart::PutBackResponse, cart::PutBackResponse {});
    notes!(empty_cart(cart::EmptyCartRequest) -> cart::EmptyCartResponse,
        cart::EmptyCartResponse {});
}

#[tonic::async_trait]
impl orders::orders_server::Orders for StandIn {
    notes!(create_order(orders::CreateOrderRequest) -> orders::Order,
        orders::Order { id: ORDER.to_owned(), ..orders::Order::default() });
    notes!(settle_refund(orders::SettleRefundRequest) -> orders::SettleRefundResponse,
        orders::SettleRefundResponse::default());
    notes!(reject_refund(orders::RejectRefundRequest) -> orders::RejectRefundResponse,
        orders::RejectRefundResponse {});
    notes!(record_outside_refund(orders::RecordOutsideRefundRequest)
        -> orders::RecordOutsideRefundResponse, recorded());
    notes!(withdraw_order(orders::WithdrawOrderRequest) -> orders::WithdrawOrderResponse,
        orders::WithdrawOrderResponse {});
}

#[tonic::async_trait]
impl checkout::checkout_server::Checkout for StandIn {
    notes!(record_payment(checkout::RecordPaymentRequest) -> checkout::RecordPaymentResponse,
        checkout::RecordPaymentResponse { checkout: Some(snapshot()) });
    notes!(complete_checkout(checkout::CompleteCheckoutRequest)
        -> checkout::CompleteCheckoutResponse, checkout::CompleteCheckoutResponse {});
    notes!(expire_checkout(checkout::ExpireCheckoutRequest) -> checkout::ExpireCheckoutResponse,
        checkout::ExpireCheckoutResponse {});
    notes!(record_refund(checkout::RecordRefundRequest) -> checkout::RecordRefundResponse,
        checkout::RecordRefundResponse {});

    async fn find_payment(
        &self,
        request: Request<checkout::FindPaymentRequest>,
    ) -> Result<Response<checkout::Payment>, Status> {
        let payment = self.0.payment_of(&request.get_ref().checkout_id);
        let payment = payment.ok_or_else(|| Failure::new(Code::NotFound, "no such checkout"))?;
        Ok(Response::new(payment))
    }

    async fn list_unsettled(
        &self,
        _request: Request<checkout::ListUnsettledRequest>,
    ) -> Result<Response<checkout::ListUnsettledResponse>, Status> {
        let checkouts = self.0.list_unsettled();
        Ok(Response::new(checkout::ListUnsettledResponse { checkouts }))
    }
}

fn recorded() -> orders::RecordOutsideRefundResponse {
    let share = orders::RefundShare {
        seller_id: SELLER.to_owned(),
        amount_cents: OUTSIDE_CENTS,
    };
    let refund = orders::Refund {
        shares: vec![share],
        ..orders::Refund::default()
    };
    let order = orders::Order {
        user_id: BUYER.to_owned(),
        ..orders::Order::default()
    };
    orders::RecordOutsideRefundResponse {
        refund: Some(refund),
        order: Some(order),
    }
}

fn snapshot() -> checkout::CheckoutSession {
    let line = checkout::Line {
        product_id: "66f000000000000000000009".to_owned(),
        name: "Brass <lamp>".to_owned(),
        seller_id: SELLER.to_owned(),
        unit_price_cents: TOTAL_CENTS / 5,
        quantity: 5,
        image_url: "https://img.example/lamp.png".to_owned(),
    };
    checkout::CheckoutSession {
        user_id: BUYER.to_owned(),
        total_cents: TOTAL_CENTS,
        lines: vec![line],
        ..checkout::CheckoutSession::default()
    }
}

/// Serves all five and answers the settings that name them.
pub(crate) async fn serve_all(book: &Arc<Book>) -> (HashMap<String, String>, Vec<DropGuard>) {
    let stand_in = StandIn(Arc::clone(book));
    let routes = [
        (
            "auth",
            Routes::new(auth::auth_server::AuthServer::new(stand_in.clone()))
                .add_service(auth::recovery_server::RecoveryServer::new(stand_in.clone())),
        ),
        (
            "products",
            Routes::new(products::products_server::ProductsServer::new(
                stand_in.clone(),
            )),
        ),
        (
            "cart-items",
            Routes::new(cart::cart_items_server::CartItemsServer::new(
                stand_in.clone(),
            )),
        ),
        (
            "checkout",
            Routes::new(checkout::checkout_server::CheckoutServer::new(
                stand_in.clone(),
            )),
        ),
        (
            "orders",
            Routes::new(orders::orders_server::OrdersServer::new(stand_in)),
        ),
    ];
    let mut settings = HashMap::new();
    let mut guards = Vec::new();
    for (name, routes) in routes {
        let (address, guard) = serve(name, routes).await;
        let key = format!("{}_SERVICE_URL", name.to_uppercase().replace('-', "_"));
        settings.insert(key, format!("http://{address}"));
        guards.push(guard);
    }
    (settings, guards)
}
