//! Everything that belongs to some checkouts, read so that what sagas did is seen whole.

use std::collections::HashMap;

use bson::{Bson, Document, doc};
use futures::try_join;
use serde::de::DeserializeOwned;

use super::busy;
use super::documents::{Checkout, CountedPurchase, Creation, Hold, PaymentSaga, Posting, Taken};
use super::names::{
    Names, POST_SALE, RECORD_PURCHASE, TAKE_OUT_OF_CART, late_hold, refund_operation, saga_of, step,
};
use crate::Error;
use crate::databases::{
    CHECKOUTS, Databases, HOLDS, ORDERS, Owner, POSTINGS, PURCHASES, SAGAS, Source,
};
use crate::fields::{by_id, id_text, read};
use crate::finding::{Finding, Invariant};
use crate::order::Order;

/// What is there of one purchase.
#[derive(Debug)]
pub(super) struct Purchase {
    pub(super) checkout: Checkout,
    pub(super) orders: Vec<Order>,
    pub(super) creation: Option<Creation>,
    /// The one that was made when the checkout was opened.
    pub(super) hold: Option<Hold>,
    /// The one that was made anew for a late payment.
    pub(super) late_hold: Option<Hold>,
    pub(super) sale: Option<Posting>,
    /// By the id of the refund that each belongs to.
    pub(super) refund_postings: HashMap<String, Posting>,
    pub(super) counted: Option<CountedPurchase>,
    pub(super) taken: Option<Taken>,
    /// That of its payment.
    pub(super) saga: Option<PaymentSaga>,
}

#[derive(Debug)]
pub(super) enum Gathered {
    Settled(Box<Purchase>),
    /// A saga is at it.
    OnItsWay,
    Unreadable(Finding),
}

/// Where the parts of a purchase are.
pub(super) struct Sources {
    pub(super) checkouts: Source,
    orders: Source,
    creations: Source,
    holds: Source,
    postings: Source,
    purchases: Source,
    taken: Source,
    sagas: Source,
}

impl Sources {
    pub(super) fn of(databases: &Databases) -> Self {
        Self {
            checkouts: databases.source(Owner::Checkout, CHECKOUTS),
            orders: databases.source(Owner::Orders, ORDERS),
            creations: databases.source(Owner::Orders, "creations"),
            holds: databases.source(Owner::Products, HOLDS),
            postings: databases.source(Owner::Auth, POSTINGS),
            purchases: databases.source(Owner::Auth, PURCHASES),
            taken: databases.source(Owner::CartItems, "taken"),
            sagas: databases.source(Owner::Events, SAGAS),
        }
    }

    /// What is there of these checkouts.
    ///
    /// First the sagas, then everything else: what a saga that has ended did is there by then, and what
    /// one does that begins meanwhile is settled when it is looked at again.
    pub(super) async fn gather(&self, ids: &[Bson]) -> Result<Vec<(Bson, Gathered)>, Error> {
        let names = self.names(ids).await?;
        let payments = names.sagas_of_payments();
        let (busy, sagas) = try_join!(
            busy::among(&self.sagas, &names),
            self.sagas.by_ids(payments, doc! {"status": 1, "state": 1}),
        )?;
        let mut parts = self.parts(&names).await?;
        parts.sagas = by_id(sagas);
        let checkouts = self.checkouts.by_ids(ids, doc! {}).await?;
        let gathered = checkouts.into_iter().map(|checkout| {
            let id = checkout.get("_id").cloned().unwrap_or(Bson::Null);
            let gathered = match busy.contains(&id_text(Some(&id))) {
                true => Gathered::OnItsWay,
                false => parts
                    .put_together(checkout)
                    .map_or_else(Gathered::Unreadable, |it| Gathered::Settled(Box::new(it))),
            };
            (id, gathered)
        });
        Ok(gathered.collect())
    }

