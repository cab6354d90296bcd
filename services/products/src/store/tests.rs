//! Every query that this store makes is served by an index.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use reen_mongo::Database;
use reen_testkit::{TestDatabase, assert_uses_index};

use super::{catalogue, fees, holds, migrations, removal, schema};
use crate::domain::{Criteria, Place, PlaceKey, Range, Search, Sort, SortField};

const FIELDS: [SortField; 5] = [
    SortField::Name,
    SortField::Price,
    SortField::Quantity,
    SortField::CreatedAt,
    SortField::UpdatedAt,
];
const SOME: Range = Range {
    least: Some(1),
    most: Some(1_000),
};

/// A database with the indexes of the store and a few products, so that plans are weighed.
async fn opened(fresh: &TestDatabase) -> Database {
    let database = fresh.migrated(&schema()).await;
    let product = |n: i64| {
        doc! {
            "name": format!("Product {n}"), "nameFolded": format!("product {n}"),
            "description": "…", "priceCents": 100 + n, "quantity": n, "held": 0_i64,
            "sold": 0_i64, "stocked": n, "imageUrls": [], "sellerId": ObjectId::new(),
            "listed": true, "version": 1_i64,
            "createdAt": DateTime::from_millis(n), "updatedAt": DateTime::from_millis(-n),
        }
    };
    let products = database.collection::<Document>(migrations::PRODUCTS);
    products.insert_many((0..200).map(product)).await.unwrap();
    database
}

fn sorts() -> impl Iterator<Item = Sort> {
    FIELDS
        .into_iter()
        .flat_map(|by| [true, false].map(|ascending| Sort { by, ascending }))
}

#[tokio::test]
async fn every_order_is_an_index() {
    let fresh = TestDatabase::fresh();
    let database = opened(&fresh).await;
    for sort in sorts() {
        let mut criteria = Criteria::default();
        let order = catalogue::in_order(sort);
        let all = catalogue::matching(&criteria);
        assert_uses_index(&database, migrations::PRODUCTS, all, order.clone()).await;
        match sort.by {
            SortField::Name => criteria.name = Some("7".to_owned()),
            SortField::Price => criteria.price_cents = SOME,
            SortField::Quantity => criteria.quantity = SOME,
            SortField::CreatedAt | SortField::UpdatedAt => continue,
        }
        let by_same_field = catalogue::matching(&criteria);
        assert_uses_index(&database, migrations::PRODUCTS, by_same_field, order).await;
    }
}

#[tokio::test]
async fn where_a_page_ended_is_found_by_the_index_of_the_order() {
    let fresh = TestDatabase::fresh();
    let database = opened(&fresh).await;
    for sort in sorts() {
        let key = match sort.by {
            SortField::Name => PlaceKey::Text("product 7".to_owned()),
            SortField::Price | SortField::Quantity => PlaceKey::Number(7),
            SortField::CreatedAt | SortField::UpdatedAt => PlaceKey::Time(DateTime::from_millis(7)),
        };
        let id = ObjectId::new();
        for price_cents in [Range::default(), SOME] {
            let criteria = Criteria {
                price_cents,
                ..Criteria::default()
            };
            let search = Search {
                criteria,
                sort,
                ..Search::default()
            };
            if price_cents.least.is_some() && sort.by != SortField::Price {
                continue;
            }
            let key = key.clone();
            let filter = catalogue::behind(&search, &Place { key, id });
            let order = catalogue::in_order(sort);
            assert_uses_index(&database, migrations::PRODUCTS, filter, order).await;
        }
    }
}

/// What is filtered by one field and sorted by another may have to be sorted in memory: no index has
/// both orders. So this looks at the filter alone, which no other order can make worse than an index.
#[tokio::test]
async fn every_filter_is_bound_by_an_index() {
    let fresh = TestDatabase::fresh();
    let database = opened(&fresh).await;
    for name in [None, Some("7".to_owned())] {
        for price_cents in [Range::default(), SOME] {
            for quantity in [Range::default(), SOME] {
                let criteria = Criteria {
                    name: name.clone(),
                    price_cents,
                    quantity,
                };
                let filter = catalogue::matching(&criteria);
                assert_uses_index(&database, migrations::PRODUCTS, filter, Document::new()).await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_looked_for_by_id_is_found_by_it() {
    let fresh = TestDatabase::fresh();
    let database = opened(&fresh).await;
    let id = ObjectId::new();
    let by_id = [
        doc! {"_id": id, "listed": true},
        doc! {"_id": id, "sellerId": id, "listed": true},
        doc! {"_id": {"$in": [id, ObjectId::new()]}},
        doc! {"_id": {"$in": [id]}, "sellerId": id},
        doc! {"_id": id, "version": 1_i64, "listed": true},
        doc! {"_id": id, "quantity": {"$gte": 1_i64}, "listed": true},
        doc! {"_id": {"$in": [id]}, "removingSince": {"$exists": true}},
    ];
    for filter in by_id {
        assert_uses_index(&database, migrations::PRODUCTS, filter, Document::new()).await;
    }
    let fee = doc! {"_id": "fee", "state": {"$in": ["owed", "reversing"]}};
    assert_uses_index(&database, migrations::LISTING_FEES, fee, Document::new()).await;
    let hold = doc! {"_id": "hold"};
    assert_uses_index(&database, migrations::HOLDS, hold, Document::new()).await;
}

#[tokio::test]
async fn what_is_swept_or_withdrawn_is_an_index() {
    let fresh = TestDatabase::fresh();
    let database = opened(&fresh).await;
    let now = DateTime::now();
    let seller = removal::of_seller(ObjectId::new());
    assert_uses_index(&database, migrations::PRODUCTS, seller, doc! {"_id": 1}).await;
    let oldest = doc! {"removingSince": 1};
    let removing = removal::removing_before(now);
    assert_uses_index(&database, migrations::PRODUCTS, removing, oldest).await;
    let oldest = doc! {"createdAt": 1};
    assert_uses_index(
        &database,
        migrations::LISTING_FEES,
        fees::open_before(now),
        oldest,
    )
    .await;
    let oldest = doc! {"expiresAt": 1};
    assert_uses_index(&database, migrations::HOLDS, holds::held_past(now), oldest).await;
}

#[tokio::test]
async fn the_database_itself_refuses_what_breaks_the_law_of_the_stock() {
    let fresh = TestDatabase::fresh();
    let database = opened(&fresh).await;
    let products = database.collection::<Document>(migrations::PRODUCTS);
    let any = doc! {"nameFolded": "product 7"};
    for broken in [
        doc! {"$inc": {"quantity": 1_i64}},
        doc! {"$inc": {"held": -1_i64, "quantity": 1_i64}},
        doc! {"$inc": {"quantity": -8_i64, "held": 8_i64}},
    ] {
        assert!(products.update_one(any.clone(), broken).await.is_err());
    }
    let moved = doc! {"$inc": {"quantity": -7_i64, "held": 7_i64}};
    assert_eq!(
        products
            .update_one(any, moved)
            .await
            .unwrap()
            .modified_count,
        1
    );
}
