//! Every query of this service is served by an index.

use bson::oid::ObjectId;
use bson::{Document, doc};
use reen_testkit::{TestDatabase, assert_uses_index};

use super::{counts, creation, history, migrations, schema};
use crate::domain::Status;

#[tokio::test]
async fn every_query_is_served_by_an_index() {
    let database = TestDatabase::fresh();
    let opened = database.migrated(&schema()).await;
    // A collection that is not there has no plans at all.
    let product_counts = opened.collection::<Document>(migrations::PRODUCT_COUNTS);
    product_counts
        .insert_one(doc! {"orders": 1_i64})
        .await
        .unwrap();
    let (user, id) = (ObjectId::new(), ObjectId::new());
    let as_it_comes = Document::new;
    let of_orders = [
        (history::buyer(user), history::newest_first()),
        (history::buyer(user), as_it_comes()),
        (history::seller_to_others(user), history::newest_first()),
        (history::seller_to_others(user), as_it_comes()),
        (
            history::behind(history::buyer(user), Some(id)),
            history::newest_first(),
        ),
        (
            history::behind(history::seller_to_others(user), Some(id)),
            history::newest_first(),
        ),
        (history::bought(user, id), as_it_comes()),
        (history::sold(user, id), as_it_comes()),
        (history::sold_in(user, id, Status::Paid), as_it_comes()),
        (doc! {"_id": id}, as_it_comes()),
        (doc! {"checkoutId": "checkout"}, as_it_comes()),
    ];
    for (filter, sort) in of_orders {
        assert_uses_index(&opened, migrations::ORDERS, filter, sort).await;
    }
    let of_creations = [
        creation::either("checkout", "operation"),
        doc! {"_id": "checkout"},
    ];
    for filter in of_creations {
        assert_uses_index(&opened, migrations::CREATIONS, filter, as_it_comes()).await;
    }
    let products = [user, id];
    let of_counts = [counts::any_of(&products), counts::ordered_ever(&products)];
    for filter in of_counts {
        assert_uses_index(&opened, migrations::PRODUCT_COUNTS, filter, as_it_comes()).await;
    }
}
