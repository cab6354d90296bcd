//! Who may ask what.

mod support;

use bson::oid::ObjectId;
use reen_chassis::client::{PeerChannel, connect};
use reen_chassis::identity::Identity;
use reen_error::{Code, Failure};
use reen_proto::orders::v1::orders_client::OrdersClient;
use reen_proto::orders::v1::{
    ChangeStatusRequest, CountOrdersRequest, GetOrderRequest, ListOrdersRequest, ListSalesRequest,
};
use reen_testkit::peer;
use secrecy::SecretString;
use url::Url;

use support::{World, acting_for, one_piece, purchase, withdrawal};

const EVERYBODY: [&str; 7] = [
    "gateway",
    "auth",
    "products",
    "cart-items",
    "checkout",
    "orders",
    "events-handler",
];
const ALLOWED: [(&str, &[&str]); 7] = [
    ("list_orders", &["gateway"]),
    ("get_order", &["gateway"]),
    ("list_sales", &["gateway"]),
    ("change_status", &["gateway"]),
    ("count_orders", &["gateway", "products"]),
    ("create_order", &["events-handler"]),
    ("withdraw_order", &["events-handler"]),
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
            list_orders(ListOrdersRequest { limit: 1, skip: 0 }),
            get_order(GetOrderRequest::default()),
            list_sales(ListSalesRequest { limit: 1, skip: 0 }),
            change_status(ChangeStatusRequest::default()),
            count_orders(CountOrdersRequest::default()),
            create_order(purchase("paid", ObjectId::new(), one_piece(ObjectId::new(), ObjectId::new()))),
            withdraw_order(withdrawal("never paid")),
        }
    };
}

#[tokio::test]
async fn each_method_is_for_its_callers_only() {
    let world = World::start().await;
    for process in EVERYBODY {
        let client = world.caller(process);
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
    let anonymous = OrdersClient::connect(url.to_string()).await.unwrap();
    for (method, refused) in ask_everything!(anonymous) {
        assert_eq!(refused, Some(Code::UnknownCaller), "{method}");
    }
    let secret = SecretString::from("another secret of thirty-two characters");
    let forger = Identity::new("gateway", &secret).unwrap();
    let forged = OrdersClient::new(connect(&forger, "orders", &[url]).unwrap());
    for (method, refused) in ask_everything!(forged) {
        assert_eq!(refused, Some(Code::UnknownCaller), "{method}");
    }
    let to_another: PeerChannel = peer("gateway", "products", world.address);
    let misdirected = OrdersClient::new(to_another);
    for (method, refused) in ask_everything!(misdirected) {
        assert_eq!(refused, Some(Code::UnknownCaller), "{method}");
    }
}

#[tokio::test]
async fn what_is_a_users_is_for_nobody_who_is_not_signed_in() {
    let world = World::start().await;
    let gateway = world.caller("gateway");
    let answers = ask_everything!(gateway);
    let of_users = &answers[..4];
    for (method, refused) in of_users {
        assert_eq!(*refused, Some(Code::Unauthenticated), "{method}");
    }
}
