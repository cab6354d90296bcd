//! Who may ask what.

mod support;

use bson::oid::ObjectId;
use reen_orders::NAME;
use reen_proto::orders::v1::orders_client::OrdersClient;
use reen_proto::orders::v1::{
    ChangeStatusRequest, CountOrdersRequest, CreateOrderRequest, GetOrderRequest,
    ListOrdersRequest, ListSalesRequest, RecordOutsideRefundRequest, RejectRefundRequest,
    RequestRefundRequest, SettleRefundRequest,
};
use reen_testkit::{AccessTable, methods};

use support::{World, one_piece, purchase, withdrawal};

const EVERYBODY: &[&str] = &[
    "gateway",
    "auth",
    "products",
    "cart-items",
    "checkout",
    "orders",
    "events-handler",
    "reen",
];
const GATEWAY: &[&str] = &["gateway"];
const SAGAS: &[&str] = &["events-handler"];

fn access_table(world: &World) -> AccessTable {
    let methods = methods! { OrdersClient;
        list_orders(ListOrdersRequest { limit: 1, ..Default::default() }) => GATEWAY,
        get_order(GetOrderRequest::default()) => GATEWAY,
        list_sales(ListSalesRequest { limit: 1, ..Default::default() }) => GATEWAY,
        change_status(ChangeStatusRequest::default()) => GATEWAY,
        count_orders(CountOrdersRequest::default()) => &["gateway", "products"],
        request_refund(RequestRefundRequest::default()) => &["gateway", "reen"],
        settle_refund(SettleRefundRequest::default()) => SAGAS,
        reject_refund(RejectRefundRequest::default()) => SAGAS,
        record_outside_refund(RecordOutsideRefundRequest::default()) => SAGAS,
        create_order(paid()) => SAGAS,
        withdraw_order(withdrawal("never paid")) => SAGAS,
    };
    AccessTable {
        service: NAME,
        address: world.address,
        processes: EVERYBODY,
        methods,
    }
}

fn paid() -> CreateOrderRequest {
    let lines = one_piece(ObjectId::new(), ObjectId::new());
    purchase("paid", ObjectId::new(), lines)
}

#[tokio::test]
async fn each_method_is_for_its_callers_only() {
    let world = World::start().await;
    let table = access_table(&world);
    table.assert_each_method_is_for_its_callers().await;
}

#[tokio::test]
async fn nobody_is_served_without_an_identity() {
    let world = World::start().await;
    let table = access_table(&world);
    table.assert_only_true_identities_are_served().await;
}

#[tokio::test]
async fn what_is_a_users_is_for_nobody_who_is_not_signed_in() {
    let world = World::start().await;
    let of_users = [
        "list_orders",
        "get_order",
        "list_sales",
        "change_status",
        "request_refund",
    ];
    access_table(&world).assert_need_a_user(&of_users).await;
}
