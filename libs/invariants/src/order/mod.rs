//! Each order for itself: it adds up, its refunds are within it, and it comes from a checkout.

mod documents;
mod judge;
mod refunds;

use std::collections::HashSet;

use bson::{Bson, Document, doc};

pub(crate) use documents::{Order, Refund, RefundStatus};

use crate::databases::{CHECKOUTS, ORDERS, Owner, Source};
use crate::fields::read;
use crate::finding::{Finding, Invariant, Notes, Subject};
use crate::purchase::existing;
use crate::sweep::{Check, Checker, Suspect, judged};
use crate::tally::{self, Doubles, Tally};
use crate::{Error, Terms};

pub(crate) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    let orders = Orders {
        orders: checker.source(Owner::Orders, ORDERS),
        checkouts: checker.source(Owner::Checkout, CHECKOUTS),
        terms: checker.terms,
    };
    checker.sweep(&orders).await?;
    for (field, kind) in [
        ("refunds.id", "refund"),
        ("refunds.stripeRefundId", "Stripe refund"),
    ] {
        let doubles = Doubles::of_field(orders.orders.clone(), field, kind, "orders");
        tally::check_doubles(checker, &doubles).await?;
    }
    tally::check(checker, &ordered_products(checker)).await
}

struct Orders {
    orders: Source,
    checkouts: Source,
    terms: Terms,
}

impl Check for Orders {
    const SUBJECTS: &'static str = "orders";

    fn source(&self) -> Source {
        self.orders.clone()
    }

    async fn look(&self, ids: &[Bson]) -> Result<Vec<Suspect>, Error> {
        let orders = self.orders.by_ids(ids, doc! {}).await?;
        let named = orders.iter().filter_map(|it| it.get_str("checkoutId").ok());
        let checkouts = existing(&self.checkouts, named).await?;
        Ok(judged(orders, |order| self.judge(order, &checkouts)))
    }
}

impl Orders {
    fn judge(&self, order: Document, checkouts: &HashSet<String>) -> Vec<Finding> {
        let order: Order = match read("order", Invariant::OneEnd, order) {
            Ok(order) => order,
            Err(unreadable) => return vec![unreadable],
        };
        let mut notes = Notes::on(Subject::new("order", order.id));
        let is_known = checkouts.contains(&order.checkout_id);
        notes.demand(is_known, Invariant::OneEnd, || {
            format!("is of checkout {}, which is not there", order.checkout_id)
        });
        judge::adds_up(&order, &mut notes);
        refunds::are_within(&order, self.terms, &mut notes);
        notes.into_findings()
    }
}

/// In how many orders each product is, as counted and as it is.
fn ordered_products(checker: &Checker<'_>) -> Tally {
    Tally {
        subjects: "ordered products",
        kind: "product",
        kept: checker.source(Owner::Orders, "product_counts"),
        kept_filter: doc! {},
        kept_fields: doc! {"orders": 1},
        summed: checker.source(Owner::Orders, ORDERS),
        pipeline: |products| {
            let each_once = doc! {"$setUnion": ["$lines.productId", []]};
            let mut pipeline = tally::only("lines.productId", products);
            pipeline.push(doc! {"$project": {"product": each_once}});
            pipeline.push(doc! {"$unwind": "$product"});
            pipeline.extend(tally::only("product", products));
            pipeline.push(doc! {"$group": {"_id": "$product", "orders": {"$sum": 1}}});
            pipeline
        },
        judge: judge::count,
    }
}
