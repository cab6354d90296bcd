use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use serde::de::DeserializeOwned;

use super::judge;
use crate::Terms;
use crate::account::of_user;
use crate::purchase::documents::CheckoutState;
use crate::purchase::gather::Purchase;
use crate::purchase::names::{CREATE_ORDER, POST_SALE, step};

const BUYER: ObjectId = ObjectId::from_bytes([1; 12]);
const SELLERS: [ObjectId; 2] = [ObjectId::from_bytes([2; 12]), ObjectId::from_bytes([3; 12])];
const PRODUCT: ObjectId = ObjectId::from_bytes([4; 12]);
const OTHER_PRODUCT: ObjectId = ObjectId::from_bytes([5; 12]);
const CHECKOUT: ObjectId = ObjectId::from_bytes([6; 12]);
const ORDER: ObjectId = ObjectId::from_bytes([7; 12]);

fn read<T: DeserializeOwned>(document: Document) -> T {
    bson::deserialize_from_document(document).unwrap()
}

/// Two pieces of the one at 100, one of the other at 50.
fn lines() -> Vec<Document> {
    let line = |product: ObjectId, seller: ObjectId, price: i64, quantity: i64| {
        doc! {
            "productId": product,
            "sellerId": seller,
            "unitPriceCents": price,
            "quantity": quantity,
            "priceCents": price * quantity,
        }
    };
    vec![
        line(PRODUCT, SELLERS[0], 100, 2),
        line(OTHER_PRODUCT, SELLERS[1], 50, 1),
    ]
}

fn hold(id: &str, state: &str) -> Document {
    doc! {"_id": id, "state": state, "lines": lines()}
}

fn leg(user: ObjectId, amount_cents: i64) -> Bson {
    doc! {"account": of_user(&user.to_hex()), "amountCents": amount_cents}.into()
}

fn posting(id: &str, kind: &str, legs: Vec<Bson>) -> Document {
    doc! {"_id": id, "kind": kind, "legs": legs, "reversed": false, "void": false}
}

/// As it is when all went well.
fn bought() -> Purchase {
    let checkout = CHECKOUT.to_hex();
    let operation = step(&checkout, CREATE_ORDER);
    let legs = vec![leg(BUYER, -250), leg(SELLERS[0], 200), leg(SELLERS[1], 50)];
    let payment = doc! {"intentId": "pi_1"};
    Purchase {
        checkout: read(doc! {
            "_id": CHECKOUT, "userId": BUYER, "state": "completed", "lines": lines(),
            "totalCents": 250_i64, "payment": payment, "orderId": ORDER.to_hex(),
            "operations": ["a", "b"], "updatedAt": DateTime::from_millis(0),
        }),
        orders: vec![read(doc! {
            "_id": ORDER, "checkoutId": &checkout, "operationId": &operation, "userId": BUYER,
            "totalCents": 250_i64, "status": "paid", "lines": lines(),
            "sellerIds": SELLERS.to_vec(),
        })],
        creation: Some(read(doc! {"operationId": operation, "orderId": ORDER})),
        hold: Some(read(hold(&checkout, "sold"))),
        late_hold: None,
        sale: Some(read(posting(&step(&checkout, POST_SALE), "sale", legs))),
        refund_postings: [].into(),
        counted: Some(read(doc! {
            "buyerId": BUYER, "sellerIds": SELLERS.to_vec(), "forgotten": false,
        })),
        taken: Some(read(doc! {"undone": false})),
        saga: Some(read(
            doc! {"status": "done", "state": {"payment_intent_id": "pi_1"}},
        )),
    }
}

/// As it is when it came to nothing after the sale was posted.
fn undone() -> Purchase {
    let mut purchase = bought();
    purchase.checkout.state = CheckoutState::Refunded;
    purchase.checkout.order_id = None;
    purchase.checkout.refund_id = Some("re_1".to_owned());
    purchase.orders.clear();
    purchase.creation = Some(read(doc! {"operationId": "a"}));
    purchase.hold = Some(read(hold(&CHECKOUT.to_hex(), "returned")));
    purchase.sale.as_mut().unwrap().reversed = true;
    purchase.counted.as_mut().unwrap().forgotten = true;
    purchase.taken.as_mut().unwrap().undone = true;
    let state = doc! {"payment_intent_id": "pi_1", "refund_id": "re_1"};
    purchase.saga = Some(read(doc! {"status": "compensated", "state": state}));
    purchase
}

/// As it is before it is paid.
fn open() -> Purchase {
    let mut purchase = bought();
    purchase.checkout.state = CheckoutState::Open;
    purchase.checkout.order_id = None;
    purchase.checkout.payment = None;
    purchase.hold = Some(read(hold(&CHECKOUT.to_hex(), "held")));
    purchase.orders.clear();
    (purchase.creation, purchase.sale, purchase.saga) = (None, None, None);
    (purchase.counted, purchase.taken) = (None, None);
    purchase
}

fn refund(status: &str, restock: bool, shares: [i64; 2]) -> Document {
    let share = |(seller, cents)| doc! {"sellerId": seller, "amountCents": cents};
    doc! {
        "id": "r1", "amountCents": shares[0] + shares[1], "status": status, "restock": restock,
        "shares": SELLERS.into_iter().zip(shares).map(share).collect::<Vec<_>>(),
        "at": DateTime::now(),
    }
}

