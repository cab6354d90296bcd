use futures::future::join_all;
use reen_error::Code;
use reen_proto::auth::v1::{ForgetPurchaseRequest, RecordPurchaseRequest};
use reen_testkit::{body, code, own_operation, saga_operation};

use crate::support::{Auth, fields, nobody, undoing};

fn purchase(id: &str, buyer_id: &str, seller_ids: &[&str]) -> RecordPurchaseRequest {
    RecordPurchaseRequest {
        operation: own_operation(id),
        buyer_id: buyer_id.to_owned(),
        seller_ids: seller_ids.iter().map(|&id| id.to_owned()).collect(),
    }
}

fn forgetting(id: &str) -> ForgetPurchaseRequest {
    ForgetPurchaseRequest {
        operation: undoing(id),
        purchase_operation_id: id.to_owned(),
    }
}

/// How often a user bought and sold.
async fn counts(auth: &Auth, id: &str) -> (i64, i64) {
    let user = auth.user(id).await;
    (user.purchases_count, user.sales_count)
}

#[tokio::test]
async fn a_purchase_counts_once_for_each_who_took_part() {
    let auth = Auth::start().await;
    let (ada, eve) = (auth.buyer("ada").await, auth.buyer("eve").await);
    let purchase = purchase("buy", &ada, &[&eve, &ada, &eve, &nobody()]);
    let repeats = (0..4).map(|_| {
        let mut sagas = auth.sagas();
        let purchase = purchase.clone();
        async move { body(sagas.record_purchase(purchase).await) }
    });
    join_all(repeats).await;
    assert_eq!(counts(&auth, &ada).await, (1, 1));
    assert_eq!(counts(&auth, &eve).await, (0, 1));
}

#[tokio::test]
async fn a_purchase_is_forgotten_once_and_not_counted_again() {
    let auth = Auth::start().await;
    let (ada, eve) = (auth.buyer("ada").await, auth.buyer("eve").await);
    for id in ["buy", "stay"] {
        body(
            auth.sagas()
                .record_purchase(purchase(id, &ada, &[&eve]))
                .await,
        );
    }
    for _ in 0..2 {
        body(auth.sagas().forget_purchase(forgetting("buy")).await);
    }
    assert_eq!(counts(&auth, &ada).await, (1, 0));
    assert_eq!(counts(&auth, &eve).await, (0, 1));
    let again = auth
        .sagas()
        .record_purchase(purchase("buy", &ada, &[&eve]))
        .await;
    assert_eq!(code(again), Code::OperationVoided);
}

#[tokio::test]
async fn a_purchase_that_was_forgotten_first_is_never_counted() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    for _ in 0..2 {
        body(auth.sagas().forget_purchase(forgetting("buy")).await);
    }
    let late = auth
        .sagas()
        .record_purchase(purchase("buy", &ada, &[]))
        .await;
    assert_eq!(code(late), Code::OperationVoided);
    assert_eq!(counts(&auth, &ada).await, (0, 0));
}

#[tokio::test]
async fn a_stale_runner_counts_nothing() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let of_epoch = |id: &str, epoch| RecordPurchaseRequest {
        operation: saga_operation(id, "saga", epoch),
        ..purchase(id, &ada, &[])
    };
    body(auth.sagas().record_purchase(of_epoch("first", 2)).await);
    let stale = auth.sagas().record_purchase(of_epoch("second", 1)).await;
    assert_eq!(code(stale), Code::StaleEpoch);
    let stale = auth
        .sagas()
        .forget_purchase(ForgetPurchaseRequest {
            operation: saga_operation("undo", "saga", 1),
            purchase_operation_id: "first".to_owned(),
        })
        .await;
    assert_eq!(code(stale), Code::StaleEpoch);
    assert_eq!(counts(&auth, &ada).await, (1, 0));
}

#[tokio::test]
async fn what_is_not_a_purchase_is_refused() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let refused = auth
        .sagas()
        .record_purchase(purchase("buy", "ada", &[]))
        .await;
    assert_eq!(fields(refused)[0].0, "buyerId");
    let refused = auth
        .sagas()
        .record_purchase(purchase("buy", &ada, &["eve"]))
        .await;
    assert_eq!(fields(refused)[0].0, "sellerIds");
    let refused = auth.sagas().forget_purchase(forgetting("")).await;
    assert_eq!(fields(refused)[0].0, "operation");
}
