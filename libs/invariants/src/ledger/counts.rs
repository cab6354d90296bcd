//! How often users bought and sold, and what was counted.

use bson::{Bson, Document, doc};

use crate::Error;
use crate::databases::{Owner, PURCHASES, USERS};
use crate::fields::{shown, whole};
use crate::finding::{Invariant, Notes};
use crate::sweep::Checker;
use crate::tally::{self, Tally};

pub(super) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    let counts = Tally {
        subjects: "users' counts",
        kind: "user",
        kept: checker.source(Owner::Auth, USERS),
        kept_filter: doc! {},
        kept_fields: doc! {"purchasesCount": 1, "salesCount": 1},
        summed: checker.source(Owner::Auth, PURCHASES),
        pipeline,
        judge,
    };
    tally::check(checker, &counts).await
}

/// One purchase for the buyer, one sale for each seller.
fn pipeline(users: Option<&[Bson]>) -> Vec<Document> {
    let mut standing = doc! {"forgotten": {"$ne": true}};
    if let Some(users) = users {
        let of_any = |field: &str| doc! {field: {"$in": users}};
        standing.insert("$or", vec![of_any("buyerId"), of_any("sellerIds")]);
    }
    let sale = doc! {"user": "$$seller", "purchases": 0_i64, "sales": 1_i64};
    let sellers = doc! {"$setUnion": ["$sellerIds", []]};
    let sales = doc! {"$map": {"input": sellers, "as": "seller", "in": sale}};
    let purchase = doc! {"user": "$buyerId", "purchases": 1_i64, "sales": 0_i64};
    let mut pipeline = vec![
        doc! {"$match": standing},
        doc! {"$project": {"counts": {"$concatArrays": [[purchase], sales]}}},
        doc! {"$unwind": "$counts"},
    ];
    pipeline.extend(tally::only("counts.user", users));
    pipeline.push(doc! {"$group": {
        "_id": "$counts.user",
        "purchases": {"$sum": "$counts.purchases"},
        "sales": {"$sum": "$counts.sales"},
    }});
    pipeline
}

fn judge(user: Option<&Document>, counted: Option<&Document>, notes: &mut Notes) {
    let Some(user) = user else {
        notes.note(
            Invariant::Ledger,
            "has purchases, and there is no such user",
        );
        return;
    };
    for (kept, summed) in [("purchasesCount", "purchases"), ("salesCount", "sales")] {
        let counted = counted.map_or(Some(0), |counts| whole(counts.get(summed)));
        let is_right = counted.is_some() && whole(user.get(kept)) == counted;
        notes.demand(is_right, Invariant::Ledger, || {
            let kept = shown(user.get(kept));
            let counted = counted.unwrap_or_default();
            format!("shows {kept} {summed}, and {counted} were counted")
        });
    }
}
