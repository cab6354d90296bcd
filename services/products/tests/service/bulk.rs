use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::products::v1::item_outcome::Outcome;
use reen_proto::products::v1::{
    ItemOutcome, ProductChange, RemoveProductsRequest, RemoveProductsResponse,
    UpdateProductsRequest, UpdateProductsResponse,
};
use reen_testkit::{acting_for, body, code};
use tonic::{Response, Status};

use super::support::{Shop, fields, new_price, new_quantity};

const UNKNOWN: &str = "ffffffffffffffffffffffff";

impl Shop {
    async fn update_all(
        &self,
        changes: Vec<ProductChange>,
    ) -> Result<Response<UpdateProductsResponse>, Status> {
        let request = UpdateProductsRequest { changes };
        acting_for(self.seller, self.gateway().update_products(request)).await
    }

    async fn remove_all(
        &self,
        ids: Vec<String>,
    ) -> Result<Response<RemoveProductsResponse>, Status> {
        let request = RemoveProductsRequest { ids };
        acting_for(self.seller, self.gateway().remove_products(request)).await
    }
}

fn failure(outcome: &ItemOutcome) -> (&str, &str) {
    match &outcome.outcome {
        Some(Outcome::Failure(failure)) => (&failure.code, &failure.message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_change_has_its_own_outcome_in_its_place() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hat = shop.stock(5).await;
    let unknown = ProductChange {
        id: UNKNOWN.to_owned(),
        ..new_price(&shirt, 1)
    };
    let malformed = ProductChange {
        id: "hat".to_owned(),
        ..new_price(&shirt, 1)
    };
    let wrong = ProductChange {
        name: Some(String::new()),
        ..new_price(&hat, 0)
    };
    let changes = vec![unknown, new_quantity(&shirt, 7), malformed, wrong];
    let outcomes = body(shop.update_all(changes).await).outcomes;
    assert_eq!(failure(&outcomes[0]).0, "not_found");
    let Some(Outcome::Product(changed)) = &outcomes[1].outcome else {
        panic!("{outcomes:?}");
    };
    assert_eq!((&changed.id, changed.quantity), (&shirt.id, 7));
    assert_eq!(
        (outcomes[2].id.as_str(), failure(&outcomes[2]).0),
        ("hat", "not_found")
    );
    let (code, message) = failure(&outcomes[3]);
    assert_eq!(code, "validation_failed");
    assert!(
        message.contains("name: ") && message.contains("price: "),
        "{message}"
    );
}

#[tokio::test]
async fn a_hundred_changes_are_made_and_paid() {
    let shop = Shop::open().await;
    let mut changes = Vec::new();
    for _each in 0..100 {
        changes.push(new_price(&shop.list("Shirt", 100, 1).await, 200));
    }
    let outcomes = body(shop.update_all(changes.clone()).await).outcomes;
    for (outcome, change) in outcomes.iter().zip(&changes) {
        assert_eq!(outcome.id, change.id);
        assert!(matches!(outcome.outcome, Some(Outcome::Product(_))));
    }
    assert_eq!(shop.ledger.taken(), 100 * 4 + 100 * 4);
}

#[tokio::test]
async fn removals_leave_the_carts_in_one_call() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hat = shop.stock(5).await;
    let hold = shop.hold(&hat, 1).await;
    body(shop.commit(&hold).await);
    let ids = vec![
        UNKNOWN.to_owned(),
        hat.id.clone(),
        "coat".to_owned(),
        shirt.id.clone(),
    ];
    let outcomes = body(shop.remove_all(ids.clone()).await).outcomes;
    let told: Vec<&String> = outcomes.iter().map(|outcome| &outcome.id).collect();
    assert_eq!(told, ids.iter().collect::<Vec<_>>());
    assert_eq!(failure(&outcomes[0]).0, "not_found");
    assert!(matches!(outcomes[1].outcome, Some(Outcome::Removed(_))));
    assert_eq!(failure(&outcomes[2]).0, "not_found");
    assert!(matches!(outcomes[3].outcome, Some(Outcome::Removed(_))));
    assert_eq!(shop.carts.calls().len(), 1);
    assert!(shop.stored(&shirt).await.is_none());
    assert!(shop.is_handed_over(&hat).await);
}

#[tokio::test]
async fn nobody_removes_or_changes_what_is_somebody_elses() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let other = ObjectId::new();
    let request = RemoveProductsRequest {
        ids: vec![shirt.id.clone()],
    };
    let answer = body(acting_for(other, shop.gateway().remove_products(request)).await);
    assert_eq!(failure(&answer.outcomes[0]).0, "not_found");
    let request = UpdateProductsRequest {
        changes: vec![new_price(&shirt, 1)],
    };
    let answer = body(acting_for(other, shop.gateway().update_products(request)).await);
    assert_eq!(failure(&answer.outcomes[0]).0, "not_found");
    assert!(shop.carts.calls().is_empty());
    assert_eq!(shop.piles(&shirt).await, (5, 0, 0));
}

#[tokio::test]
async fn a_bulk_request_has_one_to_a_hundred_different_items() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    assert_eq!(fields(shop.remove_all(Vec::new()).await), ["ids"]);
    let too_many = (0..101).map(|_| ObjectId::new().to_hex()).collect();
    assert_eq!(fields(shop.remove_all(too_many).await), ["ids"]);
    let twice = vec![new_price(&shirt, 1), new_price(&shirt, 2)];
    assert_eq!(fields(shop.update_all(twice).await), ["changes[1]"]);
    assert_eq!(fields(shop.update_all(Vec::new()).await), ["changes"]);
}

#[tokio::test]
async fn while_the_carts_are_away_nothing_is_told_removed() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    shop.carts.be_away(true);
    let answer = shop.remove_all(vec![shirt.id.clone()]).await;
    assert_eq!(code(answer), Code::Unavailable);
    assert!(shop.stored(&shirt).await.is_some());
}
