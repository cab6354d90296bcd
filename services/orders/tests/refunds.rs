//! Money that goes back: asked for by sellers and operators, or given back at Stripe's side.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use bson::oid::ObjectId;
use bson::{Document, doc};
use reen_error::{Code, Failure};
use reen_messaging::{Delivery, Handler, Queue, Verdict, consume};
use reen_proto::events::v1::RefundRequested;
use reen_proto::orders::v1::{
    Order, RecordOutsideRefundRequest, RecordOutsideRefundResponse, Refund, RefundStatus,
    RejectRefundRequest, RequestRefundRequest, SettleRefundRequest, Status,
};
use reen_testkit::{acting_for, code, in_background, own_operation, refusal, settled};
use tokio::sync::mpsc;

use support::{World, line, purchase};

const QUEUE: &str = reen_proto::events::QUEUE;
const EVENTS: Queue = Queue { name: QUEUE };

/// An order of two sellers: 6.00 and 4.00.
struct Sold {
    world: World,
    order: Order,
    buyer: ObjectId,
    sellers: [ObjectId; 2],
}

impl Sold {
    async fn start() -> Self {
        let world = World::start().await;
        let (buyer, sellers) = (ObjectId::new(), [ObjectId::new(), ObjectId::new()]);
        let lines = [(sellers[0], 600), (sellers[1], 400)];
        let lines = lines.map(|(seller, cents)| line(ObjectId::new(), seller, cents, 1));
        let order = world.created(purchase("paid", buyer, lines.into())).await;
        Self {
            world,
            order,
            buyer,
            sellers,
        }
    }

    /// What asks for all that is left under an id of its own.
    fn wish(&self) -> RequestRefundRequest {
        RequestRefundRequest {
            order_id: self.order.id.clone(),
            refund_id: ObjectId::new().to_hex(),
            reason: "scratched".to_owned(),
            ..RequestRefundRequest::default()
        }
    }

    fn part(&self, amount_cents: i64) -> RequestRefundRequest {
        RequestRefundRequest {
            amount_cents: Some(amount_cents),
            ..self.wish()
        }
    }

    async fn ask(&self, user: ObjectId, wish: RequestRefundRequest) -> Result<Refund, Failure> {
        let mut gateway = self.world.caller("gateway");
        settled(acting_for(user, gateway.request_refund(wish)).await)
    }

    async fn ask_as_operator(&self, mut wish: RequestRefundRequest) -> Result<Refund, Failure> {
        wish.as_operator = true;
        settled(self.world.caller("reen").request_refund(wish).await)
    }

    async fn settle(&self, refund_id: &str, stripe_id: &str) -> Result<Order, Failure> {
        let settlement = SettleRefundRequest {
            operation: own_operation(&format!("settle {refund_id}")),
            order_id: self.order.id.clone(),
            refund_id: refund_id.to_owned(),
            stripe_refund_id: stripe_id.to_owned(),
        };
        let mut sagas = self.world.caller("events-handler");
        let settled = settled(sagas.settle_refund(settlement).await)?;
        Ok(settled.order.unwrap())
    }

    async fn reject(&self, refund_id: &str) -> Result<(), Failure> {
        let rejection = RejectRefundRequest {
            operation: own_operation(&format!("reject {refund_id}")),
            order_id: self.order.id.clone(),
            refund_id: refund_id.to_owned(),
            why: "nothing is left".to_owned(),
        };
        let mut sagas = self.world.caller("events-handler");
        settled(sagas.reject_refund(rejection).await).map(drop)
    }

    async fn record(
        &self,
        stripe_id: &str,
        amount_cents: i64,
    ) -> Result<RecordOutsideRefundResponse, Failure> {
        let made = RecordOutsideRefundRequest {
            operation: own_operation(&format!("record {stripe_id}")),
            checkout_id: self.order.checkout_id.clone(),
            stripe_refund_id: stripe_id.to_owned(),
            amount_cents,
        };
        let mut sagas = self.world.caller("events-handler");
        settled(sagas.record_outside_refund(made).await)
    }

