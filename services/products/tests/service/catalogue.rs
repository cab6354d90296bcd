use bson::Document;
use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::paging::v1::position::Key;
use reen_proto::paging::v1::{Keyset, Position};
use reen_proto::products::v1::{
    FindProductsRequest, GetProductRequest, ListProductsRequest, ListProductsResponse,
    ProductChange, SortBy,
};
use reen_testkit::{body, code, eventually};

use super::support::{Shop, fields};

fn everything() -> ListProductsRequest {
    ListProductsRequest {
        limit: 1_000,
        ..ListProductsRequest::default()
    }
}

async fn listed(shop: &Shop, request: ListProductsRequest) -> ListProductsResponse {
    body(shop.gateway().list_products(request).await)
}

async fn names(shop: &Shop, request: ListProductsRequest) -> Vec<String> {
    let page = listed(shop, request).await;
    page.products.into_iter().map(|each| each.name).collect()
}

async fn named(shop: &Shop, name: &str) -> Vec<String> {
    let request = ListProductsRequest {
        name: Some(name.to_owned()),
        sort_by: SortBy::Name.into(),
        ascending: true,
        ..everything()
    };
    names(shop, request).await
}

#[tokio::test]
async fn a_product_is_shown_as_it_was_listed() {
    let shop = Shop::open().await;
    let listed = shop.list(" Shirt ", 1_999, 3).await;
    assert_eq!(listed.name, "Shirt");
    assert_eq!((listed.price_cents, listed.quantity), (1_999, 3));
    assert_eq!(listed.seller_id, shop.seller.to_hex());
    assert!(listed.listed && listed.version == 1);
    let request = GetProductRequest {
        id: listed.id.clone(),
    };
    for reader in ["gateway", "cart-items", "checkout"] {
        let found = body(shop.client(reader).get_product(request.clone()).await);
        assert_eq!(found, listed);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let shop = Shop::open().await;
    for id in ["", "shirt", "ffffffffffffffffffffffff"] {
        let request = GetProductRequest { id: id.to_owned() };
        let answer = shop.gateway().get_product(request).await;
        assert_eq!(code(answer), Code::NotFound);
    }
}

#[tokio::test]
async fn a_hidden_product_is_found_by_id_only() {
    let shop = Shop::open().await;
    let product = shop.stock(5).await;
    let hold = shop.hold(&product, 1).await;
    body(shop.commit(&hold).await);
    body(shop.remove(&product).await);
    let get = GetProductRequest {
        id: product.id.clone(),
    };
    let answer = shop.gateway().get_product(get).await;
    assert_eq!(code(answer), Code::NotFound);
    assert_eq!(listed(&shop, everything()).await.total, 0);
    let unknown = "ffffffffffffffffffffffff".to_owned();
    let find = FindProductsRequest {
        ids: vec![product.id.clone(), unknown, "no id".to_owned()],
    };
    let found = body(shop.client("orders").find_products(find).await);
    assert_eq!(found.products.len(), 1);
    assert!(!found.products[0].listed);
}

#[tokio::test]
async fn a_thousand_products_are_found_at_once_and_no_more() {
    let shop = Shop::open().await;
    let ids = vec!["ffffffffffffffffffffffff".to_owned(); 1_001];
    let most = FindProductsRequest {
        ids: ids[1..].to_vec(),
    };
    assert!(shop.gateway().find_products(most).await.is_ok());
    let too_many = FindProductsRequest { ids };
    assert_eq!(
        fields(shop.gateway().find_products(too_many).await),
        ["ids"]
    );
}

#[tokio::test]
async fn a_part_of_a_name_is_enough_in_any_case() {
    let shop = Shop::open().await;
    for name in ["Blue Shirt", "red SHIRT", "Größe 3.5 (neu)", "a.b", "a*b"] {
        shop.list(name, 100, 1).await;
    }
    assert_eq!(named(&shop, "shirt").await, ["Blue Shirt", "red SHIRT"]);
    assert_eq!(named(&shop, "GRÖSSE").await, [""; 0]);
    assert_eq!(named(&shop, "GRÖß").await, ["Größe 3.5 (neu)"]);
    assert_eq!(named(&shop, "").await.len(), 5);
}

#[tokio::test]
async fn nothing_in_a_name_is_a_pattern() {
    let shop = Shop::open().await;
    for name in [
        "Größe 3.5 (neu)",
        "a.b",
        "a*b",
        "[^x]+$",
        "back\\slash",
        "nul\0",
    ] {
        shop.list(name, 100, 1).await;
    }
    assert_eq!(named(&shop, "3.5 (").await, ["Größe 3.5 (neu)"]);
    assert_eq!(named(&shop, "a.b").await, ["a.b"]);
    assert_eq!(named(&shop, "a*").await, ["a*b"]);
    assert_eq!(named(&shop, "[^x]+$").await, ["[^x]+$"]);
    assert_eq!(named(&shop, "\\").await, ["back\\slash"]);
    assert_eq!(named(&shop, "\0").await, ["nul\0"]);
    assert_eq!(named(&shop, ".*").await, [""; 0]);
    assert_eq!(named(&shop, "\\E(?i)").await, [""; 0]);
}

#[tokio::test]
async fn prices_and_quantities_are_bounded_on_both_sides() {
    let shop = Shop::open().await;
    for (name, price, quantity) in [("a", 100, 5), ("b", 200, 0), ("c", 300, 7)] {
        shop.list(name, price, quantity).await;
    }
    let by_price = ListProductsRequest {
        min_price_cents: Some(100),
        max_price_cents: Some(200),
        ascending: true,
        ..everything()
    };
    assert_eq!(names(&shop, by_price.clone()).await, ["a", "b"]);
    let by_both = ListProductsRequest {
        min_quantity: Some(1),
        ..by_price
    };
    assert_eq!(names(&shop, by_both).await, ["a"]);
    let sold_out = ListProductsRequest {
        max_quantity: Some(0),
        ..everything()
    };
    assert_eq!(names(&shop, sold_out).await, ["b"]);
    let nothing = ListProductsRequest {
        min_price_cents: Some(200),
        max_price_cents: Some(100),
        ..everything()
    };
    assert_eq!(listed(&shop, nothing).await.total, 0);
}

#[tokio::test]
async fn every_order_goes_both_ways() {
    let shop = Shop::open().await;
    for (name, price, quantity) in [("b", 300, 2), ("C", 100, 3), ("a", 200, 1)] {
        shop.list(name, price, quantity).await;
    }
    let orders = [
        (SortBy::Name, ["a", "b", "C"]),
        (SortBy::Price, ["C", "a", "b"]),
        (SortBy::Quantity, ["a", "b", "C"]),
        (SortBy::CreatedAt, ["b", "C", "a"]),
        (SortBy::UpdatedAt, ["b", "C", "a"]),
        (SortBy::Unspecified, ["b", "C", "a"]),
    ];
    for (sort_by, mut expected) in orders {
        for ascending in [true, false] {
            let request = ListProductsRequest {
                sort_by: sort_by.into(),
                ascending,
                ..everything()
            };
            assert_eq!(names(&shop, request).await, expected, "{sort_by:?}");
            expected.reverse();
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let shop = Shop::open().await;
    for _each in 0..7 {
        shop.list("same", 100, 1).await;
    }
    let mut seen = std::collections::HashSet::new();
    for skip in [0, 3, 6, 9] {
        let request = ListProductsRequest {
            sort_by: SortBy::Price.into(),
            limit: 3,
            skip,
            ..ListProductsRequest::default()
        };
        let page = listed(&shop, request).await;
        assert_eq!(page.total, 7);
        assert!(page.products.into_iter().all(|each| seen.insert(each.id)));
    }
    assert_eq!(seen.len(), 7);
}

/// How many are to be had for at most a dollar.
async fn cheap(shop: &Shop) -> i64 {
    let request = ListProductsRequest {
        max_price_cents: Some(100),
        ..everything()
    };
    listed(shop, request).await.total
}

#[tokio::test]
async fn a_total_follows_what_is_listed_changed_and_removed_at_once() {
    let shop = Shop::open().await;
    let lamp = shop.list("lamp", 100, 1).await;
    assert_eq!(cheap(&shop).await, 1);
    let chair = shop.list("chair", 100, 1).await;
    assert_eq!(cheap(&shop).await, 2);
    let dearer = ProductChange {
        id: lamp.id,
        price_cents: Some(200),
        ..ProductChange::default()
    };
    body(shop.update(dearer).await);
    assert_eq!(cheap(&shop).await, 1);
    body(shop.remove(&chair).await);
    assert_eq!(cheap(&shop).await, 0);
}

#[tokio::test]
async fn a_total_follows_what_another_process_lists() {
    let shop = Shop::open().await;
    let lamp = shop.list("lamp", 100, 1).await;
    assert_eq!(cheap(&shop).await, 1);
    let mut copy = shop.stored(&lamp).await.expect("it is listed");
    copy.insert("_id", ObjectId::new());
    let products = shop.database.collection::<Document>("products");
    products.insert_one(copy).await.expect("MongoDB");
    eventually("both are counted", async || {
        (cheap(&shop).await == 2).then_some(())
    })
    .await;
}

/// Products alike in what they are sorted by, so that a page ends between them.
#[tokio::test]
async fn every_order_is_read_from_where_a_page_ended() {
    let shop = Shop::open().await;
    for (name, price, quantity) in [
        ("b", 2, 1),
        ("A", 1, 2),
        ("a", 2, 2),
        ("b", 1, 1),
        ("b", 2, 1),
    ] {
        shop.list(name, price, quantity).await;
    }
    let by = [
        SortBy::Name,
        SortBy::Price,
        SortBy::Quantity,
        SortBy::CreatedAt,
        SortBy::UpdatedAt,
    ];
    for (sort_by, ascending) in by.into_iter().flat_map(|by| [(by, true), (by, false)]) {
        let asked = ListProductsRequest {
            sort_by: sort_by.into(),
            ascending,
            max_price_cents: Some(2),
            ..everything()
        };
        let all = listed(&shop, asked.clone()).await.products;
        let (mut read, mut after) = (Vec::new(), None);
        for length in [2, 2, 1] {
            let page = ListProductsRequest {
                limit: 2,
                keyset: Some(Keyset { after }),
                ..asked.clone()
            };
            let page = listed(&shop, page).await;
            assert_eq!((page.products.len(), page.total), (length, 0));
            read.extend(page.products);
            after = page.next;
        }
        assert_eq!((read, after), (all, None), "{sort_by:?} {ascending}");
    }
}

#[tokio::test]
async fn a_position_of_another_order_is_refused() {
    let shop = Shop::open().await;
    let id = "ffffffffffffffffffffffff".to_owned();
    for (sort_by, key, id) in [
        (SortBy::Price, Some(Key::Text("a".to_owned())), id.clone()),
        (SortBy::Name, Some(Key::Number(1)), id.clone()),
        (SortBy::Name, None, id.clone()),
        (SortBy::Price, Some(Key::Number(1)), "x".to_owned()),
    ] {
        let after = Some(Position { key, id });
        let asked = ListProductsRequest {
            sort_by: sort_by.into(),
            keyset: Some(Keyset { after }),
            ..everything()
        };
        let answer = shop.gateway().list_products(asked).await;
        assert_eq!(fields(answer), ["after"]);
    }
}

#[tokio::test]
async fn an_absurd_page_is_refused_with_every_failing_field() {
    let shop = Shop::open().await;
    let absurd = ListProductsRequest {
        name: Some("a".repeat(1_000_000)),
        limit: 0,
        skip: -1,
        ..ListProductsRequest::default()
    };
    let answer = shop.gateway().list_products(absurd).await;
    assert_eq!(fields(answer), ["limit", "name", "skip"]);
    let far = ListProductsRequest {
        limit: 1_000,
        skip: 10_000_000,
        ..ListProductsRequest::default()
    };
    assert!(listed(&shop, far).await.products.is_empty());
}

#[tokio::test]
async fn only_known_processes_read() {
    let shop = Shop::open().await;
    let get = GetProductRequest::default();
    let answer = shop.client("auth").get_product(get).await;
    assert_eq!(code(answer), Code::UnknownCaller);
    let find = FindProductsRequest::default();
    let answer = shop.client("auth").find_products(find).await;
    assert_eq!(code(answer), Code::UnknownCaller);
    let answer = shop.client("orders").list_products(everything()).await;
    assert_eq!(code(answer), Code::UnknownCaller);
}