    /// Under which names sagas and services know these purchases.
    async fn names(&self, ids: &[Bson]) -> Result<Names, Error> {
        let of_checkouts: Vec<Bson> = ids.iter().map(|id| id_text(Some(id)).into()).collect();
        let of_orders = doc! {"checkoutId": {"$in": of_checkouts}};
        let (checkouts, orders) = try_join!(
            self.checkouts.by_ids(ids, doc! {"payment.intentId": 1}),
            self.orders
                .find(of_orders, doc! {"checkoutId": 1, "refunds": 1}),
        )?;
        let mut names = Names::default();
        for checkout in &checkouts {
            names.add_checkout(checkout);
        }
        for order in &orders {
            names.add_order(order);
        }
        Ok(names)
    }

    async fn parts(&self, names: &Names) -> Result<Parts, Error> {
        let all = doc! {};
        let of_orders = doc! {"checkoutId": {"$in": names.checkouts()}};
        let (orders, creations, holds, postings, purchases, taken) = try_join!(
            self.orders.find(of_orders, all.clone()),
            self.creations.by_ids(names.checkouts(), all.clone()),
            self.holds.by_ids(names.holds(), all.clone()),
            self.postings.by_ids(names.postings(), all.clone()),
            self.purchases
                .by_ids(names.steps(RECORD_PURCHASE), all.clone()),
            self.taken
                .by_ids(names.steps(TAKE_OUT_OF_CART), all.clone()),
        )?;
        Ok(Parts {
            orders,
            creations: by_id(creations),
            holds: by_id(holds),
            postings: by_id(postings),
            purchases: by_id(purchases),
            taken: by_id(taken),
            sagas: HashMap::new(),
        })
    }
}

/// What was read for a batch.
struct Parts {
    orders: Vec<Document>,
    creations: HashMap<String, Document>,
    holds: HashMap<String, Document>,
    postings: HashMap<String, Document>,
    purchases: HashMap<String, Document>,
    taken: HashMap<String, Document>,
    sagas: HashMap<String, Document>,
}

impl Parts {
    fn put_together(&self, checkout: Document) -> Result<Purchase, Finding> {
        let checkout: Checkout = read("checkout", Invariant::OneEnd, checkout)?;
        let id = checkout.id.to_hex();
        let orders = self.orders_of(&id)?;
        let refunds = orders.iter().flat_map(|order| &order.refunds);
        let mut refund_postings = HashMap::new();
        for refund in refunds {
            let operation = refund_operation(refund);
            let posting = take(&self.postings, &operation, "posting", Invariant::Ledger)?;
            refund_postings.extend(posting.map(|posting| (refund.id.clone(), posting)));
        }
        let step = |name| step(&id, name);
        let late = late_hold(&id);
        Ok(Purchase {
            creation: take(&self.creations, &id, "order of checkout", Invariant::Once)?,
            hold: take(&self.holds, &id, "hold", Invariant::Stock)?,
            late_hold: take(&self.holds, &late, "hold", Invariant::Stock)?,
            sale: take(
                &self.postings,
                &step(POST_SALE),
                "posting",
                Invariant::Ledger,
            )?,
            refund_postings,
            counted: take(
                &self.purchases,
                &step(RECORD_PURCHASE),
                "purchase",
                Invariant::Ledger,
            )?,
            taken: take(
                &self.taken,
                &step(TAKE_OUT_OF_CART),
                "cart",
                Invariant::Once,
            )?,
            saga: take(&self.sagas, &saga_of(&id), "saga", Invariant::OneEnd)?,
            orders,
            checkout,
        })
    }

    fn orders_of(&self, checkout_id: &str) -> Result<Vec<Order>, Finding> {
        let orders = self.orders.iter();
        orders
            .filter(|order| {
                order
                    .get_str("checkoutId")
                    .is_ok_and(|id| id == checkout_id)
            })
            .map(|order| read("order", Invariant::OneEnd, order.clone()))
            .collect()
    }
}

fn take<T: DeserializeOwned>(
    documents: &HashMap<String, Document>,
    id: &str,
    kind: &'static str,
    invariant: Invariant,
) -> Result<Option<T>, Finding> {
    let found = documents.get(id).cloned();
    found
        .map(|document| read(kind, invariant, document))
        .transpose()
}