    async fn now(&self) -> Order {
        self.world.read(self.buyer, &self.order.id).await
    }

    /// Everything that was published about refunds until the last one of `expected`, each once.
    async fn published(&self, expected: usize) -> Vec<RefundRequested> {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let broker = self.world.broker.open().await;
        let noting = Arc::new(Noting(sender));
        let _running = in_background(|stop| consume(broker, EVENTS, 8, noting, stop));
        let mut published = Vec::new();
        while published.len() < expected {
            published.push(receiver.recv().await.unwrap());
        }
        published
    }

    /// How many messages wait to be published.
    async fn waiting(&self) -> u64 {
        let outbox = self.world.database.collection::<Document>("outbox");
        outbox.count_documents(doc! {}).await.unwrap()
    }
}

struct Noting(mpsc::UnboundedSender<RefundRequested>);

#[async_trait]
impl Handler for Noting {
    async fn handle(&self, delivery: Delivery) -> Verdict {
        self.0.send(delivery.decode().unwrap()).unwrap();
        Verdict::Done
    }
}

fn shares(refund: &Refund) -> Vec<(&str, i64)> {
    let shares = refund.shares.iter();
    shares
        .map(|share| (share.seller_id.as_str(), share.amount_cents))
        .collect()
}

#[tokio::test]
async fn a_seller_asks_for_a_part_and_it_is_told_once() {
    let sold = Sold::start().await;
    let [seller, _] = sold.sellers;
    let wish = sold.part(250);
    let refund = sold.ask(seller, wish.clone()).await.unwrap();
    assert_eq!(refund.status(), RefundStatus::Pending);
    assert_eq!(shares(&refund), [(seller.to_hex().as_str(), 250)]);
    assert_eq!(
        (refund.order_id.as_str(), refund.reason.as_str()),
        (&*sold.order.id, "scratched")
    );
    for _ in 0..3 {
        assert_eq!(sold.ask(seller, wish.clone()).await.unwrap(), refund);
    }
    let order = sold.now().await;
    assert_eq!(order.refunds, std::slice::from_ref(&refund));
    assert_eq!((order.status(), order.refunded_cents), (Status::Paid, 0));

    // The second one is published last, so a repeat of the first would be before it.
    let second = sold.ask(seller, sold.part(50)).await.unwrap();
    let told = sold.published(2).await;
    assert_eq!(told[0].refund_id, refund.id);
    assert_eq!(told[1].refund_id, second.id);
    assert_eq!(told[0].order_id, sold.order.id);
    assert_eq!(told[0].checkout_id, sold.order.checkout_id);
    assert_eq!(told[0].buyer_id, sold.buyer.to_hex());
    assert_eq!((told[0].amount_cents, told[0].restock), (250, false));
    assert_eq!(told[0].parts[0].amount_cents, 250);
    assert_eq!(sold.waiting().await, 0);
}

#[tokio::test]
async fn an_operator_asks_for_everything_and_it_is_settled() {
    let sold = Sold::start().await;
    let wish = RequestRefundRequest {
        restock: true,
        ..sold.wish()
    };
    let refund = sold.ask_as_operator(wish).await.unwrap();
    assert_eq!((refund.amount_cents, refund.restock), (1_000, true));
    assert_eq!(refund.shares.len(), 2);
    for _ in 0..2 {
        let order = sold.settle(&refund.id, "re_1").await.unwrap();
        assert_eq!(
            (order.status(), order.refunded_cents),
            (Status::Refunded, 1_000)
        );
        assert_eq!(order.refunds[0].status(), RefundStatus::Done);
        assert_eq!(order, sold.now().await);
    }
    let other = sold.settle(&refund.id, "re_2").await;
    assert_eq!(code(other), Code::IllegalTransition);
    let [seller, _] = sold.sellers;
    let moved = sold
        .world
        .change_status(seller, &sold.order.id, Status::Processing);
    assert_eq!(code(moved.await), Code::IllegalTransition);
}