/// A purchase of which money went back after the order was made.
fn refunded(shares: [i64; 2], restock: bool) -> Purchase {
    let mut purchase = bought();
    purchase.orders[0].refunds = vec![read(refund("done", restock, shares))];
    let [one, other] = shares;
    let legs = vec![
        leg(BUYER, one + other),
        leg(SELLERS[0], -one),
        leg(SELLERS[1], -other),
    ];
    let posted = read(posting("refund", "refund", legs));
    purchase.refund_postings = [("r1".to_owned(), posted)].into();
    purchase
}

fn findings(purchase: &Purchase) -> Vec<String> {
    let findings = judge(purchase, Terms::at_work());
    findings.into_iter().map(|finding| finding.what).collect()
}

#[track_caller]
fn assert_only(purchase: &Purchase, says: &str) {
    let found = findings(purchase);
    let is_it = found.len() == 1 && found[0].contains(says);
    assert!(is_it, "{says:?} is not what is found: {found:#?}");
}

#[test]
fn every_right_end_is_right() {
    let none: Vec<String> = Vec::new();
    for right in [bought(), undone(), open(), refunded([30, 0], false)] {
        assert_eq!(findings(&right), none);
    }
    let mut late = bought();
    late.late_hold = late.hold.take();
    late.late_hold.as_mut().unwrap().id.push_str("/late");
    late.hold = Some(read(doc! {"_id": "h", "state": "released", "lines": []}));
    assert_eq!(findings(&late), none);
    let mut restocked = refunded([200, 50], true);
    restocked.hold = Some(read(hold(&CHECKOUT.to_hex(), "returned")));
    assert_eq!(findings(&restocked), none);
}

#[test]
fn who_buys_of_themselves_pays_and_gains() {
    let mut own = bought();
    let order = &mut own.orders[0];
    order.user_id = SELLERS[0];
    own.checkout.user_id = SELLERS[0];
    own.counted.as_mut().unwrap().buyer_id = Some(SELLERS[0]);
    let legs = vec![
        leg(SELLERS[0], -250),
        leg(SELLERS[0], 200),
        leg(SELLERS[1], 50),
    ];
    own.sale = Some(read(posting("s", "sale", legs)));
    assert_eq!(findings(&own), Vec::<String>::new());
    let legs = vec![leg(SELLERS[0], -50), leg(SELLERS[1], 50)];
    own.sale = Some(read(posting("s", "sale", legs)));
    assert_only(&own, "of other amounts than its order");
}

#[test]
fn a_refund_is_posted_once_it_is_done_and_only_then() {
    let mut unposted = refunded([30, 0], false);
    let posted = unposted.refund_postings.remove("r1").unwrap();
    assert_only(&unposted, "that is done and not posted");

    let mut rejected = bought();
    rejected.orders[0].refunds = vec![read(refund("rejected", false, [30, 0]))];
    assert_eq!(findings(&rejected), Vec::<String>::new());
    rejected.refund_postings = [("r1".to_owned(), posted)].into();
    assert_only(&rejected, "was rejected and is posted");

    let mut other_seller = refunded([30, 0], false);
    other_seller.orders[0].refunds = vec![read(refund("done", false, [0, 30]))];
    assert_only(&other_seller, "posted with other amounts");
}

#[test]
fn stock_goes_back_when_a_refund_says_so_and_only_then() {
    let kept = refunded([200, 50], true);
    assert_only(&kept, "whose stock was to go back");
    let mut given_back = refunded([200, 50], false);
    given_back.hold = Some(read(hold(&CHECKOUT.to_hex(), "returned")));
    assert_only(&given_back, "no stock was sold for it");
}

#[test]
fn an_order_that_was_undone_leaves_nothing() {
    let mut sold = undone();
    sold.sale.as_mut().unwrap().reversed = false;
    assert_only(&sold, "stands in the ledger");
    let mut counted = undone();
    counted.counted.as_mut().unwrap().forgotten = false;
    assert_only(&counted, "was counted as a purchase");
    let mut taken = undone();
    taken.taken.as_mut().unwrap().undone = false;
    assert_only(&taken, "not put back into the cart");
    let mut kept = undone();
    kept.creation = Some(read(doc! {"operationId": "a", "orderId": ORDER}));
    assert_only(&kept, "the record of an order that is not there");
    let mut held = undone();
    held.hold = Some(read(hold(&CHECKOUT.to_hex(), "held")));
    assert_only(&held, "still holds stock");
}

#[test]
fn a_void_posting_is_none() {
    let mut void = undone();
    void.sale = Some(read(doc! {
        "_id": "s", "kind": "sale", "legs": [], "reversed": false, "void": true,
    }));
    assert_eq!(findings(&void), Vec::<String>::new());
    let mut unposted = bought();
    unposted.sale = void.sale;
    assert_only(&unposted, "has an order, and no sale in the ledger");
}

#[test]
fn stock_that_is_held_for_later_is_held_once() {
    let mut twice = open();
    twice.late_hold = Some(read(hold(&format!("{}/late", CHECKOUT.to_hex()), "held")));
    assert_only(&twice, "still holds stock");
}

#[test]
fn a_payment_that_nobody_is_at_is_found() {
    let mut lost = open();
    lost.checkout.state = CheckoutState::Paid;
    lost.checkout.payment = bought().checkout.payment;
    lost.hold = Some(read(hold(&CHECKOUT.to_hex(), "released")));
    assert_only(&lost, "neither an order nor refunded; no saga is at it");
}
