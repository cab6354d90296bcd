//! Each product: its counts add up, and are what its holds say.

use bson::{Document, doc};

use crate::Error;
use crate::databases::{HOLDS, Owner, PRODUCTS};
use crate::fields::{shown, whole};
use crate::finding::{Invariant, Notes};
use crate::sweep::Checker;
use crate::tally::{self, Tally};

pub(crate) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    let products = Tally {
        subjects: "products",
        kind: "product",
        kept: checker.source(Owner::Products, PRODUCTS),
        kept_filter: doc! {},
        kept_fields: doc! {"quantity": 1, "held": 1, "sold": 1, "stocked": 1},
        summed: checker.source(Owner::Products, HOLDS),
        pipeline: |products| {
            let pieces_in = |state: &str| {
                let is_in = doc! {"$eq": ["$state", state]};
                doc! {"$sum": {"$cond": [is_in, "$lines.quantity", 0_i64]}}
            };
            let mut pipeline = vec![doc! {"$match": {"state": {"$in": ["held", "sold"]}}}];
            pipeline.extend(tally::only("lines.productId", products));
            pipeline.push(doc! {"$unwind": "$lines"});
            pipeline.extend(tally::only("lines.productId", products));
            pipeline.push(doc! {"$group": {
                "_id": "$lines.productId",
                "held": pieces_in("held"),
                "sold": pieces_in("sold"),
            }});
            pipeline
        },
        judge,
    };
    tally::check(checker, &products).await
}

fn judge(product: Option<&Document>, holds: Option<&Document>, notes: &mut Notes) {
    let Some(product) = product else {
        let held = shown(holds.and_then(|sums| sums.get("held")));
        let sold = shown(holds.and_then(|sums| sums.get("sold")));
        let what = format!("is not there, and {held} pieces of it are held and {sold} sold");
        notes.note(Invariant::Stock, what);
        return;
    };
    let count = |field: &str| whole(product.get(field));
    let counts = ["quantity", "held", "sold", "stocked"].map(count);
    let [Some(available), Some(held), Some(sold), Some(stocked)] = counts else {
        notes.note(
            Invariant::Stock,
            format!("has counts that are none: {product}"),
        );
        return;
    };
    let adds_up = available + held + sold == stocked;
    notes.demand(adds_up, Invariant::Stock, || {
        format!("has {available} available, {held} held and {sold} sold of {stocked} stocked")
    });
    for (word, pieces) in [("available", available), ("held", held), ("sold", sold)] {
        notes.demand(pieces >= 0, Invariant::Stock, || {
            format!("has {pieces} pieces {word}")
        });
    }
    for (word, pieces) in [("held", held), ("sold", sold)] {
        let by_holds = holds.map_or(Some(0), |sums| whole(sums.get(word)));
        notes.demand(by_holds == Some(pieces), Invariant::Stock, || {
            let by_holds = by_holds.unwrap_or_default();
            format!("counts {pieces} pieces {word}, its holds {by_holds}")
        });
    }
}
