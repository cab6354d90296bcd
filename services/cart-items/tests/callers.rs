//! Who may ask what.

mod support;

use bson::oid::ObjectId;
use reen_chassis::client::{PeerChannel, connect};
use reen_chassis::identity::Identity;
use reen_error::{Code, Failure};
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::cart_items::v1::{
    AddItemRequest, ChangeQuantityRequest, ClearCartRequest, EmptyCartRequest, GetItemRequest,
    ListItemsRequest, PutBackRequest, RemoveItemRequest, RemoveProductsRequest,
    TakeOutBoughtRequest,
};
use reen_testkit::peer;
use secrecy::SecretString;
use url::Url;

use support::{World, acting_for, caller};

const EVERYBODY: [&str; 7] = [
    "gateway",
    "auth",
    "products",
    "cart-items",
    "checkout",
    "orders",
    "events-handler",
];
const FOR_USERS: &[&str] = &["gateway", "checkout"];
const ALLOWED: [(&str, &[&str]); 10] = [
    ("add_item", FOR_USERS),
    ("list_items", FOR_USERS),
    ("get_item", FOR_USERS),
    ("change_quantity", FOR_USERS),
    ("remove_item", FOR_USERS),
    ("clear_cart", FOR_USERS),
    ("remove_products", &["products"]),
    ("take_out_bought", &["events-handler"]),
    ("put_back", &["events-handler"]),
    ("empty_cart", &["events-handler"]),
];

/// Calls every method and answers why each was refused, `None` where it was not.
macro_rules! every_method {
    ($client:expr; $($method:ident($request:expr),)+) => {
        [$((
            stringify!($method),
            $client.clone().$method($request).await.err().map(|status| Failure::from(status).code),
        ),)+]
    };
}

macro_rules! ask_everything {
    ($client:expr) => {
        every_method! { $client;
            add_item(AddItemRequest::default()),
            list_items(ListItemsRequest {}),
            get_item(GetItemRequest::default()),
            change_quantity(ChangeQuantityRequest::default()),
            remove_item(RemoveItemRequest::default()),
            clear_cart(ClearCartRequest {}),
            remove_products(RemoveProductsRequest::default()),
            take_out_bought(TakeOutBoughtRequest::default()),
            put_back(PutBackRequest::default()),
            empty_cart(EmptyCartRequest::default()),
        }
    };
}

#[tokio::test]
async fn each_method_is_for_its_callers_only() {
    let world = World::start().await;
    for process in EVERYBODY {
        let client = caller(process, world.address);
        let asking = async { ask_everything!(client) };
        for (method, refused) in acting_for(ObjectId::new(), asking).await {
            let (_, allowed) = ALLOWED.iter().find(|(name, _)| *name == method).unwrap();
            let is_unknown = refused == Some(Code::UnknownCaller);
            assert_eq!(
                is_unknown,
                !allowed.contains(&process),
                "{process} {method}"
            );
        }
    }
}

#[tokio::test]
async fn nobody_is_served_without_an_identity() {
    let world = World::start().await;
    let url = Url::parse(&format!("http://{}", world.address)).unwrap();
    let anonymous = CartItemsClient::connect(url.to_string()).await.unwrap();
    for (method, refused) in ask_everything!(anonymous) {
        assert_eq!(refused, Some(Code::UnknownCaller), "{method}");
    }
    let secret = SecretString::from("another secret of thirty-two characters");
    let forger = Identity::new("gateway", &secret).unwrap();
    let forged = CartItemsClient::new(connect(&forger, "cart-items", &[url]).unwrap());
    for (method, refused) in ask_everything!(forged) {
        assert_eq!(refused, Some(Code::UnknownCaller), "{method}");
    }
    let to_another: PeerChannel = peer("gateway", "products", world.address);
    let misdirected = CartItemsClient::new(to_another);
    for (method, refused) in ask_everything!(misdirected) {
        assert_eq!(refused, Some(Code::UnknownCaller), "{method}");
    }
}

#[tokio::test]
async fn what_is_a_users_is_for_nobody_who_is_not_signed_in() {
    let world = World::start().await;
    let gateway = caller("gateway", world.address);
    let answers = ask_everything!(gateway);
    let of_users = &answers[..6];
    for (method, refused) in of_users {
        assert_eq!(*refused, Some(Code::Unauthenticated), "{method}");
    }
}
