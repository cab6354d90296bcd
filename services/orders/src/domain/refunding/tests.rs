use bson::DateTime;
use bson::oid::ObjectId;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::domain::{
    Order, OrderLine, OutsideRefund, Refund, RefundRefusal, RefundStatus, Requester, Status, Wish,
};

fn seller(number: u8) -> ObjectId {
    ObjectId::from_bytes([number; 12])
}

/// One line for each price; its seller's number is its place.
fn order(prices: &[i64]) -> Order {
    let line = |(number, price): (usize, &i64)| OrderLine {
        id: ObjectId::new(),
        product_id: ObjectId::new(),
        name: "Lamp".to_owned(),
        seller_id: seller(u8::try_from(number).unwrap()),
        quantity: 1,
        unit_price_cents: *price,
        price_cents: *price,
        image_url: String::new(),
    };
    Order {
        id: ObjectId::new(),
        checkout_id: "checkout".to_owned(),
        user_id: ObjectId::new(),
        total_cents: prices.iter().sum(),
        status: Status::Paid,
        lines: prices.iter().enumerate().map(line).collect(),
        refunds: Vec::new(),
        refunded_cents: 0,
        created_at: DateTime::now(),
        updated_at: DateTime::now(),
    }
}

fn wish(id: &str, requester: Requester, amount_cents: Option<i64>) -> Wish {
    Wish {
        refund_id: id.to_owned(),
        requester,
        amount_cents,
        restock: false,
        reason: String::new(),
    }
}

fn request(order: &mut Order, wish: &Wish) -> Result<Refund, RefundRefusal> {
    order.request_refund(wish, DateTime::now())
}

fn record(order: &mut Order, id: &str, amount_cents: i64) -> Result<Refund, RefundRefusal> {
    let outside = OutsideRefund {
        stripe_refund_id: id.to_owned(),
        amount_cents,
    };
    order.record_outside_refund(&outside, DateTime::now())
}

#[test]
fn a_seller_gives_back_the_own_lines_and_no_more() {
    let mut order = order(&[600, 400]);
    let part = wish("a", Requester::Seller(seller(0)), Some(250));
    let part = request(&mut order, &part).unwrap();
    assert_eq!(part.shares[0].seller_id, seller(0));
    let too_much = wish("b", Requester::Seller(seller(0)), Some(351));
    assert_eq!(request(&mut order, &too_much), Err(RefundRefusal::TooMuch));
    let rest = wish("b", Requester::Seller(seller(0)), None);
    assert_eq!(request(&mut order, &rest).unwrap().amount_cents, 350);
    let nothing = wish("c", Requester::Seller(seller(0)), None);
    assert_eq!(request(&mut order, &nothing), Err(RefundRefusal::TooMuch));
}

#[test]
fn an_operator_gives_back_what_is_left_of_everybody() {
    let mut order = order(&[600, 400]);
    request(&mut order, &wish("a", Requester::Seller(seller(1)), None)).unwrap();
    let rest = request(&mut order, &wish("b", Requester::Operator, None)).unwrap();
    assert_eq!(rest.amount_cents, 600);
    assert_eq!(rest.shares.len(), 1, "who has nothing left bears nothing");
}

#[test]
fn what_was_rejected_can_be_given_back_otherwise() {
    let mut order = order(&[1_000]);
    request(&mut order, &wish("a", Requester::Operator, None)).unwrap();
    order.reject_refund("a", "no").unwrap();
    order.reject_refund("a", "no").unwrap();
    assert_eq!(
        order.settle_refund("a", "re_1"),
        Err(RefundRefusal::EndedOtherwise)
    );
    request(&mut order, &wish("b", Requester::Operator, None)).unwrap();
    order.settle_refund("b", "re_2").unwrap();
    assert_eq!(
        order.reject_refund("b", "no"),
        Err(RefundRefusal::EndedOtherwise)
    );
    assert_eq!(
        (order.status, order.refunded_cents),
        (Status::Refunded, 1_000)
    );
}

#[test]
fn pieces_go_back_with_the_whole_order_only() {
    let mut order = order(&[600, 400]);
    let restocking = |id, amount_cents| Wish {
        restock: true,
        ..wish(id, Requester::Operator, amount_cents)
    };
    for amount_cents in [Some(1), Some(999)] {
        let refused = request(&mut order, &restocking("a", amount_cents));
        assert_eq!(refused, Err(RefundRefusal::NotWhole));
    }
    request(&mut order, &restocking("a", None)).unwrap();
    order.reject_refund("a", "no").unwrap();
    request(&mut order, &wish("b", Requester::Operator, Some(1))).unwrap();
    let refused = request(&mut order, &restocking("c", None));
    assert_eq!(refused, Err(RefundRefusal::NotWhole));
}