#[tokio::test]
async fn nobody_gives_back_more_than_is_left() {
    let sold = Sold::start().await;
    let [seller, other] = sold.sellers;
    let refused = sold.ask(seller, sold.part(601)).await;
    assert_eq!(code(refused), Code::RefundExceedsPayment);
    sold.ask(seller, sold.part(500)).await.unwrap();
    let refused = sold.ask(seller, sold.part(101)).await;
    assert_eq!(code(refused), Code::RefundExceedsPayment);
    sold.ask(other, sold.wish()).await.unwrap();
    let rest = sold.ask_as_operator(sold.wish()).await.unwrap();
    assert_eq!(shares(&rest), [(seller.to_hex().as_str(), 100)]);
    let nothing = sold.ask_as_operator(sold.wish()).await;
    assert_eq!(code(nothing), Code::RefundExceedsPayment);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_ask_for_the_last_of_it_at_once_one_gets_it() {
    let sold = Sold::start().await;
    let [seller, _] = sold.sellers;
    let racing = (0..12).map(|_| sold.ask(seller, sold.part(400)));
    let answers = futures::future::join_all(racing).await;
    let (given, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((given.len(), refused.len()), (1, 11));
    for refused in refused {
        assert_eq!(code(refused), Code::RefundExceedsPayment);
    }
    assert_eq!(sold.now().await.refunds.len(), 1);
}

#[tokio::test]
async fn what_stripe_would_not_give_back_is_free_again() {
    let sold = Sold::start().await;
    let refund = sold.ask_as_operator(sold.wish()).await.unwrap();
    for _ in 0..2 {
        sold.reject(&refund.id).await.unwrap();
    }
    let late = sold.settle(&refund.id, "re_1").await;
    assert_eq!(code(late), Code::IllegalTransition);
    let order = sold.now().await;
    assert_eq!(order.refunds[0].status(), RefundStatus::Rejected);
    assert_eq!((order.status(), order.refunded_cents), (Status::Paid, 0));
    let again = sold.ask_as_operator(sold.wish()).await.unwrap();
    assert_eq!(again.amount_cents, 1_000);
}

#[tokio::test]
async fn an_outside_refund_is_borne_in_proportion_and_counts_once() {
    let sold = Sold::start().await;
    let first = sold.record("re_1", 101).await.unwrap();
    for _ in 0..3 {
        assert_eq!(sold.record("re_1", 101).await.unwrap(), first);
    }
    let refund = first.refund.unwrap();
    assert_eq!(
        (refund.id.as_str(), refund.status()),
        ("re_1", RefundStatus::Done)
    );
    let [six, four] = sold.sellers.map(|seller| seller.to_hex());
    let mut borne = shares(&refund);
    borne.sort_by_key(|(_, cents)| -cents);
    assert_eq!(borne, [(six.as_str(), 61), (four.as_str(), 40)]);
    let rest = sold.record("re_2", 899).await.unwrap().order.unwrap();
    assert_eq!(
        (rest.status(), rest.refunded_cents),
        (Status::Refunded, 1_000)
    );
    let too_much = sold.record("re_3", 1).await;
    assert_eq!(code(too_much), Code::RefundExceedsPayment);
}

#[tokio::test]
async fn an_outside_refund_waits_for_what_stands_in_its_way() {
    let sold = Sold::start().await;
    let asked = sold.ask_as_operator(sold.wish()).await.unwrap();
    assert_eq!(code(sold.record("re_1", 1_000).await), Code::Unavailable);
    sold.reject(&asked.id).await.unwrap();
    let order = sold.record("re_1", 1_000).await.unwrap().order.unwrap();
    assert_eq!(order.status(), Status::Refunded);
}

#[tokio::test]
async fn an_order_is_not_found_for_anybody_but_its_sellers_and_operators() {
    let sold = Sold::start().await;
    for stranger in [sold.buyer, ObjectId::new()] {
        assert_eq!(code(sold.ask(stranger, sold.wish()).await), Code::NotFound);
    }
    for nobodys in [&*ObjectId::new().to_hex(), "not an id", ""] {
        let wish = RequestRefundRequest {
            order_id: nobodys.to_owned(),
            ..sold.wish()
        };
        assert_eq!(code(sold.ask_as_operator(wish).await), Code::NotFound);
    }
    assert_eq!(code(sold.settle("66f0", "re_1").await), Code::NotFound);
    assert_eq!(code(sold.reject("66f0").await), Code::NotFound);
    let other = Sold {
        order: Order {
            checkout_id: "never paid".to_owned(),
            ..sold.order.clone()
        },
        ..sold
    };
    assert_eq!(code(other.record("re_1", 1).await), Code::NotFound);
}

#[tokio::test]
async fn an_id_is_one_refund_of_one_order() {
    let sold = Sold::start().await;
    let wish = sold.part(100);
    sold.ask_as_operator(wish.clone()).await.unwrap();
    let lines = vec![line(ObjectId::new(), sold.sellers[0], 500, 1)];
    let second = purchase("second", sold.buyer, lines);
    let second = sold.world.created(second).await;
    let others = [
        RequestRefundRequest {
            amount_cents: Some(101),
            ..wish.clone()
        },
        RequestRefundRequest {
            reason: "late".to_owned(),
            ..wish.clone()
        },
        RequestRefundRequest {
            order_id: second.id,
            ..wish
        },
    ];
    for other in others {
        let refused = refusal(sold.ask_as_operator(other).await);
        assert_eq!(refused.code, Code::ValidationFailed);
        assert_eq!(
            (&*refused.fields[0].field, &*refused.fields[0].code),
            ("refundId", "taken")
        );
    }
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let sold = Sold::start().await;
    let wrong = RequestRefundRequest {
        refund_id: "7".to_owned(),
        amount_cents: Some(0),
        reason: "x".repeat(501),
        ..sold.wish()
    };
    let refused = refusal(sold.ask_as_operator(wrong).await);
    let fields: Vec<_> = refused.fields.iter().map(|each| &*each.field).collect();
    assert_eq!(fields, ["refundId", "amountCents", "reason"]);
    let half = RequestRefundRequest {
        restock: true,
        ..sold.part(999)
    };
    let refused = refusal(sold.ask_as_operator(half).await);
    assert_eq!(refused.fields[0].field, "restock");
    assert_eq!(code(sold.record("", 1).await), Code::ValidationFailed);
    assert_eq!(code(sold.record("re_1", 0).await), Code::ValidationFailed);
}

#[tokio::test]
async fn a_stale_runner_changes_nothing() {
    let sold = Sold::start().await;
    let refund = sold.ask_as_operator(sold.wish()).await.unwrap();
    let operation = |id: &str, epoch| reen_testkit::saga_operation(id, "saga", epoch);
    let mut sagas = sold.world.caller("events-handler");
    let rejection = |epoch| RejectRefundRequest {
        operation: operation("reject", epoch),
        order_id: sold.order.id.clone(),
        refund_id: refund.id.clone(),
        why: String::new(),
    };
    settled(sagas.reject_refund(rejection(2)).await).unwrap();
    assert_eq!(
        code(settled(sagas.reject_refund(rejection(1)).await)),
        Code::StaleEpoch
    );
    let settlement = SettleRefundRequest {
        operation: operation("settle", 1),
        order_id: sold.order.id.clone(),
        refund_id: refund.id.clone(),
        stripe_refund_id: "re_1".to_owned(),
    };
    let stale = settled(sagas.settle_refund(settlement).await);
    assert_eq!(code(stale), Code::StaleEpoch);
}
