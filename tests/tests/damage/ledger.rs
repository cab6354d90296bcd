use bson::{DateTime, Document, doc};
use reen_invariants::Invariant::{Ledger, NothingLost, Once};

use super::{Damage, Harm, in_collection, increase, set, stranger};

pub(super) fn postings() -> Vec<Damage> {
    let sale = || doc! {"kind": "sale", "void": false};
    let opening = || doc! {"kind": "opening"};
    let ledger = |filter: Document, harm, says| (filter, harm, Ledger, says);
    let reversal = doc! {"_id": "r", "kind": "reversal", "reversalOf": "nothing"};
    let mut damages = in_collection(
        "AUTH",
        "postings",
        [
            ledger(
                sale(),
                increase("legs.0.amountCents", 1),
                "has legs that make 1 cents",
            ),
            ledger(
                sale(),
                increase("legs.0.amountCents", 1),
                "of other amounts than its order",
            ),
            ledger(
                sale(),
                increase("legs.0.amountCents", 1),
                "has a balance of",
            ),
            ledger(sale(), set(doc! {"legs": []}), "has no legs"),
            ledger(
                sale(),
                set(doc! {"legs.0.account": "house:gifts"}),
                "which there is not",
            ),
            ledger(sale(), set(doc! {"kind": "gift"}), "of kind \"gift\""),
            ledger(
                sale(),
                set(doc! {"reversed": true}),
                "no posting takes it back",
            ),
            ledger(
                sale(),
                Harm::Remove,
                "has an order, and no sale in the ledger",
            ),
            ledger(sale(), Harm::Copy(reversal), "does not count as taken back"),
            (
                sale(),
                Harm::Copy(doc! {"_id": "b"}),
                Once,
                "that no saga's step posted",
            ),
            (
                opening(),
                Harm::Copy(doc! {"_id": "b"}),
                Once,
                "opens an account under another",
            ),
        ],
    );
    let refund = |id: &str| Harm::Copy(doc! {"_id": id, "kind": "refund"});
    damages.extend(in_collection(
        "AUTH",
        "postings",
        [
            (
                sale(),
                refund("b"),
                Once,
                "is a refund that no saga's step posted",
            ),
            (
                sale(),
                refund("refund-requested:r1/post-refund"),
                Ledger,
                "is refund r1, which no order has",
            ),
        ],
    ));
    let counted = || doc! {"forgotten": false};
    damages.extend(in_collection(
        "AUTH",
        "purchases",
        [
            (
                counted(),
                Harm::Remove,
                Ledger,
                "has an order that was not counted",
            ),
            (
                counted(),
                set(doc! {"sellerIds": []}),
                Ledger,
                "was counted for other users",
            ),
            (
                counted(),
                Harm::Copy(doc! {"_id": "b"}),
                Once,
                "not by its saga's step",
            ),
        ],
    ));
    damages
}

pub(super) fn users() -> Vec<Damage> {
    let buyer = || doc! {"role": "BUYER"};
    let ledger = |harm, says| (buyer(), harm, Ledger, says);
    in_collection(
        "AUTH",
        "users",
        [
            ledger(increase("balanceCents", 1), "has a balance of"),
            ledger(
                increase("amountSpentCents", 1),
                "has an amount spent of 2001 cents",
            ),
            ledger(
                increase("amountGainedCents", 1),
                "has an amount gained of 1 cents",
            ),
            ledger(
                increase("purchasesCount", 1),
                "shows 2 purchases, and 1 were counted",
            ),
            ledger(
                increase("salesCount", 1),
                "shows 1 sales, and 0 were counted",
            ),
            ledger(Harm::Remove, "has postings, and there is no such user"),
        ],
    )
}

pub(super) fn fees() -> Vec<Damage> {
    let any = Document::new;
    let long_ago = DateTime::from_millis(0);
    in_collection(
        "PRODUCTS",
        "listing_fees",
        [
            (any(), increase("amountCents", 1), Ledger, "were charged"),
            (
                any(),
                set(doc! {"state": "undone"}),
                Ledger,
                "is charged all the same",
            ),
            (
                any(),
                Harm::Remove,
                Ledger,
                "is a fee that nobody asked for",
            ),
            (
                any(),
                set(doc! {"state": "owed", "createdAt": long_ago}),
                NothingLost,
                "was left open",
            ),
            (
                any(),
                Harm::Copy(doc! {"_id": stranger()}),
                Ledger,
                "and 0 were charged",
            ),
        ],
    )
}