#[test]
fn an_id_is_one_refund() {
    let mut order = order(&[1_000]);
    let asked = wish("a", Requester::Operator, Some(300));
    let refund = request(&mut order, &asked).unwrap();
    assert_eq!(request(&mut order, &asked).unwrap(), refund);
    let other = wish("a", Requester::Operator, Some(301));
    assert_eq!(request(&mut order, &other), Err(RefundRefusal::Taken));
    let outside = record(&mut order, "re_1", 300).unwrap();
    assert_eq!(record(&mut order, "re_1", 300).unwrap(), outside);
    assert_eq!(record(&mut order, "re_1", 299), Err(RefundRefusal::Taken));
    assert_eq!(
        order.settle_refund("b", "re_2"),
        Err(RefundRefusal::Unknown)
    );
}

#[test]
fn an_outside_refund_waits_for_those_that_stand_in_its_way() {
    let mut order = order(&[600, 400]);
    request(&mut order, &wish("a", Requester::Seller(seller(0)), None)).unwrap();
    assert_eq!(
        record(&mut order, "re_1", 401),
        Err(RefundRefusal::InTheWay)
    );
    assert_eq!(
        record(&mut order, "re_1", 1_001),
        Err(RefundRefusal::TooMuch)
    );
    order.reject_refund("a", "no").unwrap();
    assert_eq!(record(&mut order, "re_1", 401).unwrap().shares.len(), 2);
}

#[derive(Clone, Debug)]
enum Event {
    Request {
        id: u8,
        requester: Option<u8>,
        cents: Option<i64>,
        restock: bool,
    },
    Settle {
        id: u8,
    },
    Reject {
        id: u8,
    },
    Outside {
        id: u8,
        cents: i64,
    },
}

/// Few ids, so that events repeat and contradict each other.
fn event() -> impl Strategy<Value = Event> {
    let id = 0_u8..5;
    prop_oneof![
        (
            id.clone(),
            prop::option::of(0_u8..4),
            prop::option::of(1_i64..700),
            any::<bool>()
        )
            .prop_map(|(id, requester, cents, restock)| Event::Request {
                id,
                requester,
                cents,
                restock
            }),
        id.clone().prop_map(|id| Event::Settle { id }),
        id.clone().prop_map(|id| Event::Reject { id }),
        (id, 1_i64..700).prop_map(|(id, cents)| Event::Outside { id, cents }),
    ]
}

fn apply(order: &mut Order, event: &Event) -> Result<(), RefundRefusal> {
    match event {
        Event::Request {
            id,
            requester,
            cents,
            restock,
        } => {
            let requester =
                requester.map_or(Requester::Operator, |it| Requester::Seller(seller(it)));
            let wish = Wish {
                restock: *restock,
                ..wish(&id.to_string(), requester, *cents)
            };
            request(order, &wish).map(drop)
        }
        Event::Settle { id } => order.settle_refund(&id.to_string(), &format!("re_{id}")),
        Event::Reject { id } => order.reject_refund(&id.to_string(), "no"),
        Event::Outside { id, cents } => record(order, &format!("re_out_{id}"), *cents).map(drop),
    }
}

fn cents_of(order: &Order, status: RefundStatus) -> i64 {
    let these = order
        .refunds
        .iter()
        .filter(|refund| refund.status == status);
    these.map(|refund| refund.amount_cents).sum()
}

proptest! {
    #[test]
    fn whatever_happens_no_more_goes_back_than_came(
        prices in vec(1_i64..500, 1..4),
        events in vec(event(), 0..20),
    ) {
        let mut order = order(&prices);
        for event in events {
            let before = order.clone();
            if apply(&mut order, &event).is_err() {
                prop_assert_eq!(&order, &before, "a refusal changes nothing");
                continue;
            }
            let once = order.clone();
            prop_assert_eq!(apply(&mut order, &event), Ok(()), "a repeat is the same");
            prop_assert_eq!(&order, &once, "and changes nothing");

            let done = cents_of(&order, RefundStatus::Done);
            let pending = cents_of(&order, RefundStatus::Pending);
            prop_assert!(done + pending <= order.total_cents);
            prop_assert!(order.left().values().all(|left| *left >= 0));
            let left: i64 = order.left().values().sum();
            prop_assert_eq!(left, order.total_cents - done - pending);
            prop_assert_eq!(order.refunded_cents, done);
            let is_refunded = order.status == Status::Refunded;
            prop_assert_eq!(is_refunded, done == order.total_cents);
            prop_assert!(order.refunds.len() >= before.refunds.len(), "none is forgotten");
            for refund in &order.refunds {
                let shares: i64 = refund.shares.iter().map(|share| share.amount_cents).sum();
                prop_assert_eq!(shares, refund.amount_cents);
                prop_assert!(!refund.restock || refund.amount_cents == order.total_cents);
            }
        }
    }
}
