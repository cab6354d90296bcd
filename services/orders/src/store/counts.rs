//! In how many orders each product is. The counts of popular products are shared by many buyers, so
//! an order touches them last, and all in one round trip: the transactions that collide are short.

use std::collections::HashSet;

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;

use super::Store;
use super::document::ProductCount;
use crate::error::Error;

impl Store {
    /// One more order of these products, each named once, sorted: MongoDB follows the index on `_id`,
    /// so that two orders that share products meet at the first of them.
    pub(super) async fn count_in(
        &self,
        session: &mut ClientSession,
        product_ids: &[ObjectId],
    ) -> Result<(), Error> {
        let known = self
            .counts
            .update_many(any_of(product_ids), doc! {"$inc": {"orders": 1_i64}})
            .session(&mut *session)
            .await?
            .matched_count;
        if u64::try_from(product_ids.len()).is_ok_and(|all| known == all) {
            return Ok(());
        }
        self.begin_counts(session, product_ids).await
    }

    /// The first order of each product that has no count yet.
    async fn begin_counts(
        &self,
        session: &mut ClientSession,
        product_ids: &[ObjectId],
    ) -> Result<(), Error> {
        let mut cursor = self
            .counts
            .find(any_of(product_ids))
            .session(&mut *session)
            .await?;
        let known: HashSet<ObjectId> = cursor
            .stream(session)
            .map_ok(|count| count.product_id)
            .try_collect()
            .await?;
        let first = product_ids
            .iter()
            .filter(|product_id| !known.contains(product_id))
            .map(|product_id| ProductCount {
                product_id: *product_id,
                orders: 1,
            });
        self.counts.insert_many(first).session(session).await?;
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
