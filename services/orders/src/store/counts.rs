//! In how many orders each product is. The counts of popular products are shared by many buyers, so
//! an order touches them last, and all in one round trip: the transactions that collide are short.

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use reen_mongo::update_each;

use super::Store;
use super::document::{OrderDocument, ProductCount};
use crate::domain::products;
use crate::error::Error;

impl Store {
    /// One more for every product of each order, in the order of the products' ids: two transactions
    /// that share products then meet at the first of them.
    pub(super) async fn count_in(
        &self,
        session: &mut ClientSession,
        orders: &[OrderDocument],
    ) -> Result<(), Error> {
        let mut more: BTreeMap<ObjectId, i64> = BTreeMap::new();
        for product_id in orders.iter().flat_map(|order| products(&order.lines)) {
            *more.entry(product_id).or_default() += 1;
        }
        let counted = more.into_iter().map(|(product_id, orders)| {
            let update = doc! {"$inc": {"orders": orders}};
            doc! {"q": {"_id": product_id}, "u": update, "upsert": true}
        });
        update_each(session, &self.counts, counted.collect()).await?;
        Ok(())
    }

    /// One order less of these products.
    pub(super) async fn count_out(
        &self,
        session: &mut ClientSession,
        product_ids: &[ObjectId],
    ) -> Result<(), Error> {
        self.counts
            .update_many(any_of(product_ids), doc! {"$inc": {"orders": -1_i64}})
            .session(session)
            .await?;
        Ok(())
    }

    /// The counts of these products that are in any order.
    pub(crate) async fn count(&self, product_ids: &[ObjectId]) -> Result<Vec<ProductCount>, Error> {
        let counts = self.counts.find(ordered_ever(product_ids)).await?;
        Ok(counts.try_collect().await?)
    }
}

pub(super) fn any_of(product_ids: &[ObjectId]) -> Document {
    doc! {"_id": {"$in": product_ids.to_vec()}}
}

/// A count whose orders were all withdrawn is as good as none.
pub(super) fn ordered_ever(product_ids: &[ObjectId]) -> Document {
    doc! {"_id": {"$in": product_ids.to_vec()}, "orders": {"$gt": 0}}
}
