//! What sagas are told of a checkout's payment.

use bson::oid::ObjectId;
use reen_error::{Code, Failure};
use reen_proto::checkout::v1::{
    CompleteCheckoutRequest, FindPaymentRequest, Payment, RecordPaymentRequest, Status,
};
use reen_testkit::{code, settled};

use crate::support::stripe::session_id;
use crate::support::{Shop, operation};

async fn payment_of(
    shop: &Shop,
    caller: &'static str,
    checkout_id: &str,
) -> Result<Payment, Failure> {
    let asked = FindPaymentRequest {
        checkout_id: checkout_id.to_owned(),
    };
    settled(shop.called_by(caller).find_payment(asked).await)
}

#[tokio::test]
async fn a_payment_is_told_as_far_as_it_is() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();
    let told = async || {
        payment_of(&shop, "events-handler", &checkout.id)
            .await
            .unwrap()
    };

    let open = told().await;
    assert_eq!(
        (open.status(), open.payment_intent_id.as_str()),
        (Status::Open, "")
    );
    assert_eq!(open.total_cents, checkout.total_cents);

    let mut sagas = shop.called_by("events-handler");
    let payment = RecordPaymentRequest {
        operation: operation(&checkout.id, "record-payment", 1),
        checkout_id: checkout.id.clone(),
        stripe_session_id: session_id(&checkout),
        payment_intent_id: "pi_1".to_owned(),
        amount_cents: checkout.total_cents,
        currency: checkout.currency.clone(),
    };
    sagas.record_payment(payment).await.unwrap();
    let paid = told().await;
    assert_eq!(
        (paid.status(), paid.payment_intent_id.as_str()),
        (Status::Paid, "pi_1")
    );
    assert_eq!(paid.order_id, None);

    let completion = CompleteCheckoutRequest {
        operation: operation(&checkout.id, "complete-checkout", 1),
        checkout_id: checkout.id.clone(),
        order_id: "o_1".to_owned(),
    };
    sagas.complete_checkout(completion).await.unwrap();
    let completed = told().await;
    assert_eq!(completed.status(), Status::Completed);
    assert_eq!(completed.order_id.as_deref(), Some("o_1"));
}

#[tokio::test]
async fn what_is_none_of_ours_is_not_found_and_only_sagas_may_ask() {
    let shop = Shop::start().await;
    for nobodys in [ObjectId::new().to_hex().as_str(), "order 7", ""] {
        let refused = payment_of(&shop, "events-handler", nobodys).await;
        assert_eq!(code(refused), Code::NotFound);
    }
    let refused = payment_of(&shop, "gateway", &ObjectId::new().to_hex()).await;
    assert_eq!(code(refused), Code::UnknownCaller);
}
