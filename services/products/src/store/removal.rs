use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::{Collection, Transaction};

use super::Store;
use super::document::IdDocument;
use crate::domain::ANONYMOUS_OWNER;
use crate::error::Error;

/// How many products of a leaving seller are hidden at once: few, because the more products a
/// transaction touches, the more buyers it meets.
const AT_ONCE: i64 = 100;

impl Store {
    /// Hides those of the products that belong to the seller, and answers which these are.
    pub(crate) async fn hide(
        &self,
        seller_id: ObjectId,
        ids: &[ObjectId],
    ) -> Result<Vec<ObjectId>, Error> {
        let own = doc! {"_id": {"$in": ids.to_vec()}, "sellerId": seller_id};
        let found = self
            .product_ids()
            .find(own.clone())
            .projection(doc! {"_id": 1})
            .await?;
        let hidden = found.map_ok(|product| product.id).try_collect().await?;
        self.products.update_many(own, hiding()).await?;
        Ok(hidden)
    }

    /// Hides some products of a seller who leaves, and answers which; none when there are no more.
    pub(crate) async fn hide_some(
        &self,
        operation: &Operation,
        seller_id: ObjectId,
    ) -> Result<Vec<ObjectId>, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .hide_some_once(transaction.session(), operation, seller_id)
                .await;
            if let Some(hidden) = transaction.settle(attempt).await? {
                return Ok(hidden);
            }
        }
    }

    async fn hide_some_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        seller_id: ObjectId,
    ) -> Result<Vec<ObjectId>, Error> {
        self.fence.pass(session, operation).await?;
        let mut cursor = self
            .product_ids()
            .find(of_seller(seller_id))
            .sort(doc! {"_id": 1})
            .projection(doc! {"_id": 1})
            .limit(AT_ONCE)
            .session(&mut *session)
            .await?;
        let some: Vec<ObjectId> = cursor
            .stream(&mut *session)
            .map_ok(|product| product.id)
            .try_collect()
            .await?;
        if !some.is_empty() {
            self.products
                .update_many(doc! {"_id": {"$in": some.clone()}}, hiding())
                .session(session)
                .await?;
        }
        Ok(some)
    }

    /// Ends the removal of hidden products that are in no cart any more: what nobody holds or bought
    /// is deleted, the rest goes to the anonymous owner.
    ///
    /// A hidden product is never reserved, so one without held and sold pieces stays without.
    pub(crate) async fn finish_removal(&self, ids: &[ObjectId]) -> Result<(), Error> {
        let removing = doc! {"_id": {"$in": ids.to_vec()}, "removingSince": {"$exists": true}};
        let mut untouched = removing.clone();
        untouched.extend(doc! {"held": 0_i64, "sold": 0_i64});
        self.products.delete_many(untouched).await?;
        let hand_over = doc! {
            "$set": {"sellerId": ANONYMOUS_OWNER, "updatedAt": DateTime::now()},
            "$unset": {"removingSince": ""},
            "$inc": {"version": 1_i64},
        };
        self.products.update_many(removing, hand_over).await?;
        Ok(())
    }

    /// Products whose removal began before `moment` and did not end, oldest first.
    pub(crate) async fn half_removed(
        &self,
        moment: DateTime,
        limit: i64,
    ) -> Result<Vec<ObjectId>, Error> {
        let oldest_first = self
            .product_ids()
            .find(removing_before(moment))
            .projection(doc! {"_id": 1})
            .sort(doc! {"removingSince": 1})
            .limit(limit)
            .await?;
        Ok(oldest_first
            .map_ok(|product| product.id)
            .try_collect()
            .await?)
    }

    fn product_ids(&self) -> Collection<IdDocument<ObjectId>> {
        self.products.clone_with_type()
    }
}

pub(super) fn of_seller(seller_id: ObjectId) -> Document {
    doc! {"sellerId": seller_id}
}

pub(super) fn removing_before(moment: DateTime) -> Document {
    doc! {"removingSince": {"$lt": moment}}
}

fn hiding() -> Document {
    let now = DateTime::now();
    doc! {
        "$set": {"listed": false, "removingSince": now, "updatedAt": now},
        "$inc": {"version": 1_i64},
    }
}
