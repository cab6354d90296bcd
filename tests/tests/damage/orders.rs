use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use reen_invariants::Invariant::{Ledger, NothingLost, Once, OneEnd};

use super::{Damage, Harm, in_collection, increase, set, stranger, unset};

pub(super) fn checkouts() -> Vec<Damage> {
    let completed = || doc! {"state": "completed"};
    let refunded = || doc! {"state": "refunded"};
    let one_end = |filter: Document, harm, says| (filter, harm, OneEnd, says);
    in_collection(
        "CHECKOUT",
        "checkouts",
        [
            one_end(
                completed(),
                set(doc! {"state": "paid"}),
                "is paid and not completed, with order",
            ),
            one_end(
                completed(),
                set(doc! {"state": "refunded"}),
                "is refunded and has order",
            ),
            one_end(
                completed(),
                set(doc! {"state": "expired"}),
                "is expired and has order",
            ),
            one_end(completed(), set(doc! {"state": "lost"}), "cannot be read"),
            one_end(
                completed(),
                set(doc! {"refundId": "re_2"}),
                "has an order, and its payment was refunded",
            ),
            one_end(
                completed(),
                set(doc! {"payment.intentId": "pi_2"}),
                "has payment pi_2 on record",
            ),
            one_end(completed(), unset("payment"), "without a payment on record"),
            one_end(
                completed(),
                unset("orderId"),
                "is completed by order of no id",
            ),
            one_end(completed(), increase("totalCents", 1), "its lines make"),
            one_end(
                completed(),
                increase("lines.0.quantity", 1),
                "over other lines",
            ),
            one_end(
                completed(),
                set(doc! {"userId": ObjectId::new()}),
                "its order belongs to",
            ),
            one_end(completed(), Harm::Remove, "which is not there"),
            one_end(
                refunded(),
                set(doc! {"state": "paid"}),
                "neither an order nor refunded",
            ),
            one_end(
                refunded(),
                set(doc! {"state": "open"}),
                "the saga of its payment is compensated",
            ),
            one_end(
                refunded(),
                unset("refundId"),
                "is refunded without a refund on record",
            ),
            one_end(
                refunded(),
                set(doc! {"refundId": "re_2"}),
                "and has refund re_2 on record",
            ),
            (
                completed(),
                set(doc! {"operations": ["a", "a"]}),
                Once,
                "had an operation of its saga twice",
            ),
            (
                refunded(),
                Harm::Copy(doc! {}),
                Once,
                "is recorded in 2 checkouts",
            ),
        ],
    )
}

pub(super) fn orders() -> Vec<Damage> {
    let any = Document::new;
    let mut damages = in_collection(
        "ORDERS",
        "orders",
        [
            (
                any(),
                Harm::Remove,
                OneEnd,
                "is completed, and there is no order",
            ),
            (any(), increase("totalCents", 1), OneEnd, "its lines make"),
            (any(), increase("lines.0.quantity", 1), OneEnd, "that cost"),
            (
                any(),
                set(doc! {"sellerIds": []}),
                OneEnd,
                "by the sellers of its lines",
            ),
            (
                any(),
                set(doc! {"checkoutId": stranger()}),
                OneEnd,
                "which is not there",
            ),
            (
                any(),
                set(doc! {"operationId": "b"}),
                Once,
                "made by another operation, b",
            ),
        ],
    );
    damages.extend(in_collection(
        "ORDERS",
        "creations",
        [
            (
                doc! {"orderId": {"$exists": true}},
                Harm::Remove,
                Once,
                "without the record of its making",
            ),
            (
                doc! {"orderId": {"$exists": false}},
                set(doc! {"orderId": ObjectId::new(), "operationId": "b"}),
                Once,
                "has the record of an order that is not there",
            ),
        ],
    ));
    damages.extend(in_collection(
        "ORDERS",
        "product_counts",
        [
            (
                any(),
                increase("orders", 1),
                Once,
                "is counted in 2 orders and is in 1",
            ),
            (
                any(),
                Harm::Remove,
                Once,
                "is counted in nothing orders and is in 1",
            ),
        ],
    ));
    damages.extend(in_collection(
        "CART_ITEMS",
        "taken",
        [(
            doc! {"undone": false},
            set(doc! {"undone": true}),
            Once,
            "were not taken out of the cart",
        )],
    ));
    damages
}

/// Of an order of two pieces at 1,000 cents.
pub(super) fn refunds() -> Vec<Damage> {
    let any = Document::new;
    let refunds = |refunds: Vec<Document>, refunded_cents: i64| {
        set(doc! {"refunds": refunds, "refundedCents": refunded_cents})
    };
    let two = vec![refund("r1", 400, "done"), refund("r1", 400, "done")];
    in_collection(
        "ORDERS",
        "orders",
        [
            (any(), refunds(two, 800), Once, "has refund r1 twice"),
            (
                any(),
                refunds(vec![refund("r1", 2_001, "done")], 2_001),
                Once,
                "costs 2000 cents, and its refunds make 2001",
            ),
            (
                any(),
                refunds(vec![refund("r1", 400, "done")], 0),
                Once,
                "says that 0 cents went back, its refunds make 400",
            ),
            (
                any(),
                refunds(vec![refund("r1", 400, "done")], 400),
                Ledger,
                "that is done and not posted",
            ),
            (
                any(),
                refunds(vec![refund("r1", 2_000, "done")], 2_000),
                Once,
                "is not refunded, and 2000 of 2000 cents went back",
            ),
            (
                any(),
                refunds(vec![refund("r1", 400, "pending")], 0),
                NothingLost,
                "has refund r1 of 400 cents, pending for less than a minute",
            ),
            (
                any(),
                set(doc! {"status": "refunded"}),
                Once,
                "is refunded, and 0 of 2000",
            ),
        ],
    )
}

/// Borne by nobody that sold anything, which is a finding of its own.
fn refund(id: &str, amount_cents: i64, status: &str) -> Document {
    doc! {
        "id": id,
        "amountCents": amount_cents,
        "shares": [{"sellerId": ObjectId::new(), "amountCents": amount_cents}],
        "status": status,
        "restock": false,
        "reason": "",
        "at": DateTime::now(),
    }
}
