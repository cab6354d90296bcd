use reen_error::{Code, FieldFailure};
use reen_proto::products::v1::{
    CommitHoldRequest, ListStaleHoldsRequest, ReleaseHoldRequest, ReserveStockRequest,
    ReturnStockRequest, StockLine,
};
use reen_proto::time::from_millis;
use reen_testkit::{body, code, own_operation, refusal, saga_operation};

use super::support::{Shop, fields, new_price, reservation};

#[tokio::test]
async fn stock_is_set_aside_as_it_is_now() {
    let shop = Shop::open().await;
    let shirt = shop.list("Shirt", 1_999, 5).await;
    let hat = shop.list("Hat", 500, 1).await;
    let reserved = body(shop.reserve("hold", &[(&shirt, 2), (&hat, 1)]).await);
    assert_eq!(reserved.lines.len(), 2);
    let line = &reserved.lines[0];
    assert_eq!((&line.product_id, line.quantity), (&shirt.id, 2));
    assert_eq!(
        (line.name.as_str(), line.unit_price_cents),
        ("Shirt", 1_999)
    );
    assert_eq!(line.seller_id, shop.seller.to_hex());
    assert_eq!(line.image_url, shirt.image_urls[0]);
    assert_eq!(shop.piles(&shirt).await, (3, 2, 0));
    assert_eq!(shop.piles(&hat).await, (0, 1, 0));
    // What everybody sees has changed.
    let stored = shop.stored(&shirt).await.unwrap();
    assert_eq!(stored.get_i64("version").unwrap(), shirt.version + 1);
}

#[tokio::test]
async fn held_stock_is_sold_and_returned() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hold = shop.hold(&shirt, 2).await;
    for _repeat in 0..2 {
        body(shop.commit(&hold).await);
        assert_eq!(shop.piles(&shirt).await, (3, 0, 2));
    }
    for _repeat in 0..2 {
        body(shop.give_back(&hold).await);
        assert_eq!(shop.piles(&shirt).await, (5, 0, 0));
    }
}

#[tokio::test]
async fn held_stock_is_released_once() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hold = shop.hold(&shirt, 2).await;
    for _repeat in 0..2 {
        body(shop.release(&hold).await);
        assert_eq!(shop.piles(&shirt).await, (5, 0, 0));
    }
}

#[tokio::test]
async fn every_short_line_is_named_and_nothing_is_held() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hat = shop.stock(3).await;
    let gone = shop.stock(3).await;
    body(shop.remove(&gone).await);
    let lines = [(&shirt, 5), (&hat, 4), (&gone, 1)];
    let refused = refusal(shop.reserve("hold", &lines).await);
    assert_eq!(refused.code, Code::InsufficientStock);
    let short = [
        FieldFailure::new(&hat.id, "insufficient_stock", "3 left"),
        FieldFailure::new(&gone.id, "not_found", "there is no such product"),
    ];
    assert_eq!(refused.fields, short);
    assert_eq!(shop.piles(&shirt).await, (5, 0, 0));
    // The refusal left nothing behind: the same hold can be tried with less.
    body(shop.reserve("hold", &[(&shirt, 5), (&hat, 3)]).await);
}

#[tokio::test]
async fn a_reservation_names_each_product_once() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let twice = shop.reserve("hold", &[(&shirt, 1), (&shirt, 0)]).await;
    assert_eq!(fields(twice), ["lines[1].productId", "lines[1].quantity"]);
    assert_eq!(fields(shop.reserve("hold", &[]).await), ["lines"]);
    let malformed = ReserveStockRequest {
        lines: vec![StockLine {
            product_id: "shirt".to_owned(),
            quantity: 1,
        }],
        ..reservation("hold", &[])
    };
    let answer = shop.client("checkout").reserve_stock(malformed).await;
    assert_eq!(fields(answer), ["lines[0].productId"]);
    let endless = ReserveStockRequest {
        expires_at: None,
        hold_id: String::new(),
        ..reservation("hold", &[(&shirt, 1)])
    };
    let answer = shop.client("checkout").reserve_stock(endless).await;
    assert_eq!(fields(answer), ["expiresAt", "holdId"]);
}

#[tokio::test]
async fn a_repeat_is_answered_like_the_first_time() {
    let shop = Shop::open().await;
    let shirt = shop.list("Shirt", 1_000, 2).await;
    let first = body(shop.reserve("hold", &[(&shirt, 2)]).await);
    body(shop.update(new_price(&shirt, 500)).await);
    let again = body(shop.reserve("hold", &[(&shirt, 2)]).await);
    assert_eq!(again, first);
    body(shop.commit("hold").await);
    let after = body(shop.reserve("hold", &[(&shirt, 2)]).await);
    assert_eq!(after, first);
    assert_eq!(shop.piles(&shirt).await, (0, 0, 2));
}

#[tokio::test]
async fn a_hold_belongs_to_its_operation() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    body(shop.reserve("hold", &[(&shirt, 1)]).await);
    let other = ReserveStockRequest {
        operation: own_operation("other"),
        ..reservation("hold", &[(&shirt, 1)])
    };
    let answer = shop.client("checkout").reserve_stock(other).await;
    assert_eq!(fields(answer), ["holdId"]);
    assert_eq!(shop.piles(&shirt).await, (4, 1, 0));
}

#[tokio::test]
async fn what_was_released_before_it_was_reserved_never_will_be() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    body(shop.release("released").await);
    body(shop.release("released").await);
    body(shop.give_back("returned").await);
    for hold in ["released", "returned"] {
        let late = shop.reserve(hold, &[(&shirt, 1)]).await;
        assert_eq!(code(late), Code::OperationVoided);
        assert_eq!(code(shop.commit(hold).await), Code::HoldGone);
    }
    assert_eq!(shop.piles(&shirt).await, (5, 0, 0));
}

