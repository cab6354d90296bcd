use bson::{Document, doc};
use reen_invariants::Invariant::Stock;

use super::{Damage, Harm, in_collection, increase, set, stranger};

/// Of five pieces, two are sold and one is held.
pub(super) fn products() -> Vec<Damage> {
    let any = Document::new;
    let moved = |from: &str, to: &str| Harm::Update(doc! {"$inc": {from: -1_i64, to: 1_i64}});
    let stock = |harm, says| (any(), harm, Stock, says);
    in_collection(
        "PRODUCTS",
        "products",
        [
            stock(
                increase("quantity", 1),
                "has 3 available, 1 held and 2 sold of 5 stocked",
            ),
            stock(
                increase("stocked", -1),
                "has 2 available, 1 held and 2 sold of 4 stocked",
            ),
            stock(
                set(doc! {"quantity": -1_i64, "stocked": 2_i64}),
                "has -1 pieces available",
            ),
            stock(
                moved("quantity", "held"),
                "counts 2 pieces held, its holds 1",
            ),
            stock(
                moved("sold", "quantity"),
                "counts 1 pieces sold, its holds 2",
            ),
            stock(set(doc! {"held": "one"}), "has counts that are none"),
            stock(
                Harm::Remove,
                "is not there, and 1 pieces of it are held and 2 sold",
            ),
        ],
    )
}

pub(super) fn holds() -> Vec<Damage> {
    let sold = || doc! {"state": "sold"};
    let held = || doc! {"state": "held"};
    let stock = |filter, harm, says| (filter, harm, Stock, says);
    in_collection(
        "PRODUCTS",
        "holds",
        [
            stock(
                sold(),
                set(doc! {"state": "returned"}),
                "no stock was sold for it",
            ),
            stock(sold(), set(doc! {"state": "gone"}), "cannot be read"),
            stock(sold(), Harm::Remove, "no stock was sold for it"),
            stock(
                sold(),
                increase("lines.0.quantity", 1),
                "over other stock than was agreed",
            ),
            stock(
                sold(),
                Harm::Copy(doc! {"_id": stranger()}),
                "is sold, and of no checkout",
            ),
            stock(
                held(),
                set(doc! {"state": "sold"}),
                "has no order, and the stock of hold",
            ),
        ],
    )
}
