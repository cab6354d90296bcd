//! Invariant 2, as far as the products service knows it: products against their holds.

use bson::{Document, doc};
use reen_mongo::Error;

use crate::documents::{id_in, number, snapshot, sums_by_id};
use crate::{Databases, Invariant, Report};

pub(crate) async fn check(databases: &Databases, report: &mut Report) -> Result<(), Error> {
    let mut session = snapshot(&databases.products).await?;
    let pieces = |state: &str| {
        doc! {"$sum": {"$cond": [{"$eq": ["$state", state]}, "$lines.quantity", 0_i64]}}
    };
    let by_product = vec![
        doc! {"$match": {"state": {"$in": ["held", "sold"]}}},
        doc! {"$unwind": "$lines"},
        doc! {"$group": {
            "_id": "$lines.productId",
            "held": pieces("held"),
            "sold": pieces("sold"),
        }},
    ];
    let holds = sums_by_id(&databases.products, &mut session, "holds", by_product).await?;
    let products = databases.products.collection::<Document>("products");
    let counts = doc! {"quantity": 1, "held": 1, "sold": 1, "stocked": 1};
    let found = products.find(doc! {}).projection(counts);
    let mut found = found.session(&mut session).await?;
    while let Some(product) = found.next(&mut session).await.transpose()? {
        report.products += 1;
        let id = id_in(&product, "_id");
        let none = Document::new();
        judge(&id, &product, holds.get(&id).unwrap_or(&none), report);
    }
    Ok(())
}

fn judge(id: &str, product: &Document, holds: &Document, report: &mut Report) {
    let counts = ["quantity", "held", "sold"].map(|field| number(product, field));
    let [available, held, sold] = counts;
    let stocked = number(product, "stocked");
    if available + held + sold != stocked {
        let what = format!("{available} available + {held} held + {sold} sold is not {stocked}");
        report.add(Invariant::Stock, id, what);
    }
    if counts.iter().any(|count| *count < 0) {
        let what = format!("{available} available, {held} held, {sold} sold");
        report.add(Invariant::Stock, id, what);
    }
    for (field, counted) in [("held", held), ("sold", sold)] {
        let expected = number(holds, field);
        if counted != expected {
            let what = format!("{counted} {field}, but its holds say {expected}");
            report.add(Invariant::Stock, id, what);
        }
    }
}