#[tokio::test]
async fn what_was_released_is_neither_committed_nor_reserved_again() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hold = shop.hold(&shirt, 2).await;
    body(shop.release(&hold).await);
    assert_eq!(code(shop.commit(&hold).await), Code::HoldGone);
    let again = shop.reserve(&hold, &[(&shirt, 2)]).await;
    assert_eq!(code(again), Code::OperationVoided);
    body(shop.give_back(&hold).await);
    assert_eq!(shop.piles(&shirt).await, (5, 0, 0));
}

#[tokio::test]
async fn what_was_sold_is_returned_but_not_released() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hold = shop.hold(&shirt, 2).await;
    body(shop.commit(&hold).await);
    assert_eq!(code(shop.release(&hold).await), Code::HoldCommitted);
    assert_eq!(shop.piles(&shirt).await, (3, 0, 2));
    body(shop.give_back(&hold).await);
    // Nothing is left to release, and a late commit finds that it was undone.
    body(shop.release(&hold).await);
    assert_eq!(code(shop.commit(&hold).await), Code::OperationVoided);
    assert_eq!(shop.piles(&shirt).await, (5, 0, 0));
}

#[tokio::test]
async fn undoing_a_commit_that_never_came_releases_what_is_held() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hold = shop.hold(&shirt, 2).await;
    body(shop.give_back(&hold).await);
    assert_eq!(code(shop.commit(&hold).await), Code::HoldGone);
    assert_eq!(shop.piles(&shirt).await, (5, 0, 0));
}

#[tokio::test]
async fn committing_what_was_never_held_is_refused() {
    let shop = Shop::open().await;
    assert_eq!(code(shop.commit("nothing").await), Code::HoldGone);
    assert_eq!(fields(shop.commit("").await), ["holdId"]);
}

#[tokio::test]
async fn a_stale_runner_changes_nothing() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hold = shop.hold(&shirt, 2).await;
    let new = ReleaseHoldRequest {
        operation: saga_operation("new", "saga", 2),
        hold_id: "another".to_owned(),
    };
    let mut sagas = shop.client("events-handler");
    body(sagas.release_hold(new).await);
    let operation = saga_operation("old", "saga", 1);
    let hold_id = hold.clone();
    let commit = CommitHoldRequest {
        operation: operation.clone(),
        hold_id: hold_id.clone(),
    };
    assert_eq!(code(sagas.commit_hold(commit).await), Code::StaleEpoch);
    let release = ReleaseHoldRequest {
        operation: operation.clone(),
        hold_id: hold_id.clone(),
    };
    assert_eq!(code(sagas.release_hold(release).await), Code::StaleEpoch);
    let give_back = ReturnStockRequest {
        operation: operation.clone(),
        hold_id,
    };
    assert_eq!(code(sagas.return_stock(give_back).await), Code::StaleEpoch);
    let reserve = ReserveStockRequest {
        operation,
        ..reservation("fresh", &[(&shirt, 1)])
    };
    assert_eq!(code(sagas.reserve_stock(reserve).await), Code::StaleEpoch);
    assert_eq!(shop.piles(&shirt).await, (3, 2, 0));
}

#[tokio::test]
async fn expired_holds_are_told_oldest_first() {
    let shop = Shop::open().await;
    let shirt = shop.stock(10).await;
    for (hold, expires_at) in [("second", 2_000), ("first", 1_000), ("sold", 500)] {
        let expired = ReserveStockRequest {
            expires_at: Some(from_millis(expires_at)),
            ..reservation(hold, &[(&shirt, 1)])
        };
        body(shop.client("checkout").reserve_stock(expired).await);
    }
    body(shop.commit("sold").await);
    shop.hold(&shirt, 1).await;
    body(shop.release("never").await);
    let mut checkout = shop.client("checkout");
    let all = ListStaleHoldsRequest { limit: 1_000 };
    let stale = body(checkout.list_stale_holds(all).await);
    assert_eq!(stale.hold_ids, ["first", "second"]);
    let one = ListStaleHoldsRequest { limit: 1 };
    let stale = body(checkout.list_stale_holds(one).await);
    assert_eq!(stale.hold_ids, ["first"]);
    let none = ListStaleHoldsRequest { limit: 0 };
    assert_eq!(fields(checkout.list_stale_holds(none).await), ["limit"]);
}

#[tokio::test]
async fn only_checkout_and_sagas_touch_the_stock() {
    let shop = Shop::open().await;
    let mut gateway = shop.gateway();
    let reserve = gateway.reserve_stock(reservation("hold", &[])).await;
    assert_eq!(code(reserve), Code::UnknownCaller);
    let commit = gateway.commit_hold(CommitHoldRequest::default()).await;
    assert_eq!(code(commit), Code::UnknownCaller);
    let release = gateway.release_hold(ReleaseHoldRequest::default()).await;
    assert_eq!(code(release), Code::UnknownCaller);
    let give_back = gateway.return_stock(ReturnStockRequest::default()).await;
    assert_eq!(code(give_back), Code::UnknownCaller);
    let mut sagas = shop.client("events-handler");
    let stale = sagas
        .list_stale_holds(ListStaleHoldsRequest { limit: 1 })
        .await;
    assert_eq!(code(stale), Code::UnknownCaller);
    let nameless = CommitHoldRequest {
        operation: None,
        hold_id: "hold".to_owned(),
    };
    assert_eq!(fields(sagas.commit_hold(nameless).await), ["operation"]);
}
