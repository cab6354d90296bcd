//! Who may ask what.

mod support;

use reen_cart_items::NAME;
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::cart_items::v1::{
    AddItemRequest, ChangeQuantityRequest, ClearCartRequest, EmptyCartRequest, GetItemRequest,
    ListItemsRequest, PutBackRequest, RemoveItemRequest, RemoveProductsRequest,
    TakeOutBoughtRequest,
};
use reen_testkit::{AccessTable, methods};

use support::World;

const EVERYBODY: &[&str] = &[
    "gateway",
    "auth",
    "products",
    "cart-items",
    "checkout",
    "orders",
    "events-handler",
];
const FOR_USERS: &[&str] = &["gateway", "checkout"];
const SAGAS: &[&str] = &["events-handler"];

fn access_table(world: &World) -> AccessTable {
    let methods = methods! { CartItemsClient;
        add_item(AddItemRequest::default()) => FOR_USERS,
        list_items(ListItemsRequest {}) => FOR_USERS,
        get_item(GetItemRequest::default()) => FOR_USERS,
        change_quantity(ChangeQuantityRequest::default()) => FOR_USERS,
        remove_item(RemoveItemRequest::default()) => FOR_USERS,
        clear_cart(ClearCartRequest {}) => FOR_USERS,
        remove_products(RemoveProductsRequest::default()) => &["products"],
        take_out_bought(TakeOutBoughtRequest::default()) => SAGAS,
        put_back(PutBackRequest::default()) => SAGAS,
        empty_cart(EmptyCartRequest::default()) => SAGAS,
    };
    AccessTable {
        service: NAME,
        address: world.address,
        processes: EVERYBODY,
        methods,
    }
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
        "add_item",
        "list_items",
        "get_item",
        "change_quantity",
        "remove_item",
        "clear_cart",
    ];
    access_table(&world).assert_need_a_user(&of_users).await;
}
