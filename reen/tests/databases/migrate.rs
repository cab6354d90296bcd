use bson::{DateTime, Document, doc};
use mongodb::IndexModel;
use serde_json::{Value, json};

use crate::support::{Six, type_for_machines, type_in};

fn of<'a>(databases: &'a Value, owner: &str) -> &'a Value {
    let mut each = databases.as_array().unwrap().iter();
    each.find(|database| database["database"] == owner).unwrap()
}

/// With one space between words, however wide the columns are.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_migrations_are_shown_and_applied_those_that_contract_only_when_told() {
    let six = Six::fresh();
    let environment = six.environment();
    let before = type_in(&environment, &["migrate", "status"]).await;
    assert_eq!(before.code, 1, "{before:?}");
    let pending = "auth 2 signing-keys-have-dates expanding pending";
    assert!(squeezed(&before.text).contains(pending), "{}", before.text);
    let needs = "orders: the database of orders has version 0, and this program needs 1: type \
                 `reen migrate up --database orders`";
    assert!(before.text.contains(needs), "{}", before.text);

    let up = type_in(&environment, &["migrate", "up"]).await;
    assert_eq!(up.code, 0, "{up:?}");
    let done = "products 1 law-of-the-stock-and-indexes";
    assert!(squeezed(&up.text).contains(done), "{}", up.text);
    let held_back = "auth: 3 signing-keys-have-no-mark takes away what older programs need";
    assert!(up.text.contains(held_back), "{}", up.text);

    let (code, all) = type_for_machines(&environment, &["migrate", "up", "--contract"]).await;
    assert_eq!((code, &of(&all, "auth")["applied"]), (0, &json!([3])));
    let (code, status) = type_for_machines(&environment, &["migrate", "status"]).await;
    assert_eq!(code, 0, "{status}");
    assert_eq!(of(&status, "auth")["version"], 3);
    assert_eq!(of(&status, "events-handler")["findings"], json!([]));
    let again = type_in(&environment, &["migrate", "up"]).await;
    assert_eq!(
        (again.code, again.text.as_str()),
        (0, "nothing was to be done\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_earlier_version_loses_its_indexes_and_keeps_its_key() {
    let six = Six::fresh();
    let auth = six.open("AUTH_DATABASE_URL").await;
    let keys = auth.collection::<Document>("signing_keys");
    let began = DateTime::from_millis(1_700_000_000_000);
    let key = doc! {"_id": "thumbprint", "current": true, "createdAt": began};
    keys.insert_one(key).await.unwrap();
    let events = six.open("EVENTS_DATABASE_URL").await;
    let sagas = events.collection::<Document>("sagas");
    let newest = IndexModel::builder().keys(doc! {"createdAt": -1}).build();
    sagas.create_index(newest).await.unwrap();

    // One at a time, with the setting of that one alone.
    for (owner, setting) in [
        ("auth", "AUTH_DATABASE_URL"),
        ("events-handler", "EVENTS_DATABASE_URL"),
    ] {
        let mut environment = six.environment();
        environment.retain(|key, _| key == setting);
        let up = ["migrate", "up", "--contract", "--database", owner];
        let said = type_in(&environment, &up).await;
        assert_eq!(said.code, 0, "{said:?}");
        let status = ["migrate", "status", "--database", owner];
        let said = type_in(&environment, &status).await;
        assert_eq!(said.code, 0, "{said:?}");
    }
    let names = sagas.list_index_names().await.unwrap();
    assert!(!names.contains(&"createdAt_-1".to_owned()), "{names:?}");
    let key = keys.find_one(doc! {}).await.unwrap().unwrap();
    let dated = doc! {
        "_id": "thumbprint", "createdAt": began, "generation": 1_i64, "signsFrom": began,
    };
    assert_eq!(key, dated);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_somebody_made_is_shown() {
    let six = Six::fresh();
    let environment = six.environment();
    type_in(&environment, &["migrate", "up", "--contract"]).await;
    let orders = six.open("ORDERS_DATABASE_URL").await;
    let orders = orders.collection::<Document>("orders");
    let by_hand = IndexModel::builder().keys(doc! {"total": 1}).build();
    orders.create_index(by_hand).await.unwrap();
    let status = type_in(&environment, &["migrate", "status", "--database", "orders"]).await;
    assert_eq!(status.code, 1);
    let told = "orders: index orders.total_1 is of no migration";
    assert!(status.text.contains(told), "{}", status.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_missing_are_named() {
    let said = type_in(&[].into(), &["migrate", "status"]).await;
    assert_eq!(said.code, 2);
    assert!(
        said.complaint
            .contains("CART_ITEMS_DATABASE_URL is not set"),
        "{said:?}"
    );
}
